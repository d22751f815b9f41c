//! Other scanners that were asked, and what came of each.

use serde::Serialize;

/// What came of one scanner that was run, or of one file with what scanners said elsewhere.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Scanner {
    /// Who: a scanner, or whose outputs are in the file; nobody if that is not known.
    pub whose: Vec<String>,
    /// The file, if it was not run.
    pub file: Option<String>,
    /// The version that it says it is.
    pub version: Option<String>,
    /// How long it took, in milliseconds: the one thing in a report that differs from run to run.
    pub took_ms: Option<u64>,
    /// Its exit code.
    pub exit: Option<i32>,
    /// What came of it: `read`, or why it was not heard.
    pub state: &'static str,
    /// Why it was not heard, in words; empty if it was.
    pub reason: String,
    /// What can be done about that.
    pub hint: Option<String>,
    /// Whether that leaves a gap.
    pub missing: bool,
    /// How much it found.
    pub findings: usize,
    /// Defects among them that we see too.
    pub also_ours: usize,
    /// Defects that only it sees, or it and other scanners.
    pub only_theirs: usize,
    /// Findings that comments or settings of the scanner take back.
    pub taken_back: usize,
    /// Findings in what the settings of the audit leave out.
    pub left_out: usize,
    /// How much it says that it did not look at.
    pub unread: usize,
}

// === impl Scanner ===

impl Scanner {
    /// What it is called: by its file, else by its name.
    #[must_use]
    pub fn name(&self) -> String {
        self.file.clone().unwrap_or_else(|| self.whose.join(", "))
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use serde_json::Value;

    use super::*;
    use crate::{
        finding::Severity,
        foreign::Sighting,
        report::{Report, html, json, markdown, sample, sarif, text::text},
    };

    fn report() -> Report {
        let mut report = sample::found();
        let finding = report.found.iter().find(|one| one.finding.rule.id == "python/eval").unwrap();
        let by = |tool: &str, rule: &str| Sighting {
            tool: tool.to_owned(),
            rule: rule.to_owned(),
            severity: Severity::Low,
        };
        let seen = BTreeSet::from([by("bandit", "B307"), by("ruff", "S307"), by("ruff", "PGH001")]);
        report.seen_by.insert(finding.finding.fingerprint, seen);
        report.scanners = vec![
            Scanner {
                whose: vec!["bandit".to_owned()],
                version: Some("1.9.4".to_owned()),
                took_ms: Some(12_345),
                exit: Some(1),
                state: "read",
                findings: 1,
                also_ours: 1,
                taken_back: 2,
                ..Scanner::default()
            },
            Scanner {
                whose: vec!["mypy".to_owned()],
                state: "not-installed",
                reason: "not installed".to_owned(),
                hint: Some("install it: `pip install mypy`".to_owned()),
                missing: true,
                ..Scanner::default()
            },
            Scanner { file: Some(sample::HOSTILE.to_owned()), state: "failed", ..Scanner::default() },
        ];
        report
    }

    #[test]
    fn every_form_says_who_saw_what() {
        let (report, criteria) = (report(), sample::from(Severity::Medium));
        let seen = "seen by shield audit, bandit B307, ruff PGH001 and S307";
        let came = "1 finding: 1 defects that we see too, 0 that we do not; 2 taken back by comments or settings of it";
        for form in [text(&report, &criteria), html(&report, &criteria), markdown(&report, &criteria)] {
            for part in [seen, came, "1.9.4, 12.3 s, exit 1", "not installed; install it: "] {
                assert!(form.contains(part), "`{part}` is not in:\n{form}");
            }
            assert!(!form.contains('\x1b'), "{form}");
        }
        for form in [html(&report, &criteria), markdown(&report, &criteria)] {
            assert!(!form.contains("<img"), "{form}");
        }
        let document: Value = serde_json::from_str(&json(&report, &criteria)).unwrap();
        let eval =
            document["found"].as_array().unwrap().iter().find(|one| one["rule"] == "python/eval").unwrap();
        let tools: Vec<_> =
            eval["seen_by"].as_array().unwrap().iter().map(|by| by["tool"].as_str().unwrap()).collect();
        assert_eq!(tools, ["shield audit", "bandit", "ruff", "ruff"]);
        assert_eq!(document["scanners"][1]["state"], "not-installed");
        let log: Value = serde_json::from_str(&sarif(&report, &criteria)).unwrap();
        let results = log["runs"][0]["results"].as_array().unwrap();
        let eval = results.iter().find(|one| one["ruleId"] == "python/eval").unwrap();
        assert_eq!(eval["properties"]["seenBy"][1]["rule"], "B307");
    }

    #[test]
    fn nobody_asked_is_nobody_named() {
        let (report, criteria) = (sample::found(), sample::from(Severity::Medium));
        for form in [text(&report, &criteria), html(&report, &criteria), markdown(&report, &criteria)] {
            assert!(!form.contains("seen by") && !form.to_lowercase().contains("other scanners"), "{form}");
        }
    }
}
