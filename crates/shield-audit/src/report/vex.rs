//! OpenVEX and bills of materials of a report: what its vulnerabilities mean here.
//!
//! `not_affected` is only said of vulnerabilities that nothing of the project leads to, with the proof from the graph that shows it; and
//! never where a part of the graph could not be read, since then something may lead there after all.

use std::collections::BTreeMap;

use jiff::Timestamp;

use super::{Part, Report, escape};
use crate::advisories::{
    Answer, Hit, Kind, Match,
    vex::{Document, Justification, Proof, Statement, Status},
};

/// What the report says of vulnerabilities, as OpenVEX 0.2, said by `author` at `created`. None where there is nothing to say: no
/// database, or no vulnerability; the format has no form for either.
#[must_use]
pub fn vex(report: &Report, author: &str, created: Timestamp) -> Option<String> {
    let statements = report.statements();
    if statements.is_empty() {
        return None;
    }
    let document = Document {
        author: author.to_owned(),
        timestamp: seconds(created),
        product: product(report),
        statements,
    };
    Some(format!("{:#}\n", document.to_json()))
}

/// In RFC 3339, to the second: SPDX takes no more.
pub(super) fn seconds(created: Timestamp) -> String {
    created.strftime("%Y-%m-%dT%H:%M:%SZ").to_string()
}

fn product(report: &Report) -> String {
    let name = if report.bill.name.is_empty() { "project" } else { &report.bill.name };
    let version = report.bill.version.as_ref().map(|version| format!("@{}", escape::uri(version)));
    format!("pkg:generic/{}{}", escape::uri(name).replace('/', "%2F"), version.unwrap_or_default())
}

// === impl Report ===

impl Report {
    /// One statement a vulnerability of a version of a package, in their order. What is merely worth knowing is none.
    #[must_use]
    pub fn statements(&self) -> Vec<Statement> {
        let Answer::Checked(checked) = &self.advisories else { return Vec::new() };
        let harmful =
            checked.matches.iter().filter(|one| !matches!(one.kind, Kind::Unmaintained | Kind::Notice));
        let statements = harmful.map(|found| {
            let statement = Statement::about(found, self.status(found));
            ((statement.vulnerability.clone(), statement.package.clone()), statement)
        });
        // The same version may be named by several files; a statement is about the version.
        statements.collect::<BTreeMap<_, _>>().into_values().collect()
    }

    fn status(&self, found: &Match) -> Status {
        if self.graph.tier(found).is_out_of_reach() {
            return match self.graph.modules_never_imported(&found.package) {
                Some(_) => self.not_affected(found),
                None => self.not_reached(found),
            };
        }
        let doubtful = found.suspect || found.hit == Hit::OnlyRange;
        let action = match (&found.kind, &found.fixed_in) {
            (Kind::Malicious, _) => {
                format!("remove `{}`, and change every secret it could read", found.package)
            }
            (_, Some(fixed)) => match &found.clean_in {
                Some(clean) if clean != fixed => {
                    format!("update `{}` to {clean}; {fixed} has other vulnerabilities", found.package)
                }
                _ => format!("update `{}` to {fixed}", found.package),
            },
            (_, None) if doubtful => return Status::UnderInvestigation,
            (_, None) => format!(
                "no fixed version of `{}` is known: keep the affected code from being reached, or replace the package",
                found.package
            ),
        };
        Status::Affected { action }
    }

    /// Of a package that is not Python's.
    fn not_reached(&self, found: &Match) -> Status {
        let Some(search) = self.graph.others.search(found.package.ecosystem()) else {
            return Status::UnderInvestigation;
        };
        let package = [found.package.purl_of(&found.version)];
        let targets = if found.symbols.is_empty() { &package[..] } else { &found.symbols };
        let proof = Proof {
            method: search.method.to_owned(),
            roots: search.roots.clone(),
            targets: targets.to_vec(),
            graph: search.graph,
        };
        Status::NotAffected { justification: Justification::VulnerableCodeNotInExecutePath, proof }
    }

    fn not_affected(&self, found: &Match) -> Status {
        let unread = self.coverage.gaps.iter().any(|gap| gap.part == Part::Imports);
        match self.graph.proof_of_never_imported(&found.package).filter(|_| !unread) {
            Some(proof) => {
                Status::NotAffected { justification: Justification::VulnerableCodeNotInExecutePath, proof }
            }
            None => Status::UnderInvestigation,
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::Value;

    use super::*;
    use crate::{
        advisories::vex::Claim,
        report::{Gap, sample},
    };

    fn written(report: &Report) -> Value {
        let text = vex(report, "me", sample::created()).unwrap();
        serde_json::from_str(&text).unwrap()
    }

    fn statuses(document: &Value) -> Vec<(&str, &str)> {
        let statements = document["statements"].as_array().unwrap().iter();
        statements
            .map(|one| (one["vulnerability"]["name"].as_str().unwrap(), one["status"].as_str().unwrap()))
            .collect()
    }

    #[test]
    fn never_imported_packages_are_not_affected() {
        let document = written(&sample::found());
        assert_eq!(statuses(&document), [("CVE-1", "affected"), ("CVE-2", "not_affected")]);
        assert_eq!(document["statements"][0]["action_statement"], "update `used` to 2.0");
        let proof = Claim::all_in(&document).unwrap().remove(1).proof.unwrap();
        assert_eq!(
            (proof.roots, proof.targets),
            (vec!["src/app.py".to_owned()], vec!["unused".to_owned(), "unused.deep".to_owned()])
        );
        assert_eq!(document["timestamp"], "2026-11-27T10:00:00Z");
        assert_eq!(document["statements"][0]["products"][0]["@id"], "pkg:generic/me%20%26%20you");
    }

    #[test]
    fn holes_in_the_graph_prove_nothing() {
        let mut report = sample::found();
        report.coverage.gaps.push(Gap::of(Part::Imports, "src/x.py", "not readable"));
        assert_eq!(statuses(&written(&report))[1], ("CVE-2", "under_investigation"));
    }

    #[test]
    fn attacks_need_not_be_imported() {
        let mut report = sample::found();
        let Answer::Checked(checked) = &mut report.advisories else { panic!("there is a database") };
        checked.matches[1].kind = Kind::Malicious;
        assert_eq!(statuses(&written(&report))[1], ("CVE-2", "affected"));
    }

    #[test]
    fn nothing_known_says_nothing() {
        assert_eq!(vex(&sample::clean(), "me", sample::created()), None);
    }
}
