//! A replay as one page: the funnel of each claim as a picture, and tables.

use super::{
    funnel::{self, row},
    page::page,
    table::{code, said, table, text},
};
use crate::{
    audit::ReplayedReport,
    replay::{Judged, JudgedClaim, Verdict},
    report::{
        Gap,
        escape::{html as escaped, within},
        replay::{Row, counts, headline, listed, real, sentence, stages, unread},
        words::{capital, count},
    },
};

/// Longest text, in characters.
const TEXT_MAX: usize = 300;
/// Claims that are shown with their funnels. A report has two.
const CLAIMS_MAX: usize = 6;

/// The replay as one page.
#[must_use]
pub fn replay(replayed: &ReplayedReport) -> String {
    let (word, class) = match replayed.unjudged() {
        0 if replayed.is_complete() => ("EVERY ENTRY JUDGED", "passed"),
        0 => ("EVERY ENTRY JUDGED, NOT ALL READ", "invalid"),
        _ => ("NOT EVERY ENTRY JUDGED", "invalid"),
    };
    let name = escaped(&within(&replayed.root, TEXT_MAX));
    let banner = format!(
        r#"<div class="banner {class}" role="status"><strong>{word}</strong><p>{}.</p></div>"#,
        capital(&headline(replayed))
    );
    let (accusing, others) = listed(replayed);
    let claims: String = accusing.iter().take(CLAIMS_MAX).map(|claim| accused(claim)).collect();
    let rows = others.iter().map(|claim| vec![code(&claim.rule_id), text(&claim.message), sentence(claim)]);
    let rest = section("Claims that accuse no file", &table(&["claim", "what it says", "entries"], rows));
    let unread = unread(replayed);
    let rows = unread
        .iter()
        .map(|Gap { part, what, reason }| vec![code(what), part.name().to_owned(), said(reason, TEXT_MAX)]);
    let unread = section("Not read", &table(&["what", "part", "why"], rows));
    let body = format!("<h1>A report about {name}, replayed</h1>{banner}{claims}{rest}{unread}");
    page(&format!("{word}: {name}"), &body)
}

fn accused(claim: &JudgedClaim) -> String {
    let rows = counts(claim);
    let rows = rows.iter().map(|Row { verdict, count: all, example }| {
        let example = format!("{}: {}", code(&example.entry), said(&example.reason, TEXT_MAX));
        vec![verdict.words().to_owned(), count(all.entries), count(all.files), example]
    });
    let verdicts = table(&["verdict", "entries", "files", "such as"], rows);
    let sum = format!(
        r#"<p>{} entries in all; the verdicts add up to them. <span class="names">{}</span></p>"#,
        count(claim.entries.len()),
        code(&claim.rule_id)
    );
    let own = entries("Real, in the project's own code", &real(claim, Verdict::Own));
    let reached = entries("Real, in installed code that is loaded", &real(claim, Verdict::Reached));
    let missed = claim.missed.iter().map(|one| {
        let line = one.finding.place.span.map(|span| format!(":{}", span.line)).unwrap_or_default();
        let said = said(&one.finding.message, TEXT_MAX);
        vec![code(&format!("{}{line}", one.file)), said, one.verdict.words().to_owned()]
    });
    let missed = titled("Not in the list, and real", &table(&["where", "what", "verdict"], missed));
    let title = text(&claim.message);
    section(&title, &format!("{}{sum}{verdicts}{own}{reached}{missed}", band(claim)))
}

/// The funnel of a claim: each row is as wide at its end as what is left.
fn band(claim: &JudgedClaim) -> String {
    let whole = claim.entries.len();
    let mut above = whole;
    let mut rows = String::new();
    for (number, (what, left)) in stages(claim).into_iter().enumerate() {
        let class = if number == 0 || left.entries == above { "whole" } else { "apart" };
        let widths = (funnel::half_width(above, whole), funnel::half_width(left.entries, whole));
        let why = format!("{what} <span class=\"names\">{} files</span>", count(left.files));
        rows.push_str(&row(class, &count(left.entries), &why, widths));
        above = left.entries;
    }
    format!(r#"<ol class="funnel">{rows}</ol>"#)
}

fn entries(title: &str, entries: &[&Judged]) -> String {
    let rows = entries.iter().map(|one| vec![code(&one.entry), said(&one.reason, TEXT_MAX)]);
    titled(title, &table(&["entry", "why"], rows))
}

fn titled(title: &str, content: &str) -> String {
    if content.is_empty() { String::new() } else { format!("<h3>{title}</h3>{content}") }
}

fn section(title: &str, content: &str) -> String {
    if content.is_empty() { String::new() } else { format!("<section><h2>{title}</h2>{content}</section>") }
}
