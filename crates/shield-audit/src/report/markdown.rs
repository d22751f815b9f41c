//! A report for a comment on a pull request, and for whoever reads Markdown.
//!
//! What strangers wrote is escaped so that nothing of it is markup, a link or calls anybody ([`escape`](super::escape)). A comment on
//! GitHub holds 65,536 characters: the worst stands first, and what does not fit is counted.

use std::fmt::Write as _;

use super::{
    Criteria, Gap, Report, Scanner,
    escape::{markdown as plain, markdown_code as code, sentence, within},
    words::{
        Group, advice, apart_by, came_of, capital, count, groups, in_use, installed, named, newest,
        not_understood, place, run_of, seen_by, steps, verdict,
    },
};
use crate::{advisories::Answer, dependencies::Believed, finding::Finding};

/// Why writing into a string cannot fail.
const ANYTHING: &str = "a string takes everything";
/// What a comment may take, in bytes; GitHub counts characters, of which there are fewer.
const BYTES_MAX: usize = 64_000;
/// What the rows of one list or table may take, findings apart.
const ROWS_BYTES_MAX: usize = 8_000;
/// So many findings of a rule are shown at once; the others open with a click.
const SHOWN: usize = 10;
/// So many things that were not looked at, and lists of packages, are named.
const ROWS_MAX: usize = 20;
/// So many steps of a way are shown.
const STEPS_MAX: usize = 12;
/// Longest text of a stranger, in characters; escaped it is at most six times as long.
const TEXT_MAX: usize = 120;
/// Longest sentence, in characters.
const SENTENCE_MAX: usize = 400;

/// The report in Markdown. Its first line is what it comes to.
#[must_use]
pub fn markdown(report: &Report, criteria: &Criteria) -> String {
    let mut text = format!("## shield audit: {}\n\n", verdict(report, criteria));
    funnel(&mut text, report, criteria);
    let mut end = String::new();
    own_rules(&mut end, report);
    packages(&mut end, report);
    scanners(&mut end, report);
    coverage(&mut end, report);
    findings(&mut text, report, criteria, BYTES_MAX - end.len());
    text + &end
}

fn funnel(text: &mut String, report: &Report, criteria: &Criteria) {
    let funnel = report.funnel(criteria);
    write!(text, "| findings | |\n| ---: | --- |\n| {} | found in all |\n", count(funnel.all))
        .expect(ANYTHING);
    for (apart, why) in steps(&funnel, criteria) {
        writeln!(text, "| {} | {why} |", apart_by(apart)).expect(ANYTHING);
    }
    writeln!(text, "| **{}** | **to mend** |", count(funnel.open)).expect(ANYTHING);
}

/// What rule files added and changed.
fn own_rules(text: &mut String, report: &Report) {
    let sentences = report.own_rules.sentences();
    if sentences.is_empty() {
        return;
    }
    text.push_str("\n**Rule files**\n\n");
    rows(text, sentences.iter().map(|sentence| format!("- {}\n", said(sentence))), "sentences");
}

/// What is to be mended, until the document has so many bytes.
fn findings(text: &mut String, report: &Report, criteria: &Criteria, bytes_max: usize) {
    let groups = groups(report, criteria);
    let all: usize = groups.iter().map(|group| group.findings.len()).sum();
    // For what stands below and around them.
    let end = bytes_max.saturating_sub(400);
    let mut written = 0;
    for (number, group) in groups.iter().enumerate() {
        // What one leaves of its share is for the others; many of one kind do not push out the next.
        let share = end.saturating_sub(text.len()) / (groups.len() - number);
        let end = text.len() + share;
        let head = head(group);
        if text.len() + head.len() > end {
            break;
        }
        text.push_str(&head);
        let before = written;
        let mut folded = false;
        for finding in &group.findings {
            let entry = entry(report, finding);
            if text.len() + entry.len() > end {
                break;
            }
            if written - before == SHOWN {
                let rest = count(group.findings.len() - SHOWN);
                write!(text, "\n<details><summary>{rest} more</summary>\n\n").expect(ANYTHING);
                folded = true;
            }
            text.push_str(&entry);
            written += 1;
        }
        text.push_str(if folded { "\n</details>\n" } else { "" });
    }
    if written < all {
        let rest = count(all - written);
        write!(text, "\n{rest} of them do not fit here; the other forms of the report have them.\n")
            .expect(ANYTHING);
    }
}

fn head(group: &Group<'_>) -> String {
    let (rule, level) = (group.rule, group.severity.name());
    format!(
        "\n### {}: {} ({})\n\n{} <sub>{}, {}</sub>\n\n",
        capital(level),
        sentence(rule.title, plain, code),
        count(group.findings.len()),
        said(&advice(rule)),
        code(rule.id),
        rule.cwe
    )
}

fn entry(report: &Report, finding: &Finding) -> String {
    let seen = seen_by(report, finding);
    let seen = if seen.is_empty() { seen } else { format!(", {}", plain(&within(&seen, TEXT_MAX))) };
    let mut entry = format!(
        "- {} {} <sub>{} confidence, <code>{}</code>{seen}</sub>\n",
        code(&within(&place(&finding.place), TEXT_MAX)),
        said(&finding.message),
        finding.confidence.name(),
        finding.fingerprint,
    );
    for (number, step) in finding.steps.iter().take(STEPS_MAX).enumerate() {
        let (place, what) = (within(&place(&step.place), TEXT_MAX), within(&step.what, TEXT_MAX));
        writeln!(entry, "  {}. {} {}", number + 1, code(&place), said(&what)).expect(ANYTHING);
    }
    if finding.steps.len() > STEPS_MAX {
        writeln!(entry, "  {}. and {} more steps", STEPS_MAX + 1, finding.steps.len() - STEPS_MAX)
            .expect(ANYTHING);
    }
    entry
}

fn said(text: &str) -> String {
    sentence(&within(text, SENTENCE_MAX), plain, code)
}

fn packages(text: &mut String, report: &Report) {
    let packages = report.bill.packages.len();
    if packages == 0 && report.packages.is_empty() {
        return;
    }
    text.push_str("\n### Packages\n\n");
    match &report.advisories {
        Answer::NoDatabase => writeln!(
            text,
            "{} in use; **no database of advisories, so nothing is known of their vulnerabilities** (`shield audit --update` fetches one).",
            count(packages)
        ),
        Answer::Checked(checked) => writeln!(
            text,
            "{}; {} in a version that could be checked against advisories up to {} (`{}`): {} vulnerabilities{}.",
            in_use(report),
            count(checked.checked_packages),
            plain(&newest(checked, report.day)),
            checked.digest,
            count(checked.matches.len()),
            not_understood(checked),
        ),
    }
    .expect(ANYTHING);
    if report.packages.is_empty() {
        return;
    }
    text.push_str("\n| believed | registry | packages |\n| --- | --- | ---: |\n");
    let row = |believed: &Believed| {
        let files: Vec<_> = believed.files.iter().take(4).map(|file| code(&within(file, TEXT_MAX))).collect();
        let more = believed.files.len().saturating_sub(4);
        let more = if more > 0 { format!(" and {more} more") } else { String::new() };
        format!(
            "| {}{more} | {} | {} |\n",
            files.join(", "),
            believed.ecosystem,
            count(believed.packages.len())
        )
    };
    rows(text, report.packages.iter().map(row), "lists");
}

/// Who else was asked, and what came of it.
fn scanners(text: &mut String, report: &Report) {
    if report.scanners.is_empty() {
        return;
    }
    text.push_str("\n### Other scanners\n\n| scanner | run | what came of it |\n| --- | --- | --- |\n");
    let row = |scanner: &Scanner| {
        let (name, run) = (within(&named(scanner), TEXT_MAX), within(&run_of(scanner), TEXT_MAX));
        format!("| {} | {} | {} |\n", plain(&name), plain(&run), said(&came_of(scanner)))
    };
    rows(text, report.scanners.iter().map(row), "scanners");
}

fn coverage(text: &mut String, report: &Report) {
    let coverage = &report.coverage;
    text.push_str("\n### What was looked at\n\n");
    write!(text, "{} files, {} bytes", count(coverage.files), count(coverage.bytes)).expect(ANYTHING);
    if let Some(history) = coverage.history {
        write!(text, "; {} commits with {} files", count(history.commits), count(history.blobs))
            .expect(ANYTHING);
    }
    if coverage.left_out() > 0 {
        write!(text, "; {} left out by the settings", count(coverage.left_out())).expect(ANYTHING);
    }
    text.push_str(&installed(coverage));
    if let Some(unruled) = coverage.unruled() {
        write!(text, "; read for secrets only: {}", plain(&unruled)).expect(ANYTHING);
    }
    let missing = coverage.missing();
    if missing.is_empty() {
        text.push_str(". Nothing is missing.\n");
        return;
    }
    write!(text, ".\n\n**Not looked at: {}**\n\n", count(missing.len())).expect(ANYTHING);
    let row = |gap: &Gap| {
        let (what, reason) = (within(&gap.what, TEXT_MAX), said(&gap.reason));
        format!("- {} {}: {reason}\n", gap.part, code(&what))
    };
    rows(text, missing.iter().map(row), "things");
}

/// As many rows as there is room for, and how many more there are.
fn rows(text: &mut String, mut rows: impl ExactSizeIterator<Item = String>, what: &str) {
    let (all, end) = (rows.len(), text.len() + ROWS_BYTES_MAX);
    let mut written = 0;
    while let Some(row) = rows.next().filter(|row| written < ROWS_MAX && text.len() + row.len() <= end) {
        text.push_str(&row);
        written += 1;
    }
    if written < all {
        write!(text, "\n… and {} more {what}, in the other forms of the report.\n", count(all - written))
            .expect(ANYTHING);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{finding::Severity, report::sample};

    /// What a comment on GitHub holds, in characters.
    const COMMENT_MAX: usize = 65_536;

    #[test]
    fn verdict_is_the_first_line() {
        let text = markdown(&sample::found(), &sample::from(Severity::Medium));
        assert!(text.starts_with(
            "## shield audit: 3 to mend, of severity medium or above, and not all was looked at\n"
        ));
        let clean = markdown(&sample::clean(), &sample::from(Severity::Medium));
        assert!(
            clean.starts_with("## shield audit: clean") && clean.contains("Nothing is missing."),
            "{clean}"
        );
    }

    #[test]
    fn everything_to_mend_is_there() {
        let text = markdown(&sample::found(), &sample::from(Severity::Medium));
        for part in [
            "| 9 | found in all |",
            "| −2 | in installed code that nothing leads to |",
            "| **3** | **to mend** |",
            "### Critical: dependency with a known vulnerability (1)",
            "- <code>uv.lock</code> <code>used 1.0</code>: lets strangers in (CVE-1); fixed in 2.0 <sub>high",
            "  1. <code>src/app.py:3:1</code> a stranger sets it",
            "Call what you mean by its name.",
            "advisories up to PyPI 2024-10-10 (778 days old) (`sha256:",
            "- files <code>src/broken.py</code>: line 3 does not parse: Expected <code>)</code>",
        ] {
            assert!(text.contains(part), "`{part}` is not in:\n{text}");
        }
        let places = ["### Critical", "### High"].map(|severity| text.find(severity).unwrap());
        assert!(places.is_sorted());
    }

    #[test]
    fn hostile_texts_stay_texts() {
        let text = markdown(&sample::hostile(), &sample::from(Severity::Low));
        for character in ['\r', '\0', '\x1b', '\u{202e}', '\u{2028}'] {
            assert!(!text.contains(character), "{character:?}");
        }
        for part in ["<img", "</script", "![x]", "@all", "#1 ", "http://", "``"] {
            assert!(!text.contains(part), "`{part}` is in:\n{text}");
        }
        let tables = text.lines().filter(|line| line.starts_with('|'));
        assert!(tables.clone().all(|line| matches!(line.matches('|').count(), 3 | 4)), "cells stay cells");
        let begin = ["| ", "- ", "  ", "## ", "### ", "\u{2026} "];
        let strange = text
            .lines()
            .find(|line| line.contains("onerror") && !begin.iter().any(|own| line.starts_with(own)));
        assert_eq!(strange, None, "every line is ours at its start");
    }

    #[test]
    fn comment_holds_it() {
        for report in [sample::many(10_000), crowded()] {
            let text = markdown(&report, &sample::from(Severity::Low));
            assert!(text.chars().count() < COMMENT_MAX, "{}", text.chars().count());
            assert!(text.contains("do not fit here"));
            assert_eq!(text.matches("<details>").count(), text.matches("</details>").count());
        }
    }

    #[test]
    fn many_of_one_kind_leave_room() {
        let mut report = sample::many(10_000);
        report.found.extend(sample::found().found);
        let text = markdown(&report, &sample::from(Severity::Low));
        let heads = text.lines().filter(|line| line.starts_with("### ") && line.ends_with(')'));
        assert_eq!(heads.count(), 5, "each rule is there");
    }

    /// Everything hostile, as long as it can be, and a thousand times.
    fn crowded() -> Report {
        let mut report = sample::hostile();
        report.found[0].finding.message = "|".repeat(10_000);
        report.found[0].finding.steps = vec![report.found[0].finding.steps[0].clone(); 1_000];
        report.found = vec![report.found[0].clone(); 1_000];
        let mut gap = report.coverage.gaps[0].clone();
        (gap.what, gap.reason) = ("|".repeat(10_000), "|".repeat(10_000));
        report.coverage.gaps = vec![gap; 1_000];
        report
    }
}
