//! What an index knows of itself: every answer from it carries this.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::dependencies::Ecosystem;

/// What went into an index.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Summary {
    /// Records that were read, quarantined ones apart.
    pub records: u64,
    /// By ecosystem: one that is missing was not covered at all, and nothing may be said of its packages.
    pub coverage: BTreeMap<Ecosystem, Coverage>,
    /// Packages of records by ecosystems that are none of ours.
    pub others: BTreeMap<String, u64>,
    /// Records that came a second time; the one that was changed last counts.
    pub repeated: u64,
    /// Files that are no records: licences, notes.
    pub ignored: u64,
    /// What could not be understood, in order of the files.
    pub quarantined: Vec<Quarantined>,
}

/// What an index knows of one ecosystem.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Coverage {
    /// Packages that have an advisory.
    pub packages: u64,
    /// Advisories of them, withdrawn ones included.
    pub advisories: u64,
    /// When the newest of them was changed (`2024-10-10`): how old the knowledge is. Empty if no record says.
    pub newest: String,
}

/// Something of a database that could not be understood. The rest of it counts.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Quarantined {
    /// The file, in the database or archive.
    pub file: String,
    /// The record; empty if even that is not known.
    pub id: String,
    /// Why.
    pub reason: String,
    /// The package URLs of what it is about; none if that is not known: it may be about any.
    #[serde(default)]
    pub about: Option<Vec<String>>,
}

// === impl Summary ===

impl Summary {
    /// Ecosystems that are not covered.
    pub fn missing(&self) -> impl Iterator<Item = Ecosystem> {
        Ecosystem::ALL.into_iter().filter(|ecosystem| !self.coverage.contains_key(ecosystem))
    }
}

// === impl Coverage ===

impl Coverage {
    /// Counts an advisory.
    pub(super) fn count(&mut self, modified: &str) {
        self.advisories += 1;
        let day = modified.get(..10).filter(|day| day.parse::<jiff::civil::Date>().is_ok());
        if let Some(day) = day.filter(|day| *day > self.newest.as_str()) {
            day.clone_into(&mut self.newest);
        }
    }
}
