//! What advisories make of a dependency.

use crate::finding::{Cwe, Rule, Severity};

/// All of them: what only an index of advisories tells.
pub static ALL: [&Rule; 6] = [&VULNERABLE, &MALICIOUS, &UNSOUND, &UNMAINTAINED, &NOTICE, &SUSPECT];

/// A dependency with a known vulnerability. Of unknown severity it counts as high.
pub static VULNERABLE: Rule = Rule {
    id: "dependencies/vulnerable",
    title: "dependency with a known vulnerability",
    cwe: Cwe(1395),
    severity: Severity::High,
    aliases: &[],
    advice: "update to a fixed version; where there is none, keep the affected code from being reached, or replace the package",
};

/// A package that is an attack.
pub static MALICIOUS: Rule = Rule {
    id: "dependencies/malicious",
    title: "malicious package",
    cwe: Cwe(506),
    severity: Severity::Critical,
    aliases: &[],
    advice: "remove it, and change every secret that the machines it was installed on could read",
};

/// A dependency that safe code can make misbehave.
pub static UNSOUND: Rule = Rule {
    id: "dependencies/unsound",
    title: "unsound dependency",
    cwe: Cwe(1395),
    severity: Severity::Medium,
    aliases: &[],
    advice: "update to a sound version, or see that the unsound function is not called",
};

/// A dependency that nobody looks after.
pub static UNMAINTAINED: Rule = Rule {
    id: "dependencies/unmaintained",
    title: "unmaintained dependency",
    cwe: Cwe(1104),
    severity: Severity::Low,
    aliases: &[],
    advice: "plan to replace it: its next vulnerability will not be fixed",
};

/// A dependency of which something else is worth knowing.
pub static NOTICE: Rule = Rule {
    id: "dependencies/notice",
    title: "notice about a dependency",
    cwe: Cwe(1104),
    severity: Severity::Info,
    aliases: &[],
    advice: "read the notice",
};

/// An advisory without any end that hits every version: as a rule its data lost the end.
pub static SUSPECT: Rule = Rule {
    id: "dependencies/suspect-advisory",
    title: "advisory about every version there can be",
    cwe: Cwe(1395),
    severity: Severity::Medium,
    aliases: &[],
    advice: "read the advisory: if its data lost where it ends, have it corrected; if every version is affected, replace the package",
};
