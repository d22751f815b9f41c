//! A report.

use std::collections::{BTreeMap, BTreeSet};

use jiff::civil::Date;
use serde::{Deserialize, Serialize};

use super::{Coverage, Part, Scanner};
use crate::{
    advisories::Answer,
    audit::ImportGraph,
    baseline::Terms,
    custom::Used,
    dependencies::{Believed, bill::Bill},
    finding::{Finding, Fingerprint, Rule, Severity},
    foreign::Sighting,
    python::Suppressed,
};

/// What this audit is called among scanners.
pub(super) const NAME: &str = "shield audit";

/// Whose code a finding is in, and whether anything leads there.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Standing {
    /// The project's own: its code, its settings, its history, what it uses.
    Own,
    /// Installed code that the project leads to, as far as that can be known.
    Dependency,
    /// Installed code that nothing of the project leads to.
    Unreachable,
}

/// A finding in its surroundings.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Found {
    /// Where it stands.
    pub standing: Standing,
    /// What was found.
    pub finding: Finding,
}

/// A finding that is accepted for a while.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Accepted {
    /// What was found.
    pub finding: Finding,
    /// Why, by whom, and until when.
    pub terms: Terms,
}

/// What a report is held against.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Criteria {
    /// Findings count from here.
    pub fail_on: Severity,
    /// Parts whose gaps do not count. They are in the report all the same.
    pub gaps: Vec<Part>,
}

/// What an audit comes to.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Outcome {
    /// All was looked at, and nothing that counts was found.
    Clean,
    /// All was looked at, and something was found.
    Found,
    /// Nothing was found, but not all was looked at.
    Incomplete,
    /// Something was found, and not all was looked at.
    FoundAndIncomplete,
}

/// All that an audit says.
#[derive(Clone, Debug)]
pub struct Report {
    /// What was audited: an absolute path.
    pub root: String,
    /// The day it was judged on.
    pub day: Date,
    /// What was found and is not accepted, in the order of the places.
    pub found: Vec<Found>,
    /// What is accepted, in the same order.
    pub accepted: Vec<Accepted>,
    /// What a comment in the source takes back.
    pub suppressed: Vec<Suppressed>,
    /// What was read, and what was not.
    pub coverage: Coverage,
    /// Which lists of packages were believed.
    pub packages: Vec<Believed>,
    /// What is known of their vulnerabilities.
    pub advisories: Answer,
    /// What the project is made of.
    pub bill: Bill,
    /// What leads where; not part of what is written, only its digest is, with claims that rest on it.
    pub graph: ImportGraph,
    /// Other scanners that were asked.
    pub scanners: Vec<Scanner>,
    /// Who else sees a finding: those of other scanners alone are here too.
    pub seen_by: BTreeMap<Fingerprint, BTreeSet<Sighting>>,
    /// What rule files added and changed.
    pub own_rules: Used,
}

// === impl Report ===

impl Report {
    /// Findings of the project's own that count.
    pub fn failing<'a>(&'a self, criteria: &Criteria) -> impl Iterator<Item = &'a Found> + use<'a> {
        let fail_on = criteria.fail_on;
        let own = self.found.iter().filter(|one| one.standing == Standing::Own);
        own.filter(move |one| one.finding.severity >= fail_on)
    }

    /// Every finding, accepted and suppressed ones included.
    pub fn all(&self) -> impl Iterator<Item = &Finding> {
        let found = self.found.iter().map(|one| &one.finding);
        let accepted = self.accepted.iter().map(|one| &one.finding);
        found.chain(accepted).chain(self.suppressed.iter().map(|one| &one.finding))
    }

    /// The rules of all findings, in the order of their ids.
    #[must_use]
    pub fn rules(&self) -> BTreeSet<&'static Rule> {
        self.all().map(|finding| finding.rule).collect()
    }

    /// Who sees a finding, we first. Nobody, if no other scanner was asked.
    #[must_use]
    pub fn seen_by(&self, finding: &Finding) -> Vec<Sighting> {
        if self.scanners.is_empty() {
            return Vec::new();
        }
        let ours = (!finding.rule.is_foreign()).then(|| Sighting {
            tool: NAME.to_owned(),
            rule: finding.rule.id.to_owned(),
            severity: finding.severity,
        });
        ours.into_iter()
            .chain(self.seen_by.get(&finding.fingerprint).into_iter().flatten().cloned())
            .collect()
    }

    /// What it comes to.
    #[must_use]
    pub fn outcome(&self, criteria: &Criteria) -> Outcome {
        let found = self.failing(criteria).next().is_some();
        match (found, self.coverage.is_complete(&criteria.gaps)) {
            (false, true) => Outcome::Clean,
            (true, true) => Outcome::Found,
            (false, false) => Outcome::Incomplete,
            (true, false) => Outcome::FoundAndIncomplete,
        }
    }
}

// === impl Criteria ===

impl Default for Criteria {
    /// What is high counts, and so does every gap.
    fn default() -> Self {
        Self { fail_on: Severity::High, gaps: Vec::new() }
    }
}
