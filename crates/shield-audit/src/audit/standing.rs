//! Whose code a finding is in, and whether anything leads there.

use std::{
    collections::{BTreeMap, HashMap, HashSet},
    path::Path,
};

use super::ImportGraph;
use crate::{
    advisories::{Answer, Match},
    finding::{Finding, Place},
    report::Standing,
    tree::{Origin, Tree},
};

/// What the standing of a place is known by.
pub(super) struct Standings<'a> {
    origins: BTreeMap<&'a str, Origin>,
    unreached: HashSet<String>,
    /// Vulnerabilities of packages, by place and subject.
    vulnerabilities: HashMap<(Place, String), Standing>,
}

// === impl Standings ===

impl<'a> Standings<'a> {
    /// Of the files of a tree at `root`, an absolute path.
    pub(super) fn of(root: &Path, tree: &'a Tree, graph: &ImportGraph, answer: &Answer) -> Self {
        let below = |path: &String| {
            let path = Path::new(path).strip_prefix(root).ok()?;
            Some(path.to_string_lossy().into_owned())
        };
        Self {
            origins: tree.entries().iter().map(|entry| (entry.path.as_str(), entry.origin)).collect(),
            unreached: graph.unreached.iter().filter_map(below).collect(),
            vulnerabilities: vulnerabilities(answer, graph),
        }
    }

    /// Whether the tree has a file of this path.
    pub(super) fn has_file(&self, path: &str) -> bool {
        self.origins.contains_key(path)
    }

    /// Of a finding: what is not in the tree (a setting, a commit) is the project's own.
    pub(super) fn standing(&self, finding: &Finding) -> Standing {
        let key = (finding.place.clone(), finding.subject.clone());
        if let Some(standing) = self.vulnerabilities.get(&key) {
            return *standing;
        }
        match self.origins.get(finding.place.file.as_str()) {
            Some(Origin::Dependency) if self.unreached.contains(&finding.place.file) => Standing::Unreachable,
            Some(Origin::Dependency) => Standing::Dependency,
            _ => Standing::Own,
        }
    }
}

/// A vulnerability that nothing of the project leads to is out of reach. Any other is the project's own, whatever file names the
/// package: it is the project that uses it.
fn vulnerabilities(answer: &Answer, graph: &ImportGraph) -> HashMap<(Place, String), Standing> {
    let Answer::Checked(checked) = answer else { return HashMap::new() };
    let standing =
        |of: &Match| if graph.tier(of).is_out_of_reach() { Standing::Unreachable } else { Standing::Own };
    let findings = checked.matches.iter().map(|of| (of.finding(), standing(of)));
    findings.map(|(finding, standing)| ((finding.place, finding.subject), standing)).collect()
}
