//! A report for programs: everything that is in it, in a form that is promised.
//!
//! The form has a version, `"schema": "shield-audit/1"`: within it, fields are added and never renamed, taken away or given another
//! meaning. Rules stand apart, each once; findings name theirs. Where there was no database of advisories, `database` and `matches` are
//! `null`, so that nobody takes it for none found.

use std::collections::BTreeSet;

use jiff::civil::Date;
use serde::Serialize;
use shield_types::Sha256Digest;

use super::{Coverage, Criteria, Funnel, Outcome, Report, Scanner, Standing};
use crate::{
    advisories::{Answer, Match, Summary, Unchecked, Withdrawn},
    baseline::Terms,
    custom::Used,
    dependencies::Believed,
    finding::{Confidence, Finding, Fingerprint, Place, Rule, Severity, Step},
    foreign::Sighting,
    reachability::Tier,
};

/// The form and its version.
pub const SCHEMA: &str = "shield-audit/1";

#[derive(Serialize)]
struct Document<'a> {
    schema: &'static str,
    root: &'a str,
    day: Date,
    fail_on: Severity,
    outcome: Outcome,
    complete: bool,
    funnel: Funnel,
    rules: BTreeSet<&'static Rule>,
    found: Vec<One<'a>>,
    accepted: Vec<One<'a>>,
    suppressed: Vec<One<'a>>,
    rule_files: &'a Used,
    coverage: &'a Coverage,
    scanners: &'a [Scanner],
    packages: &'a [Believed],
    advisories: Known<'a>,
}

/// One finding, and why it is where it is.
#[derive(Serialize)]
struct One<'a> {
    rule: &'static str,
    severity: Severity,
    confidence: Confidence,
    place: &'a Place,
    context: &'a str,
    subject: &'a str,
    message: &'a str,
    steps: &'a [Step],
    fingerprint: Fingerprint,
    /// Who sees it, if other scanners were asked; `shield audit` is one of them if it does.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    seen_by: Vec<Sighting>,
    #[serde(skip_serializing_if = "Option::is_none")]
    standing: Option<Standing>,
    #[serde(skip_serializing_if = "Option::is_none")]
    terms: Option<&'a Terms>,
    #[serde(skip_serializing_if = "Option::is_none")]
    comment: Option<&'a str>,
}

/// What is known of vulnerabilities.
#[derive(Default, Serialize)]
struct Known<'a> {
    database: Option<Database<'a>>,
    checked_packages: u64,
    matches: Option<&'a [Match]>,
    withdrawn: Option<&'a [Withdrawn]>,
    unchecked: Option<&'a [Unchecked]>,
    /// How near the project comes to each match, in their order.
    tiers: Option<Vec<Tier>>,
}

#[derive(Serialize)]
struct Database<'a> {
    digest: Sha256Digest,
    summary: &'a Summary,
}

/// The report as one document of JSON.
#[must_use]
pub fn json(report: &Report, criteria: &Criteria) -> String {
    let document = document(report, criteria);
    let mut text =
        serde_json::to_string_pretty(&document).expect("every key is text, and nothing in it can fail");
    text.push('\n');
    text
}

/// The same document, as a part of a greater one.
#[must_use]
pub fn document<'a>(report: &'a Report, criteria: &Criteria) -> impl Serialize + use<'a> {
    let of = |finding| One::of(report, finding);
    let found = report.found.iter().map(|one| One { standing: Some(one.standing), ..of(&one.finding) });
    let accepted = report.accepted.iter().map(|one| One { terms: Some(&one.terms), ..of(&one.finding) });
    let suppressed =
        report.suppressed.iter().map(|one| One { comment: Some(&one.comment), ..of(&one.finding) });
    Document {
        schema: SCHEMA,
        root: &report.root,
        day: report.day,
        fail_on: criteria.fail_on,
        outcome: report.outcome(criteria),
        complete: report.coverage.is_complete(&[]),
        funnel: report.funnel(criteria),
        rules: report.rules(),
        found: found.collect(),
        accepted: accepted.collect(),
        suppressed: suppressed.collect(),
        rule_files: &report.own_rules,
        coverage: &report.coverage,
        scanners: &report.scanners,
        packages: &report.packages,
        advisories: Known::of(report),
    }
}

// === impl One ===

impl<'a> One<'a> {
    fn of(report: &Report, finding: &'a Finding) -> Self {
        Self {
            rule: finding.rule.id,
            severity: finding.severity,
            confidence: finding.confidence,
            place: &finding.place,
            context: &finding.context,
            subject: &finding.subject,
            message: &finding.message,
            steps: &finding.steps,
            fingerprint: finding.fingerprint,
            seen_by: report.seen_by(finding),
            standing: None,
            terms: None,
            comment: None,
        }
    }
}

// === impl Known ===

impl<'a> Known<'a> {
    fn of(report: &'a Report) -> Self {
        let Answer::Checked(checked) = &report.advisories else { return Self::default() };
        Self {
            database: Some(Database { digest: checked.digest, summary: &checked.summary }),
            checked_packages: checked.checked_packages,
            matches: Some(&checked.matches),
            withdrawn: Some(&checked.withdrawn),
            unchecked: Some(&checked.unchecked),
            tiers: Some(checked.matches.iter().map(|one| report.graph.tier(one)).collect()),
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;
    use crate::report::sample;

    fn parsed(report: &Report) -> Value {
        serde_json::from_str(&json(report, &sample::from(Severity::Medium))).unwrap()
    }

    #[test]
    fn document_says_everything() {
        let document = parsed(&sample::found());
        assert_eq!(document["schema"], "shield-audit/1");
        assert_eq!(
            (&document["outcome"], &document["complete"]),
            (&json!("found-and-incomplete"), &json!(false))
        );
        assert_eq!(
            document["funnel"],
            json!({"all": 9, "suppressed": 1, "accepted": 1, "unreachable": 2, "dependency": 1, "minor": 1, "open": 3})
        );
        assert_eq!(document["found"][0]["standing"], "own");
        assert_eq!(document["found"][0]["steps"][1]["what"], "runs it");
        assert_eq!(document["accepted"][0]["terms"]["owner"], "@ops");
        assert_eq!(document["suppressed"][0]["comment"], "# nosec B324");
        assert_eq!(document["coverage"]["skipped"][0]["reason"]["kind"], "syntax-error");
        assert_eq!(document["advisories"]["matches"].as_array().unwrap().len(), 3);
        assert_eq!(document["advisories"]["tiers"], json!(["unknown", "never-imported", "unknown"]));
    }

    #[test]
    fn rules_are_there_once() {
        let document = parsed(&sample::many(1_000));
        let rules = document["rules"].as_array().unwrap();
        let named = document["found"]
            .as_array()
            .unwrap()
            .iter()
            .all(|one| rules.iter().any(|rule| rule["id"] == one["rule"]));
        assert!(named && rules.len() < 5, "{rules:?}");
    }

    #[test]
    fn no_database_is_not_no_vulnerabilities() {
        let document = parsed(&sample::clean());
        assert_eq!(
            (&document["outcome"], &document["advisories"]["matches"]),
            (&json!("clean"), &Value::Null)
        );
    }

    #[test]
    fn hostile_texts_come_back_as_they_were() {
        let report = sample::hostile();
        let document = parsed(&report);
        assert_eq!(document["found"][0]["place"]["file"], report.found[0].finding.place.file);
        assert_eq!(
            json(&report, &sample::from(Severity::Low)),
            json(&report.clone(), &sample::from(Severity::Low))
        );
    }
}
