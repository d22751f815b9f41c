//! Results for a build server: JUnit XML as GitLab and Jenkins read it.
//!
//! It is red exactly when the verdict is not *passed*, and when it contradicts itself. An invalid run is an error, not a
//! failure: what was tested is not known. In an invalid run, what held is skipped, because it says nothing. A check that some
//! answers did not fulfil is a failure unless the verdict passed: then the thresholds permitted it, and the case says how many
//! there were.
//!
//! GitLab tells cases apart by class and name, so both together are unique. It shows the text of a failure, Jenkins its message,
//! so both are there.

use std::collections::BTreeSet;

use crate::output::escape::{escaped, markup_escaped};
use crate::output::figures::count;
use crate::output::text::text;
use crate::output::words::{identity, meaning};
use crate::results::model::{CheckResults, RunResults, Verdict};

/// A case.
struct Case {
    class: &'static str,
    name: String,
    outcome: Outcome,
}

enum Outcome {
    Passed { note: Option<String> },
    Failed(String),
    Error(String),
    Skipped(String),
}

/// The document.
#[must_use]
pub fn junit(results: &RunResults) -> String {
    let mut cases = run_cases(results);
    cases.extend(threshold_cases(results));
    cases.extend(results.checks.iter().map(|check| check_case(check, results.verdict)));
    cases.extend(reconciliation_case(results));
    if results.verdict != Verdict::Passed && !cases.iter().any(Case::red) {
        cases.push(Case::new("run", "the verdict", Outcome::Failed(why(results))));
    }
    make_unique(&mut cases);
    let counted = |is: fn(&Outcome) -> bool| cases.iter().filter(|case| is(&case.outcome)).count();
    let time = if results.elapsed_s.is_finite() { results.elapsed_s } else { 0.0 };
    format!(
        r#"<?xml version="1.0" encoding="UTF-8"?>
<testsuites>
  <testsuite name="{name}" tests="{tests}" failures="{failures}" errors="{errors}" skipped="{skipped}" time="{time:.3}" timestamp="{timestamp}">
{cases}    <system-out>{output}</system-out>
  </testsuite>
</testsuites>
"#,
        name = escaped(&results.name),
        tests = cases.len(),
        failures = counted(|outcome| matches!(outcome, Outcome::Failed(_))),
        errors = counted(|outcome| matches!(outcome, Outcome::Error(_))),
        skipped = counted(|outcome| matches!(outcome, Outcome::Skipped(_))),
        timestamp = results.started_at,
        cases = cases.iter().map(|case| case.xml(&results.name)).collect::<String>(),
        output = markup_escaped(&text(results)),
    )
}

/// Whether the run is one at all.
fn run_cases(results: &RunResults) -> Vec<Case> {
    let verdict = results.verdict;
    let generator = match &results.audit {
        _ if verdict == Verdict::Invalid => Outcome::Error(why(results)),
        Some(audit) if !audit.valid() => Outcome::Error(audit.invalid.join("; ")),
        Some(_) => Outcome::Passed { note: None },
        None => Outcome::Skipped(format!("`{}` does not say whether its generator kept up", results.tool)),
    };
    let sum = if results.totals.accounted() {
        Outcome::Passed { note: Some(identity(&results.totals)) }
    } else {
        Outcome::Error(identity(&results.totals))
    };
    let unless = |bad: Verdict| {
        if verdict == bad { Outcome::Failed(why(results)) } else { Outcome::Passed { note: None } }
    };
    let answered = match results.totals.answered {
        0 if verdict == Verdict::Invalid => skipped_as_invalid(),
        0 => Outcome::Failed(why(results)),
        _ => Outcome::Passed { note: None },
    };
    vec![
        Case::new("run", "the generator kept up", generator),
        Case::new("run", "every request is accounted for", sum),
        Case::new("run", "the target answered", answered),
        Case::new("run", "the run was not aborted", unless(Verdict::Aborted)),
    ]
}

fn threshold_cases(results: &RunResults) -> impl Iterator<Item = Case> {
    results.thresholds.iter().map(|threshold| {
        let measured = format!("{}: the limit is {}", threshold.measured, threshold.limit);
        let outcome = match threshold.held {
            false => Outcome::Failed(measured),
            true if results.verdict == Verdict::Invalid => skipped_as_invalid(),
            true => Outcome::Passed { note: Some(measured) },
        };
        Case::new("threshold", &format!("{} {}", threshold.name, threshold.limit), outcome)
    })
}

fn check_case(check: &CheckResults, verdict: Verdict) -> Case {
    let all = check.passed.saturating_add(check.failed);
    let told = format!("{} of {} answers did not fulfil it", count(check.failed), count(all));
    let outcome = match (check.failed, verdict) {
        (0, Verdict::Invalid) => skipped_as_invalid(),
        (0, _) => Outcome::Passed { note: None },
        (_, Verdict::Passed) => Outcome::Passed { note: Some(format!("{told}; no threshold forbids that")) },
        _ => Outcome::Failed(told),
    };
    Case::new("check", &format!("{}: {}", check.step, check.name), outcome)
}

fn reconciliation_case(results: &RunResults) -> Option<Case> {
    let reconciled = results.reconciled.as_ref()?;
    let ids = |title: &str, ids: &[String]| {
        if ids.is_empty() { String::new() } else { format!("; {title}: {}", ids.join(", ")) }
    };
    let told = format!(
        "{}{}{}",
        reconciled.summary,
        ids("missing", &reconciled.missing),
        ids("applied more than once", &reconciled.duplicate)
    );
    let outcome = match reconciled.agrees {
        false => Outcome::Failed(told),
        true if results.verdict == Verdict::Invalid => skipped_as_invalid(),
        true => Outcome::Passed { note: Some(told) },
    };
    Some(Case::new("reconciliation", &format!("the target counted the same: {}", reconciled.source), outcome))
}

fn skipped_as_invalid() -> Outcome {
    Outcome::Skipped("the run is invalid: that it held says nothing about the target".to_owned())
}

fn why(results: &RunResults) -> String {
    if results.reasons.is_empty() { meaning(results).to_owned() } else { results.reasons.join("; ") }
}

/// A case like one before it is numbered.
fn make_unique(cases: &mut [Case]) {
    let mut taken = BTreeSet::new();
    for case in cases {
        let (name, mut times) = (case.name.clone(), 1);
        while !taken.insert((case.class, case.name.clone())) {
            times += 1;
            case.name = format!("{name} ({times})");
        }
    }
}

// === impl Case ===

impl Case {
    fn new(class: &'static str, name: &str, outcome: Outcome) -> Self {
        Self { class, name: name.to_owned(), outcome }
    }

    fn red(&self) -> bool {
        matches!(self.outcome, Outcome::Failed(_) | Outcome::Error(_))
    }

    fn xml(&self, suite: &str) -> String {
        let inner = match &self.outcome {
            Outcome::Passed { note: None } => String::new(),
            Outcome::Passed { note: Some(note) } => format!("<system-out>{}</system-out>", escaped(note)),
            Outcome::Failed(why) => told("failure", self.class, why),
            Outcome::Error(why) => told("error", self.class, why),
            Outcome::Skipped(why) => format!(r#"<skipped message="{}"/>"#, escaped(why)),
        };
        let (suite, class, name) = (escaped(suite), self.class, escaped(&self.name));
        format!("    <testcase classname=\"{suite}.{class}\" name=\"{name}\">{inner}</testcase>\n")
    }
}

fn told(element: &str, class: &str, why: &str) -> String {
    let why = escaped(why);
    format!(r#"<{element} type="{class}" message="{why}">{why}</{element}>"#)
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::junit;
    use crate::output::sample;
    use crate::results::model::{CheckResults, RunResults, Verdict};

    /// Failures and errors that are in the document, held against those it declares.
    fn red(results: &RunResults) -> usize {
        let xml = junit(results);
        let document = roxmltree::Document::parse(&xml).unwrap();
        let elements = |name: &str| document.descendants().filter(|node| node.has_tag_name(name)).count();
        let suite = document.descendants().find(|node| node.has_tag_name("testsuite")).unwrap();
        let declared = |name: &str| suite.attribute(name).unwrap().parse::<usize>().unwrap();
        assert_eq!(declared("tests"), elements("testcase"));
        assert_eq!(declared("failures"), elements("failure"));
        assert_eq!(declared("errors"), elements("error"));
        assert_eq!(declared("skipped"), elements("skipped"));
        elements("failure") + elements("error")
    }

    #[test]
    fn failed_run_reads_as_this() {
        let xml = junit(&sample::results());
        let (cases, output) = xml.split_once("    <system-out>FAILED").unwrap();
        assert_eq!(cases, include_str!("snapshots/failed.junit.xml"));
        assert!(output.ends_with("</system-out>\n  </testsuite>\n</testsuites>\n"));
    }

    #[test]
    fn red_exactly_when_not_passed() {
        assert_eq!(red(&sample::passed_results()), 0);
        for verdict in [Verdict::Invalid, Verdict::Unreachable, Verdict::Aborted, Verdict::Failed] {
            assert!(red(&RunResults { verdict, ..sample::passed_results() }) > 0, "{verdict:?}");
        }
    }

    #[test]
    fn permitted_check_failures_are_told_in_green() {
        let passed = sample::passed_results();
        let checks = vec![CheckResults { failed: 3, ..passed.checks[0].clone() }];
        let results = RunResults { checks, ..passed };
        assert_eq!(red(&results), 0);
        assert!(junit(&results).contains("3 of 3,903 answers did not fulfil it; no threshold forbids that"));
    }

    #[test]
    fn invalid_run_is_an_error_and_skips_what_held() {
        let xml = junit(&sample::invalid_results());
        let document = roxmltree::Document::parse(&xml).unwrap();
        let case =
            |name: &str| document.descendants().find(|node| node.attribute("name") == Some(name)).unwrap();
        assert!(case("the generator kept up").first_element_child().unwrap().has_tag_name("error"));
        assert!(case("rate >= 180 /s").first_element_child().unwrap().has_tag_name("skipped"));
        assert!(case("p99 <= 500 ms").first_element_child().unwrap().has_tag_name("failure"));
    }

    #[test]
    fn each_case_has_a_key_of_its_own() {
        let passed = sample::passed_results();
        let named = |name: &str| CheckResults { name: name.to_owned(), ..passed.checks[0].clone() };
        let xml = junit(&RunResults { checks: ["a", "a", "a (2)", "a"].map(named).into(), ..passed.clone() });
        for name in ["pay: a", "pay: a (2)", "pay: a (2) (2)", "pay: a (3)"] {
            assert_eq!(xml.matches(&format!(r#"name="{name}""#)).count(), 1, "`{name}` in {xml}");
        }
    }

    #[test]
    fn hostile_texts_stay_texts() {
        let results = sample::hostile_results();
        assert!(red(&results) > 0);
        let xml = junit(&results);
        let document = roxmltree::Document::parse(&xml).unwrap();
        let elements: BTreeSet<&str> = document.descendants().map(|node| node.tag_name().name()).collect();
        let known = ["", "error", "failure", "system-out", "testcase", "testsuite", "testsuites"];
        assert_eq!(elements, BTreeSet::from(known));
    }
}
