//! A baseline as a file: sorted lines, so that branches merge.
//!
//! There are no numbers of lines and no times in it: what moves or is scanned again changes nothing. Lines are sorted by their
//! fingerprints, which are as good as random: two branches that each accept something hardly ever touch the same place.

use std::{collections::BTreeMap, fmt};

use super::{Entry, Mistake, MistakeKind, ParseBaselineError, line};
use crate::finding::Fingerprint;

/// What the file begins with.
const HEADER: [&str; 2] = [
    "# Findings that are accepted for a while, sorted, one a line:",
    "# FINGERPRINT RULE until DAY [owner NAME] in \"FILE\" because \"REASON\"",
];
/// How a merge marks what it could not decide.
const CONFLICT: [&str; 4] = ["<<<<<<<", "=======", ">>>>>>>", "|||||||"];

/// Accepted findings.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Baseline {
    /// The name of its file, for findings about itself.
    pub(super) file: String,
    pub(super) entries: BTreeMap<Fingerprint, Accepted>,
}

/// An entry, and where it was read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Accepted {
    pub(super) entry: Entry,
    /// None before it was written.
    pub(super) line: Option<u32>,
}

// === impl Baseline ===

impl Baseline {
    /// One without entries, of a file that does not exist yet.
    pub fn new(file: &str) -> Self {
        Self { file: file.to_owned(), entries: BTreeMap::new() }
    }

    /// Reads the text of `file`. Lines may be in any order: a merge that keeps both sides need not sort.
    ///
    /// # Errors
    /// Everything that is wrong with it, at once.
    pub fn parse(file: &str, text: &str) -> Result<Self, ParseBaselineError> {
        let mut baseline = Self::new(file);
        let mut mistakes = Vec::new();
        for (number, text) in (1..).zip(text.lines()) {
            if let Err(kind) = baseline.read_line(number, text) {
                mistakes.push(Mistake { line: number, kind });
            }
        }
        match mistakes.is_empty() {
            true => Ok(baseline),
            false => Err(ParseBaselineError { file: file.to_owned(), mistakes }),
        }
    }

    /// Accepts a finding, in place of what was said about it before.
    pub fn insert(&mut self, entry: Entry) {
        self.entries.insert(entry.fingerprint, Accepted { entry, line: None });
    }

    /// Accepts a finding no longer; whether it was.
    pub fn remove(&mut self, fingerprint: &Fingerprint) -> bool {
        self.entries.remove(fingerprint).is_some()
    }

    /// What is accepted, sorted.
    pub fn entries(&self) -> impl Iterator<Item = &Entry> {
        self.entries.values().map(|accepted| &accepted.entry)
    }

    fn read_line(&mut self, number: u32, text: &str) -> Result<(), MistakeKind> {
        let text = text.trim_end();
        if text.is_empty() || HEADER.contains(&text) {
            return Ok(());
        }
        if CONFLICT.iter().any(|mark| text.starts_with(mark)) {
            return Err(MistakeKind::Conflict);
        }
        if text.starts_with('#') {
            return Err(MistakeKind::Comment);
        }
        let entry = line::parse(text)?;
        let first = self.entries.get(&entry.fingerprint).and_then(|before| before.line);
        if let Some(first) = first {
            return Err(MistakeKind::Twice { fingerprint: entry.fingerprint.to_string(), first });
        }
        self.entries.insert(entry.fingerprint, Accepted { entry, line: Some(number) });
        Ok(())
    }
}

impl fmt::Display for Baseline {
    /// The text of the file: the same for the same entries.
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        HEADER.iter().try_for_each(|line| writeln!(formatter, "{line}"))?;
        self.entries().try_for_each(|entry| writeln!(formatter, "{entry}"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn line(digit: char, reason: &str) -> String {
        let fingerprint = digit.to_string().repeat(24);
        format!(r#"{fingerprint} secret/jwt until 2027-01-31 in "a.py" because "{reason}""#)
    }

    #[test]
    fn lines_are_sorted_and_stable() {
        let text = format!("{}\n\n{}\r\n", line('b', "x"), line('a', "y"));
        let written = Baseline::parse("f", &text).unwrap().to_string();
        assert_eq!(written.lines().skip(2).collect::<Vec<_>>(), [line('a', "y"), line('b', "x")]);
        assert!(written.lines().skip(2).is_sorted());
        assert_eq!(Baseline::parse("f", &written).unwrap().to_string(), written);
    }

    #[test]
    fn all_mistakes_at_once() {
        let text =
            [&line('a', "x"), "<<<<<<< ours", "# my own", &line('a', "y"), "nonsense", &line('b', "z")]
                .join("\n");
        let error = Baseline::parse("accepted", &text).unwrap_err();
        let expected = [
            "accepted:2: a merge left its mark here: keep the lines of both sides, and remove the marks"
                .to_owned(),
            "accepted:3: a comment would be lost when this file is written: say it in a reason".to_owned(),
            format!("accepted:4: finding `{}` is in line 1 already", "a".repeat(24)),
            "accepted:5: parse fingerprint `nonsense`: expected 24 lower-case hex digits".to_owned(),
        ];
        assert_eq!(error.to_string(), expected.join("\n"));
    }

    #[test]
    fn branches_merge_by_line() {
        let base = Baseline::parse("f", &line('5', "x")).unwrap();
        let with = |digit| {
            let mut branch = base.clone();
            branch.insert(Baseline::parse("f", &line(digit, "y")).unwrap().entries().next().unwrap().clone());
            branch.to_string()
        };
        let (ours, theirs) = (with('1'), with('9'));
        // What a line-wise merge does: the lines of both, where they agree once.
        let union: Vec<&str> =
            ours.lines().chain(theirs.lines().filter(|line| !ours.contains(*line))).collect();
        let merged = Baseline::parse("f", &union.join("\n")).unwrap();
        assert_eq!(merged.entries().count(), 3);
    }

    #[test]
    fn entries_are_replaced_and_removed() {
        let mut baseline = Baseline::parse("f", &line('a', "x")).unwrap();
        let again = Baseline::parse("f", &line('a', "better")).unwrap().entries().next().unwrap().clone();
        baseline.insert(again.clone());
        assert_eq!(baseline.entries().collect::<Vec<_>>(), [&again]);
        assert!(baseline.remove(&again.fingerprint) && !baseline.remove(&again.fingerprint));
        assert_eq!(baseline.entries().count(), 0);
    }
}
