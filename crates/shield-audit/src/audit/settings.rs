//! What an audit looks at, and what it holds it against.

use std::path::PathBuf;

use jiff::civil::Date;
use serde::{Deserialize, Serialize};

use crate::{
    advisories::Index, baseline::Baseline, custom::Rules, foreign::Others, imports::PythonVersion, tree,
};

/// Whether secrets are looked for in all that was ever committed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum HistoryOf {
    /// In the tree as it is.
    Tree,
    /// In the tree, and in every commit of its repository.
    Repository,
}

/// What an audit looks at, and what it holds it against.
#[derive(Debug)]
pub struct Settings {
    /// Which files are read.
    pub tree: tree::Settings,
    /// Whether commits are.
    pub history: HistoryOf,
    /// Directories of installed packages beside those in the tree.
    pub site_packages: Vec<PathBuf>,
    /// The Python that runs the project; none: what an environment of the tree says, or the newest that is known.
    pub python: Option<PythonVersion>,
    /// What is known of vulnerabilities; none: nothing is, and the report says so.
    pub advisories: Option<Index>,
    /// What rule files add and change.
    pub rules: Rules,
    /// What is accepted for a while.
    pub baseline: Option<Baseline>,
    /// Which other scanners are heard.
    pub others: Others,
    /// The day that acceptances are judged on.
    pub today: Date,
}

// === impl Settings ===

impl Settings {
    /// Settings that look at everything in the tree and hold it against nothing.
    #[must_use]
    pub fn on(today: Date) -> Self {
        Self {
            tree: tree::Settings::default(),
            history: HistoryOf::Tree,
            site_packages: Vec::new(),
            python: None,
            advisories: None,
            rules: Rules::default(),
            baseline: None,
            others: Others::default(),
            today,
        }
    }
}
