//! A report for people at a terminal: what to mend first, then what was set apart, then what was not looked at.

use std::fmt::Write as _;

use super::{
    Criteria, Funnel, Report,
    escape::visible,
    words::{
        Group, advice, came_of, groups, in_use, installed, named, newest, not_understood, place, run_of,
        seen_by, steps, verdict,
    },
};
use crate::{advisories::Answer, baseline::STALE};

/// Why writing into a string cannot fail.
const ANYTHING: &str = "a string takes everything";

/// So many things that were not looked at are named; the other forms have all.
const MISSING_SHOWN: usize = 10;
/// And so many places of a rule.
const PLACES_SHOWN: usize = 10;

/// The report. Its first line is what it comes to.
#[must_use]
pub fn text(report: &Report, criteria: &Criteria) -> String {
    let mut text = String::new();
    push(&mut text, &format!("{}; {} files read", verdict(report, criteria), report.coverage.files));
    groups(report, criteria).iter().for_each(|group| push(&mut text, &entry(report, group)));
    push(&mut text, &funnel(&report.funnel(criteria), criteria));
    text.push_str(&lines_to_remove(report));
    text.push_str(&own_rules(report));
    push(&mut text, &packages(report));
    text.push_str(&scanners(report));
    push(&mut text, &coverage(report));
    text
}

fn push(text: &mut String, part: &str) {
    writeln!(text, "{part}").expect(ANYTHING);
}

/// What a rule found, and what to do.
fn entry(report: &Report, group: &Group<'_>) -> String {
    let Group { severity, rule, findings } = group;
    let (count, level) = (findings.len(), severity.name());
    let mut entry = format!("\n{level} {} ({}), {count}: {}", rule.id, rule.cwe, advice(rule));
    for finding in findings.iter().take(PLACES_SHOWN) {
        let (place, message) = (place(&finding.place), visible(&finding.message));
        write!(entry, "\n  {} [{}]\n    {message}", visible(&place), finding.fingerprint).expect(ANYTHING);
        let seen = seen_by(report, finding);
        if !seen.is_empty() {
            write!(entry, "\n    {}", visible(&seen)).expect(ANYTHING);
        }
        for step in &finding.steps {
            let place = self::place(&step.place);
            write!(entry, "\n      {} {}", visible(&place), visible(&step.what)).expect(ANYTHING);
        }
    }
    if let Some(more) = findings.len().checked_sub(PLACES_SHOWN).filter(|more| *more > 0) {
        write!(entry, "\n  … and {more} more; `--json FILE` has every one").expect(ANYTHING);
    }
    entry
}

fn funnel(funnel: &Funnel, criteria: &Criteria) -> String {
    let mut rows = vec![(funnel.all, "found in all".to_owned())];
    rows.extend(steps(funnel, criteria));
    rows.push((funnel.open, "to mend".to_owned()));
    rows.iter().map(|(count, what)| format!("\n{count:>8}  {what}")).collect()
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
        write!(text, "\n  {line}, which begins with {}", finding.subject).expect(ANYTHING);
    }
    if stale.len() > PLACES_SHOWN {
        write!(text, "\n  … and {} more", stale.len() - PLACES_SHOWN).expect(ANYTHING);
    }
    text + "\n"
}

/// What rule files added and changed.
fn own_rules(report: &Report) -> String {
    let sentences = report.own_rules.sentences();
    let lines = sentences.iter().map(|sentence| format!("\n  {}", visible(sentence)));
    let lines: String = lines.collect();
    if lines.is_empty() { lines } else { format!("\nrule files:{lines}\n") }
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
            "\npackages: {}; {} checked against advisories up to {} (sha256 {}){}",
            in_use(report),
            checked.checked_packages,
            newest(checked, report.day),
            checked.digest.hex(),
            not_understood(checked)
        ),
    }
}

/// Who else was asked, and what came of it.
fn scanners(report: &Report) -> String {
    let rows: Vec<[String; 3]> = report
        .scanners
        .iter()
        .map(|one| [named(one), run_of(one), came_of(one)].map(|cell| visible(&cell)))
        .collect();
    if rows.is_empty() {
        return String::new();
    }
    let width = |column: usize| rows.iter().map(|row| row[column].chars().count()).max().unwrap_or_default();
    let (names, runs) = (width(0), width(1));
    let rows = rows.iter().map(|[name, run, said]| format!("  {name:names$}  {run:runs$}  {said}\n"));
    format!("other scanners: {}\n{}\n", report.scanners.len(), rows.collect::<String>())
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
    text.push_str(&installed(coverage));
    if let Some(unruled) = coverage.unruled() {
        write!(text, "\nread for secrets only: {unruled}").expect(ANYTHING);
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
