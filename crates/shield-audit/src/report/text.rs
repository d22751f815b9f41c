//! A report for people at a terminal: what to mend first, then what was set apart, then what was not looked at.

use std::{
    cmp::Reverse,
    collections::BTreeMap,
    fmt::{self, Write as _},
};

use super::{Criteria, Found, Funnel, Outcome, Report};
use crate::{
    advisories::Answer,
    baseline::STALE,
    finding::{Finding, Rule, Severity},
};

/// So many things that were not looked at are named; the other forms have all.
const MISSING_SHOWN: usize = 10;
/// So many places of a rule are shown.
const PLACES_SHOWN: usize = 10;

/// The report. Its first line is what it comes to.
#[must_use]
pub fn text(report: &Report, criteria: &Criteria) -> String {
    let mut text = String::new();
    let funnel = report.funnel(criteria);
    push(&mut text, &verdict(report, &funnel, criteria));
    groups(report, criteria).iter().for_each(|group| push(&mut text, &entry(group)));
    push(&mut text, &steps(&funnel, criteria));
    text.push_str(&lines_to_remove(report));
    push(&mut text, &packages(report));
    push(&mut text, &coverage(report));
    text
}

fn push(text: &mut String, part: &str) {
    add(text, format_args!("{part}\n"));
}

fn add(text: &mut String, part: fmt::Arguments<'_>) {
    text.write_fmt(part).expect("a string takes everything");
}

fn verdict(report: &Report, funnel: &Funnel, criteria: &Criteria) -> String {
    let (open, level) = (funnel.open, criteria.fail_on.name());
    let read = format!("{} files read", report.coverage.files);
    match report.outcome(criteria) {
        Outcome::Clean => format!("clean: nothing of severity {level} or above; {read}"),
        Outcome::Found => format!("{open} to mend, of severity {level} or above; {read}"),
        Outcome::Incomplete => {
            format!(
                "incomplete: nothing of severity {level} or above was found, but not all was looked at; {read}"
            )
        }
        Outcome::FoundAndIncomplete => {
            format!("{open} to mend, of severity {level} or above, and not all was looked at; {read}")
        }
    }
}

/// Findings of one rule and severity.
struct Group<'a> {
    severity: Severity,
    rule: &'static Rule,
    findings: Vec<&'a Finding>,
}

/// The worst first, then rules with few findings: those are read, a long list is skimmed.
fn groups<'a>(report: &'a Report, criteria: &Criteria) -> Vec<Group<'a>> {
    let mut groups: BTreeMap<(Severity, &str), Group<'a>> = BTreeMap::new();
    for Found { finding, .. } in report.failing(criteria) {
        let (severity, rule) = (finding.severity, finding.rule);
        let group = groups.entry((severity, rule.id));
        group.or_insert(Group { severity, rule, findings: Vec::new() }).findings.push(finding);
    }
    let mut groups: Vec<_> = groups.into_values().collect();
    groups.sort_by_key(|group| (Reverse(group.severity), group.findings.len(), group.rule.id));
    groups
}

/// What a rule found, and what to do.
fn entry(group: &Group<'_>) -> String {
    let Group { severity, rule, findings } = group;
    let mut entry = format!(
        "\n{} {}: {} ({}), {}\n  to do: {}",
        severity.name(),
        rule.id,
        rule.title,
        rule.cwe,
        findings.len(),
        rule.advice
    );
    for finding in findings.iter().take(PLACES_SHOWN) {
        let line = finding.place.span.map(|span| format!(":{}:{}", span.line, span.column));
        let line = line.unwrap_or_default();
        add(&mut entry, format_args!("\n  {}{line} [{}]", finding.place.file, finding.fingerprint));
        add(&mut entry, format_args!("\n    {}", finding.message));
        for step in &finding.steps {
            let line = step.place.span.map(|span| format!(":{}", span.line)).unwrap_or_default();
            add(&mut entry, format_args!("\n      {}{line} {}", step.place.file, step.what));
        }
    }
    if let Some(more) = findings.len().checked_sub(PLACES_SHOWN).filter(|more| *more > 0) {
        add(&mut entry, format_args!("\n  … and {more} more; `--json FILE` has every one"));
    }
    entry
}

fn steps(funnel: &Funnel, criteria: &Criteria) -> String {
    let level = criteria.fail_on.name();
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
        add(&mut text, format_args!("\n{count:>8}  {what}"));
        text
    })
}

/// Lines of the baseline whose findings are gone, whatever their severity: what to do about one is always the same.
fn lines_to_remove(report: &Report) -> String {
    let stale = report.found.iter().map(|found| &found.finding);
    let stale: Vec<_> = stale.filter(|finding| finding.rule.id == STALE.id).collect();
    let Some(first) = stale.first() else { return String::new() };
    let mut text =
        format!("\nremove from {}, since what they accept is gone: {} lines", first.place.file, stale.len());
    for finding in stale.iter().take(PLACES_SHOWN) {
        let line = finding.place.span.map(|span| format!("line {}", span.line)).unwrap_or_default();
        add(&mut text, format_args!("\n  {line}, which begins with {}", finding.subject));
    }
    if stale.len() > PLACES_SHOWN {
        add(&mut text, format_args!("\n  … and {} more", stale.len() - PLACES_SHOWN));
    }
    text + "\n"
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
        add(&mut text, format_args!("; {} commits with {} files", history.commits, history.blobs));
    }
    if coverage.left_out() > 0 {
        add(&mut text, format_args!("; {} left out on purpose", coverage.left_out()));
    }
    if missing.is_empty() {
        return text;
    }
    add(&mut text, format_args!("\nnot looked at: {}", missing.len()));
    for gap in missing.iter().take(MISSING_SHOWN) {
        add(&mut text, format_args!("\n  {} {}: {}", gap.part, gap.what, gap.reason));
    }
    if missing.len() > MISSING_SHOWN {
        let parts: BTreeMap<_, _> = coverage.missing_by_part();
        let parts: Vec<_> = parts.iter().map(|(part, count)| format!("{count} {part}")).collect();
        add(&mut text, format_args!("\n  … in all {}; `--json FILE` has every one", parts.join(", ")));
    }
    text
}
