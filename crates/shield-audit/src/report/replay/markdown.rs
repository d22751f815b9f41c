//! A replay in Markdown, within what a comment holds: what does not fit is counted.

use std::fmt::Write as _;

use super::{counts, headline, listed, real, sentence as said_of, stages, unread};
use crate::{
    audit::ReplayedReport,
    replay::{Judged, JudgedClaim, Verdict},
    report::{
        escape::{markdown as plain, markdown_code as code, sentence, within},
        words::{capital, count},
    },
};

/// Why writing into a string cannot fail.
const ANYTHING: &str = "a string takes everything";
/// So many entries of a verdict are named.
const ROWS_MAX: usize = 20;
/// Longest text of a stranger, in characters.
const TEXT_MAX: usize = 160;
/// Width of the longest bar, in characters.
const BAR: usize = 24;
/// Claims that are shown with their funnels. A report has two.
const CLAIMS_MAX: usize = 4;

/// The replay in Markdown.
#[must_use]
pub fn markdown(replayed: &ReplayedReport) -> String {
    let mut text = format!("## shield audit --replay\n\n{}.\n", capital(&headline(replayed)));
    let (accusing, others) = listed(replayed);
    accusing.iter().take(CLAIMS_MAX).for_each(|claim| accused(&mut text, claim));
    if accusing.len() > CLAIMS_MAX {
        write!(text, "\n… and {} more claims, in the other forms.\n", count(accusing.len() - CLAIMS_MAX))
            .expect(ANYTHING);
    }
    if !others.is_empty() {
        text.push_str(
            "\n### Claims that accuse no file\n\n| claim | what it says | entries |\n| --- | --- | --- |\n",
        );
    }
    let row = |claim: &&JudgedClaim| {
        let (id, message) = (within(&claim.rule_id, TEXT_MAX), within(&claim.message, TEXT_MAX));
        format!("| {} | {} | {} |\n", code(&id), plain(&message), said_of(claim))
    };
    rows(&mut text, others.iter().map(row));
    let unread = unread(replayed);
    if !unread.is_empty() {
        write!(text, "\n### Not read: {}\n\n", count(unread.len())).expect(ANYTHING);
    }
    let row = |gap: &crate::report::Gap| {
        format!("- {} {}: {}\n", gap.part, code(&within(&gap.what, TEXT_MAX)), said(&gap.reason))
    };
    rows(&mut text, unread.iter().map(row));
    text
}

fn accused(text: &mut String, claim: &JudgedClaim) {
    let (id, message) = (within(&claim.rule_id, TEXT_MAX), within(&claim.message, TEXT_MAX));
    write!(
        text,
        "\n### {}: {}\n\n| | entries | files | |\n| --- | ---: | ---: | --- |\n",
        plain(&id),
        plain(&message)
    )
    .expect(ANYTHING);
    let whole = claim.entries.len();
    for (what, left) in stages(claim) {
        let length = if whole == 0 { 0 } else { (left.entries * BAR).div_ceil(whole) };
        let (entries, files) = (count(left.entries), count(left.files));
        writeln!(text, "| {} | {entries} | {files} | {what} |", "█".repeat(length)).expect(ANYTHING);
    }
    text.push_str("\n| entries | files | verdict | such as |\n| ---: | ---: | --- | --- |\n");
    for row in counts(claim) {
        let (entry, reason) = (within(&row.example.entry, TEXT_MAX), &row.example.reason);
        let (entries, files) = (count(row.count.entries), count(row.count.files));
        writeln!(
            text,
            "| {entries} | {files} | {} | {}: {} |",
            row.verdict.words(),
            code(&entry),
            said(reason)
        )
        .expect(ANYTHING);
    }
    writeln!(text, "| **{}** | | **in all** | |", count(whole)).expect(ANYTHING);
    for (verdict, title) in [
        (Verdict::Own, "Real, in the project's own code"),
        (Verdict::Reached, "Real, in installed code that is loaded"),
    ] {
        let entries = real(claim, verdict);
        if entries.is_empty() {
            continue;
        }
        write!(text, "\n{title}: {}\n\n", count(entries.len())).expect(ANYTHING);
        let row =
            |one: &&Judged| format!("- {}: {}\n", code(&within(&one.entry, TEXT_MAX)), said(&one.reason));
        rows(text, entries.iter().map(row));
    }
    if !claim.missed.is_empty() {
        write!(text, "\nNot in the list, and real: {}\n\n", count(claim.missed.len())).expect(ANYTHING);
    }
    let row = |one: &crate::replay::Missed| {
        let line = one.finding.place.span.map(|span| format!(":{}", span.line)).unwrap_or_default();
        let file = format!("{}{line}", within(&one.file, TEXT_MAX));
        format!("- {} {} ({})\n", code(&file), said(&one.finding.message), one.verdict.words())
    };
    rows(text, claim.missed.iter().map(row));
}

fn said(text: &str) -> String {
    sentence(&within(text, TEXT_MAX), plain, code)
}

/// The first rows, and how many more there are.
fn rows(text: &mut String, rows: impl ExactSizeIterator<Item = String>) {
    let all = rows.len();
    text.extend(rows.take(ROWS_MAX));
    if all > ROWS_MAX {
        write!(text, "\n… and {} more, in the report as JSON.\n", count(all - ROWS_MAX)).expect(ANYTHING);
    }
}
