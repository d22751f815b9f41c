//! What is wrong with lists of dependencies.

use crate::finding::{Cwe, Rule, Severity};

/// A name of the standard library among the packages to install.
pub static SHADOWS_STANDARD_LIBRARY: Rule = Rule {
    id: "dependencies/shadows-standard-library",
    title: "package named like a module of the standard library",
    cwe: Cwe(427),
    severity: Severity::High,
    aliases: &[],
    advice: "remove it from the list: the module is part of Python, and a registry's package of that name is somebody else's",
};

/// A list that leaves versions open, without a lock file.
pub static UNPINNED: Rule = Rule {
    id: "dependencies/unpinned",
    title: "versions left open",
    cwe: Cwe(1357),
    severity: Severity::Low,
    aliases: &[],
    advice: "lock the versions, for example with `uv lock`, and commit the lock file",
};

/// Several lists of one project that do not ask for the same.
pub static LISTS_DISAGREE: Rule = Rule {
    id: "dependencies/lists-disagree",
    title: "lists of dependencies that disagree",
    cwe: Cwe(1357),
    severity: Severity::Low,
    aliases: &[],
    advice: "keep one list, in `pyproject.toml`, and make the others from it",
};

/// A lock file that does not hold what is asked for.
pub static LOCK_OUT_OF_DATE: Rule = Rule {
    id: "dependencies/lock-out-of-date",
    title: "lock file that is out of date",
    cwe: Cwe(1357),
    severity: Severity::Medium,
    aliases: &[],
    advice: "lock again",
};
