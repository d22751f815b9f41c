//! What a rule is called, and what it is about.

use std::fmt;

use serde::Serialize;

use super::Severity;

/// A weakness by its number in the Common Weakness Enumeration.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(transparent)]
pub struct Cwe(pub u16);

/// One kind of defect. Rules are constants: two findings of one rule share it.
#[derive(Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
pub struct Rule {
    /// Its name in reports, baselines and settings: kebab case after the area, `python/weak-hash`. Never changes. Of another scanner's
    /// rule: its own id after the scanner and a colon, `bandit:B101`.
    pub id: &'static str,
    /// In a few words, lower case.
    pub title: &'static str,
    /// What it is an instance of.
    pub cwe: Cwe,
    /// How bad it is unless a finding says otherwise.
    pub severity: Severity,
    /// What other scanners call it: `B303`, `S324`.
    pub aliases: &'static [&'static str],
    /// What to do, in one sentence.
    pub advice: &'static str,
}

// === impl Rule ===

impl Rule {
    /// Whether it is another scanner's.
    #[must_use]
    pub fn is_foreign(&self) -> bool {
        self.id.contains(':')
    }
}

// === impl Cwe ===

impl fmt::Display for Cwe {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "CWE-{}", self.0)
    }
}
