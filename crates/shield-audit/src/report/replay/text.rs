//! A replay for people at a terminal.

use std::fmt::Write as _;

use super::{counts, headline, listed, real, sentence, stages, unread};
use crate::{
    audit::ReplayedReport,
    replay::{Judged, JudgedClaim, Verdict},
    report::{escape::visible, words::count},
};

/// Why writing into a string cannot fail.
const ANYTHING: &str = "a string takes everything";
/// So many entries of a verdict are named; `--json` has all.
const SHOWN: usize = 10;
/// Eighths of a character, from the left.
const EIGHTHS: [char; 8] = [' ', '▏', '▎', '▍', '▌', '▋', '▊', '▉'];

/// The replay. Its first line is what it comes to. Bars are that many characters wide; without a width there are none.
#[must_use]
pub fn text(replayed: &ReplayedReport, bars: Option<usize>) -> String {
    let mut text = format!("{}\n", headline(replayed));
    let (accusing, others) = listed(replayed);
    accusing.iter().for_each(|claim| accused(&mut text, claim, bars));
    if !others.is_empty() {
        text.push_str("\nclaims that accuse no file\n");
    }
    for claim in others {
        let said = visible(&format!("{} {}: {}", claim.rule_id, claim.message, sentence(claim)));
        writeln!(text, "  {said}").expect(ANYTHING);
    }
    if replayed.not_installed() > 0 {
        let looked = match replayed.sites.as_slice() {
            [] => "there are no installed packages here".to_owned(),
            sites => format!("looked into {}", visible(&sites.join(", "))),
        };
        writeln!(
            text,
            "\n{} entries are of packages that are not installed: {looked}. `--site-packages DIR` names where they are.",
            count(replayed.not_installed())
        )
        .expect(ANYTHING);
    }
    let unread = unread(replayed);
    if !unread.is_empty() {
        writeln!(text, "\nnot read: {}", count(unread.len())).expect(ANYTHING);
        for gap in unread.iter().take(SHOWN) {
            writeln!(text, "  {} {}: {}", gap.part, visible(&gap.what), visible(&gap.reason))
                .expect(ANYTHING);
        }
        more(&mut text, unread.len());
    }
    text
}

fn accused(text: &mut String, claim: &JudgedClaim, bars: Option<usize>) {
    let mut line = |said: String| writeln!(text, "{said}").expect(ANYTHING);
    line(format!("\n{} {}", visible(&claim.rule_id), visible(&claim.message)));
    if let Some(claimed) = claim.claimed.filter(|claimed| *claimed != claim.entries.len()) {
        let entries = count(claim.entries.len());
        line(format!("  it says {} and lists {entries} entries", count(claimed)));
    }
    let whole = claim.entries.len();
    for (what, left) in stages(claim) {
        let bar = bars.map(|width| format!("{}  ", bar(left.entries, whole, width))).unwrap_or_default();
        let (entries, files) = (count(left.entries), count(left.files));
        line(format!("  {bar}{entries:>7} entries {files:>7} files  {what}"));
    }
    line("\n  verdicts".to_owned());
    for row in counts(claim) {
        line(format!("  {:>7}  {}", count(row.count.entries), row.verdict.words()));
        line(format!("           {}: {}", visible(&row.example.entry), visible(&row.example.reason)));
    }
    line(format!("  {:>7}  in all", count(whole)));
    for (verdict, title) in [
        (Verdict::Own, "real, in the project's own code"),
        (Verdict::Reached, "real, in installed code that is loaded"),
    ] {
        named(text, title, &real(claim, verdict));
    }
    if !claim.missed.is_empty() {
        writeln!(text, "\n  not in the list, and real: {}", count(claim.missed.len())).expect(ANYTHING);
        for one in claim.missed.iter().take(SHOWN) {
            let line = one.finding.place.span.map(|span| format!(":{}", span.line)).unwrap_or_default();
            let (file, subject) = (visible(&one.file), visible(&one.finding.subject));
            writeln!(text, "    {file}{line} {subject} ({})", one.verdict.words()).expect(ANYTHING);
        }
        more(text, claim.missed.len());
    }
}

fn named(text: &mut String, title: &str, entries: &[&Judged]) {
    if entries.is_empty() {
        return;
    }
    writeln!(text, "\n  {title}: {}", count(entries.len())).expect(ANYTHING);
    for one in entries.iter().take(SHOWN) {
        writeln!(text, "    {}\n      {}", visible(&one.entry), visible(&one.reason)).expect(ANYTHING);
    }
    more(text, entries.len());
}

fn more(text: &mut String, all: usize) {
    if let Some(more) = all.checked_sub(SHOWN).filter(|more| *more > 0) {
        writeln!(text, "    … and {} more; `--json FILE` has every one", count(more)).expect(ANYTHING);
    }
}

/// A bar as long as its share of the whole, to an eighth of a character; what is there at all is seen.
fn bar(part: usize, whole: usize, width: usize) -> String {
    let eighths = if whole == 0 { 0 } else { (part * width * 8).div_ceil(whole) };
    let mut bar = "█".repeat(eighths / 8);
    if !eighths.is_multiple_of(8) {
        bar.push(EIGHTHS[eighths % 8]);
    }
    format!("{bar:width$}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bars_are_scaled() {
        assert_eq!(bar(10, 10, 4), "████");
        assert_eq!(bar(5, 10, 4), "██  ");
        assert_eq!(bar(1, 1_000_000, 4), "▏   ");
        assert_eq!((bar(0, 10, 3).as_str(), bar(0, 0, 2).as_str()), ("   ", "  "));
        assert_eq!(bar(3, 16, 4), "▊   ");
    }
}
