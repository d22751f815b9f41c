//! A report for people at a terminal: what to mend first, then what was set apart, then what was not looked at.

use std::{collections::BTreeMap, fmt::Write as _};

use super::{Funnel, Outcome, Report};
use crate::{
    advisories::Answer,
    finding::{Finding, Severity},
};

/// So many things that were not looked at are named; the other forms have all.
const MISSING_SHOWN: usize = 10;

/// The report, where findings count from `fail_on`. Its first line is what it comes to.
#[must_use]
pub fn text(report: &Report, fail_on: Severity) -> String {
    let mut text = String::new();
    let funnel = report.funnel(fail_on);
    push(&mut text, &verdict(report, &funnel, fail_on));
    for found in worst_first(report, fail_on) {
        push(&mut text, &format!("\n{}", entry(found)));
    }
    push(&mut text, &steps(&funnel, fail_on));
    push(&mut text, &packages(report));
    push(&mut text, &coverage(report));
    text
}

fn push(text: &mut String, part: &str) {
    writeln!(text, "{part}").expect("a string takes everything");
}

fn verdict(report: &Report, funnel: &Funnel, fail_on: Severity) -> String {
    let (open, level) = (funnel.open, word(fail_on));
    let read = format!("{} files read", report.coverage.files);
    match report.outcome(fail_on) {
        Outcome::Clean => format!("clean: nothing of severity {level} or above; {read}"),
        Outcome::Found => format!("{open} to mend, of severity {level} or above; {read}"),
        Outcome::Incomplete => {
            format!("incomplete: nothing of severity {level} or above was found, but not all was looked at; {read}")
        }
        Outcome::FoundAndIncomplete => {
            format!("{open} to mend, of severity {level} or above, and not all was looked at; {read}")
        }
    }
}

/// The worst first; the places of one severity in their order.
fn worst_first(report: &Report, fail_on: Severity) -> Vec<&Finding> {
    let mut findings: Vec<_> = report.failing(fail_on).map(|found| &found.finding).collect();
    findings.sort_by_key(|finding| std::cmp::Reverse(finding.severity));
    findings
}

fn entry(finding: &Finding) -> String {
    let line = finding.place.span.map(|span| format!(":{}:{}", span.line, span.column)).unwrap_or_default();
    let mut entry = format!(
        "{} {}{line} {} ({}, {} confidence)\n  {}",
        word(finding.severity),
        finding.place.file,
        finding.rule.id,
        finding.rule.cwe,
        format!("{:?}", finding.confidence).to_lowercase(),
        finding.message,
    );
    for step in &finding.steps {
        let line = step.place.span.map(|span| format!(":{}", span.line)).unwrap_or_default();
        write!(entry, "\n    {}{line} {}", step.place.file, step.what).expect("a string takes everything");
    }
    write!(entry, "\n  {} [{}]", finding.rule.advice, finding.fingerprint).expect("a string takes everything");
    entry
}

fn steps(funnel: &Funnel, fail_on: Severity) -> String {
    let level = word(fail_on);
    let rows = [
        (funnel.all, "found in all".to_owned()),
        (funnel.suppressed, "taken back by a comment in the source".to_owned()),
        (funnel.accepted, "accepted by the baseline".to_owned()),
        (funnel.unreachable, "in installed code that nothing leads to".to_owned()),
        (funnel.dependency, "in installed code that is imported".to_owned()),
        (funnel.minor, format!("below severity {level}")),
        (funnel.open, "to mend".to_owned()),
    ];
    rows.iter().fold(String::new(), |mut text, (count, what)| {
        write!(text, "\n{count:>8}  {what}").expect("a string takes everything");
        text
    })
}

fn packages(report: &Report) -> String {
    let packages = report.bill.packages.len();
    match &report.advisories {
        _ if packages == 0 => String::new(),
        Answer::NoDatabase => {
            format!("\npackages: {packages}; no database of advisories, so nothing is known of their vulnerabilities (`shield audit --update` fetches one)")
        }
        Answer::Checked(checked) => {
            let newest = checked.summary.coverage.iter();
            let newest: Vec<_> =
                newest.map(|(ecosystem, coverage)| format!("{ecosystem} {}", coverage.newest)).collect();
            format!(
                "\npackages: {packages}, {} checked against advisories up to {} (sha256 {})",
                checked.checked_packages,
                newest.join(", "),
                checked.digest
            )
        }
    }
}

fn coverage(report: &Report) -> String {
    let coverage = &report.coverage;
    let missing = coverage.missing();
    let mut text = format!("read: {} files, {} bytes", coverage.files, coverage.bytes);
    if let Some(history) = coverage.history {
        write!(text, "; {} commits with {} files", history.commits, history.blobs)
            .expect("a string takes everything");
    }
    if coverage.left_out() > 0 {
        write!(text, "; {} left out by the settings", coverage.left_out()).expect("a string takes everything");
    }
    if missing.is_empty() {
        return text;
    }
    write!(text, "\nnot looked at: {}", missing.len()).expect("a string takes everything");
    for gap in missing.iter().take(MISSING_SHOWN) {
        write!(text, "\n  {} {}: {}", gap.part, gap.what, gap.reason).expect("a string takes everything");
    }
    if missing.len() > MISSING_SHOWN {
        let parts: BTreeMap<_, _> = coverage.missing_by_part();
        let parts: Vec<_> = parts.iter().map(|(part, count)| format!("{count} {part}")).collect();
        write!(text, "\n  … in all {}; `--json FILE` has every one", parts.join(", "))
            .expect("a string takes everything");
    }
    text
}

fn word(severity: Severity) -> &'static str {
    match severity {
        Severity::Info => "info",
        Severity::Low => "low",
        Severity::Medium => "medium",
        Severity::High => "high",
        Severity::Critical => "critical",
    }
}
