//! A report for people at a terminal: what to mend first, then what was set apart, then what was not looked at.

use std::fmt::Write as _;

use super::{
    Funnel, Report,
    escape::visible,
    words::{advice, confidence, newest, place, severity, steps, verdict, worst_first},
};
use crate::{
    advisories::Answer,
    finding::{Finding, Severity},
};

/// Why writing into a string cannot fail.
const ANYTHING: &str = "a string takes everything";

/// So many things that were not looked at are named; the other forms have all.
const MISSING_SHOWN: usize = 10;

/// The report, where findings count from `fail_on`. Its first line is what it comes to.
#[must_use]
pub fn text(report: &Report, fail_on: Severity) -> String {
    let mut text = String::new();
    push(&mut text, &format!("{}; {} files read", verdict(report, fail_on), report.coverage.files));
    for found in worst_first(report, fail_on) {
        push(&mut text, &format!("\n{}", entry(found)));
    }
    push(&mut text, &funnel(&report.funnel(fail_on), fail_on));
    push(&mut text, &packages(report));
    push(&mut text, &coverage(report));
    text
}

fn push(text: &mut String, part: &str) {
    writeln!(text, "{part}").expect(ANYTHING);
}

fn entry(finding: &Finding) -> String {
    let mut entry = format!(
        "{} {} {} ({}, {} confidence)\n  {}",
        severity(finding.severity),
        visible(&place(&finding.place)),
        finding.rule.id,
        finding.rule.cwe,
        confidence(finding.confidence),
        visible(&finding.message),
    );
    for step in &finding.steps {
        write!(entry, "\n    {} {}", visible(&place(&step.place)), visible(&step.what)).expect(ANYTHING);
    }
    write!(entry, "\n  {} [{}]", advice(finding.rule), finding.fingerprint).expect(ANYTHING);
    entry
}

fn funnel(funnel: &Funnel, fail_on: Severity) -> String {
    let mut rows = vec![(funnel.all, "found in all".to_owned())];
    rows.extend(steps(funnel, fail_on));
    rows.push((funnel.open, "to mend".to_owned()));
    rows.iter().map(|(count, what)| format!("\n{count:>8}  {what}")).collect()
}

fn packages(report: &Report) -> String {
    let packages = report.bill.packages.len();
    match &report.advisories {
        _ if packages == 0 => String::new(),
        Answer::NoDatabase => {
            format!(
                "\npackages: {packages}; no database of advisories, so nothing is known of their vulnerabilities (`shield audit --update` fetches one)"
            )
        }
        Answer::Checked(checked) => format!(
            "\npackages: {packages}, {} checked against advisories up to {} (sha256 {})",
            checked.checked_packages,
            newest(checked, report.day),
            checked.digest.hex()
        ),
    }
}

fn coverage(report: &Report) -> String {
    let coverage = &report.coverage;
    let missing = coverage.missing();
    let mut text = format!("read: {} files, {} bytes", coverage.files, coverage.bytes);
    if let Some(history) = coverage.history {
        write!(text, "; {} commits with {} files", history.commits, history.blobs).expect(ANYTHING);
    }
    if coverage.left_out() > 0 {
        write!(text, "; {} left out by the settings", coverage.left_out()).expect(ANYTHING);
    }
    if missing.is_empty() {
        return text;
    }
    write!(text, "\nnot looked at: {}", missing.len()).expect(ANYTHING);
    for gap in missing.iter().take(MISSING_SHOWN) {
        write!(text, "\n  {} {}: {}", gap.part, visible(&gap.what), visible(&gap.reason)).expect(ANYTHING);
    }
    if missing.len() > MISSING_SHOWN {
        let parts = coverage.missing_by_part();
        let parts: Vec<_> = parts.iter().map(|(part, count)| format!("{count} {part}")).collect();
        write!(text, "\n  … in all {}; `--json FILE` has every one", parts.join(", ")).expect(ANYTHING);
    }
    text
}
