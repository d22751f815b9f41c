//! One finding for each defect, with everybody who saw it.
//!
//! Two are the same if a rule of ours has the other's id among its aliases and the line is the same; if both are instances of
//! one weakness in one line, and the other's rule is none that we know; if both are secrets in one line; if both are about one
//! version of a package and share a name of what is known against it, directly or through others. The order of the
//! observations does not matter. What is nobody's defect but a tool's own stays, under that tool's name.

mod keys;
mod known;
#[cfg(test)]
mod tests;

use std::collections::{BTreeMap, BTreeSet};

use serde::Serialize;

use super::{Observation, observation::About};
use crate::finding::{Finding, Fingerprint, Place, Severity};
use keys::Keys;
use known::Known;

/// One defect, and who saw it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Consolidated {
    /// What it is.
    pub defect: Defect,
    /// Who saw it beside us, sorted, each rule of each tool once.
    pub seen_by: BTreeSet<Sighting>,
}

/// Whose words describe a defect.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Defect {
    /// A rule of ours found it.
    Ours(Finding),
    /// Only others saw it.
    Theirs(Theirs),
}

/// A defect that no rule of ours covers.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Theirs {
    /// What the first of them says, in the order of places and names.
    pub observation: Observation,
    /// Its name, without lines.
    pub fingerprint: Fingerprint,
}

/// Who saw a defect, and what it is called there.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
pub struct Sighting {
    /// Who.
    pub tool: String,
    /// By which rule.
    pub rule: String,
    /// How bad it says that is.
    pub severity: Severity,
}

/// What is known beside findings and observations.
#[derive(Clone)]
pub struct Sources<'a> {
    /// Names of one vulnerability each, as advisories have them ([`crate::advisories::Match::names`]).
    pub names: Vec<&'a [String]>,
    /// A line of a file: what a foreign finding is recognised by when lines move. Nothing, if the file cannot be read.
    pub line: &'a dyn Fn(&str, u32) -> Option<String>,
}

/// Joins findings, which keep their order and their fingerprints, with what others say; what only others say follows in the
/// order of its places.
#[must_use]
pub fn consolidate(
    findings: Vec<Finding>,
    mut observations: Vec<Observation>,
    sources: &Sources<'_>,
) -> Vec<Consolidated> {
    observations.sort_unstable();
    let keys = Keys::of(&observations, &sources.names);
    let mut known = Known::default();
    // First lines before all others: what starts in a line is nearer than what only goes through it.
    let starts = findings.iter().enumerate().map(|(number, finding)| (number, keys.of_finding(finding)));
    let further =
        findings.iter().enumerate().map(|(number, finding)| (number, keys.of_further_lines(finding)));
    starts.chain(further).for_each(|(number, keys)| known.add(keys, number));
    let mut all: Vec<Consolidated> = findings
        .into_iter()
        .map(|finding| Consolidated { defect: Defect::Ours(finding), seen_by: BTreeSet::new() })
        .collect();
    for observation in observations {
        let keys = keys.of_observation(&observation);
        let sighting = Sighting {
            tool: observation.tool.clone(),
            rule: observation.rule.clone(),
            severity: observation.severity,
        };
        let number = known.find(&keys, &sighting, &all).unwrap_or_else(|| {
            let theirs = Theirs { observation, fingerprint: Fingerprint::UNSET };
            all.push(Consolidated { defect: Defect::Theirs(theirs), seen_by: BTreeSet::new() });
            all.len() - 1
        });
        all[number].seen_by.insert(sighting);
        known.add(keys, number);
    }
    name(&mut all, sources.line);
    all
}

/// Gives those that are not ours their fingerprints: by the rule, the file and the text of the line, numbered where these are
/// alike. The text of a secret's line is left out: a short secret could be found from its fingerprint by trying.
fn name(all: &mut [Consolidated], line: &dyn Fn(&str, u32) -> Option<String>) {
    let mut alike: BTreeMap<[String; 4], u32> = BTreeMap::new();
    for one in all {
        let Defect::Theirs(Theirs { observation, fingerprint }) = &mut one.defect else { continue };
        let Place { file, span } = &observation.place;
        let subject = match (&observation.about, span) {
            (About::Package { package, version, .. }, _) => format!("{package} {version}"),
            (About::Code, Some(span)) => line(file, span.line).unwrap_or_default(),
            _ => String::new(),
        };
        let subject = subject.split_whitespace().collect::<Vec<_>>().join(" ");
        let parts = [observation.tool.clone(), observation.rule.clone(), file.clone(), subject];
        let before = alike.entry(parts.clone()).or_default();
        let [tool, rule, file, subject] = &parts;
        *fingerprint = Fingerprint::of_parts([tool, rule, file, subject, &before.to_string()]);
        *before += 1;
    }
}

// === impl Consolidated ===

impl Consolidated {
    /// Where it is.
    #[must_use]
    pub const fn place(&self) -> &Place {
        match &self.defect {
            Defect::Ours(finding) => &finding.place,
            Defect::Theirs(theirs) => &theirs.observation.place,
        }
    }

    /// What kind of defect: the id of our rule, or `tool/rule`.
    #[must_use]
    pub fn rule(&self) -> String {
        match &self.defect {
            Defect::Ours(finding) => finding.rule.id.to_owned(),
            Defect::Theirs(theirs) => format!("{}/{}", theirs.observation.tool, theirs.observation.rule),
        }
    }

    /// How bad.
    #[must_use]
    pub const fn severity(&self) -> Severity {
        match &self.defect {
            Defect::Ours(finding) => finding.severity,
            Defect::Theirs(theirs) => theirs.observation.severity,
        }
    }

    /// Its name, without lines.
    #[must_use]
    pub const fn fingerprint(&self) -> Fingerprint {
        match &self.defect {
            Defect::Ours(finding) => finding.fingerprint,
            Defect::Theirs(theirs) => theirs.fingerprint,
        }
    }
}
