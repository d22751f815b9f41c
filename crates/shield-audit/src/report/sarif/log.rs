//! A report as SARIF 2.1.0 (OASIS Standard, 2020), within what GitHub's code scanning takes.
//!
//! The worst stands first, since readers cut at the end: GitHub shows 5,000 results of a run and refuses more than 25,000, so that more are
//! never written, and how many are not is said. What comments and the baseline take back is there as suppressed; what is in
//! installed code is no failure of this project and has the level `none`. What was not looked at is a notification of the invocation,
//! which then was not successful.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use super::{
    result::{Set, result},
    tool,
};
use crate::{
    advisories::Answer,
    finding::Finding,
    report::{Criteria, Part, Report, Standing, escape, words},
};

/// GitHub refuses a run with more results.
const RESULTS_MAX: usize = 25_000;

/// What paths are relative to.
pub(super) const ROOT: &str = "%SRCROOT%";

/// The report as one log with one run.
#[must_use]
pub fn sarif(report: &Report, criteria: &Criteria) -> String {
    let mut findings = findings(report);
    let left_out = findings.len().saturating_sub(RESULTS_MAX);
    findings.truncate(RESULTS_MAX);
    // All rules: an importer knows those of results that were left out, too.
    let rules: Vec<_> = report.rules().into_iter().collect();
    let places: BTreeMap<&str, usize> =
        rules.iter().enumerate().map(|(place, rule)| (rule.id, place)).collect();
    let of =
        |set, finding: &Finding| result(set, (finding, report.seen_by(finding)), places[finding.rule.id]);
    let results: Vec<Value> = findings.iter().map(|(set, finding)| of(set, finding)).collect();
    let log = json!({
        "$schema": "https://docs.oasis-open.org/sarif/sarif/v2.1.0/errata01/os/schemas/sarif-schema-2.1.0.json",
        "version": "2.1.0",
        "runs": [{
            "tool": {"driver": tool::driver(&rules)},
            "taxonomies": [tool::weaknesses(&rules)],
            "automationDetails": {"id": "shield-audit/"},
            "columnKind": "unicodeCodePoints",
            "originalUriBaseIds": {ROOT: {"uri": root(&report.root)}},
            "invocations": [invocation(report, left_out)],
            "results": results,
            "properties": properties(report, criteria),
        }],
    });
    let mut text = log.to_string();
    text.push('\n');
    text
}

/// Every finding: those that count before those that are set apart, the worst of each first.
fn findings(report: &Report) -> Vec<(Set<'_>, &Finding)> {
    let found = report.found.iter().map(|one| (Set::Open(one.standing), &one.finding));
    let accepted = report.accepted.iter().map(|one| (Set::Accepted(&one.terms), &one.finding));
    let suppressed = report.suppressed.iter().map(|one| (Set::Suppressed(&one.comment), &one.finding));
    let mut all: Vec<_> = found.chain(accepted).chain(suppressed).collect();
    let order = |set: &Set<'_>| match set {
        Set::Open(Standing::Own) => 0,
        Set::Accepted(_) => 1,
        Set::Suppressed(_) => 2,
        Set::Open(Standing::Dependency) => 3,
        Set::Open(Standing::Unreachable) => 4,
    };
    all.sort_by_key(|(set, finding)| (order(set), std::cmp::Reverse(finding.severity)));
    all
}

/// The audited directory. A file's place is its name, which is relative to the directory that it is in; which of both was audited is
/// known by what was found to be there.
fn root(root: &str) -> String {
    format!("file://{}/", escape::uri(root.trim_end_matches('/')))
}

fn invocation(report: &Report, left_out: usize) -> Value {
    let missing = report.coverage.missing();
    let mut notifications: Vec<Value> = missing
        .iter()
        .map(|gap| {
            let text = format!("not looked at: {}: {}", gap.what, gap.reason);
            let mut notification = json!({
                "descriptor": {"id": tool::NOT_LOOKED_AT},
                "level": "error",
                "message": {"text": text},
                "properties": {"part": gap.part},
            });
            if gap.part == Part::Files {
                let location = json!({"uri": escape::uri(&gap.what), "uriBaseId": ROOT});
                notification["locations"] = json!([{"physicalLocation": {"artifactLocation": location}}]);
            }
            notification
        })
        .collect();
    let mut note = |id: &str, level: &str, text: String| {
        notifications.push(json!({"descriptor": {"id": id}, "level": level, "message": {"text": text}}));
    };
    if report.coverage.left_out() > 0 {
        let text =
            format!("{} files or directories were left out by the settings", report.coverage.left_out());
        note(tool::LEFT_OUT, "note", text);
    }
    if let Some(unruled) = report.coverage.unruled() {
        note(tool::LEFT_OUT, "note", format!("read for secrets only: {unruled}"));
    }
    if left_out > 0 {
        let text = format!(
            "{left_out} results are not written: {RESULTS_MAX} are the most that are taken. The others are in `--json`"
        );
        note(tool::LEFT_OUT, "warning", text);
    }
    json!({
        "executionSuccessful": report.coverage.is_complete(&[]),
        "toolExecutionNotifications": notifications,
    })
}

fn properties(report: &Report, criteria: &Criteria) -> Value {
    let advisories = match &report.advisories {
        Answer::NoDatabase => Value::Null,
        Answer::Checked(checked) => {
            json!({"digest": checked.digest, "newest": words::newest(checked, report.day)})
        }
    };
    json!({
        "outcome": report.outcome(criteria),
        "failOn": criteria.fail_on,
        "funnel": report.funnel(criteria),
        "advisories": advisories,
        "scanners": report.scanners,
        "ruleFiles": report.own_rules,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{finding::Severity, report::sample};

    fn run(report: &Report) -> Value {
        let log: Value = serde_json::from_str(&sarif(report, &sample::from(Severity::Medium))).unwrap();
        log["runs"][0].clone()
    }

    #[test]
    fn worst_of_what_counts_is_first() {
        let run = run(&sample::found());
        let results = run["results"].as_array().unwrap();
        let levels: Vec<_> = results.iter().map(|one| one["level"].as_str().unwrap()).collect();
        assert_eq!(levels, ["error", "error", "error", "note", "warning", "warning", "none", "none", "none"]);
        assert_eq!(results[4]["suppressions"][0]["kind"], "external");
        assert_eq!(
            results[5]["suppressions"][0],
            json!({"kind": "inSource", "justification": "# nosec B324"})
        );
    }

    #[test]
    fn results_point_at_their_rules() {
        let run = run(&sample::found());
        let rules = run["tool"]["driver"]["rules"].as_array().unwrap();
        for result in run["results"].as_array().unwrap() {
            let rule = &rules[usize::try_from(result["ruleIndex"].as_u64().unwrap()).unwrap()];
            assert_eq!(rule["id"], result["ruleId"]);
        }
        let taxa = run["taxonomies"][0]["taxa"].as_array().unwrap();
        assert!(taxa.windows(2).all(|pair| pair[0]["id"] != pair[1]["id"]), "each weakness once");
    }

    #[test]
    fn what_was_not_looked_at_is_no_success() {
        let found = run(&sample::found());
        let invocation = &found["invocations"][0];
        assert_eq!(invocation["executionSuccessful"], false);
        assert_eq!(
            invocation["toolExecutionNotifications"][0]["locations"][0]["physicalLocation"]["artifactLocation"]
                ["uri"],
            "src/broken.py"
        );
        let clean = run(&sample::clean());
        assert_eq!(clean["invocations"][0]["executionSuccessful"], true);
        assert_eq!(clean["results"], json!([]));
    }

    #[test]
    fn too_many_results_are_cut_and_counted() {
        let run = run(&sample::many(RESULTS_MAX + 7));
        assert_eq!(run["results"].as_array().unwrap().len(), RESULTS_MAX);
        let said =
            run["invocations"][0]["toolExecutionNotifications"][0]["message"]["text"].as_str().unwrap();
        assert!(said.starts_with("7 results are not written"), "{said}");
    }

    #[test]
    fn hostile_paths_are_encoded() {
        let run = run(&sample::hostile());
        let uri = run["results"][0]["locations"][0]["physicalLocation"]["artifactLocation"]["uri"]
            .as_str()
            .unwrap();
        assert!(uri.bytes().all(|byte| byte.is_ascii_graphic() && !b"<>\"'`|:".contains(&byte)), "{uri}");
        assert!(run["originalUriBaseIds"][ROOT]["uri"].as_str().unwrap().ends_with('/'));
    }
}
