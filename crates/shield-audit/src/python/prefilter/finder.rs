//! Looking for many words at once.

use std::{ops::Range, ptr};

use aho_corasick::{AhoCorasick, AhoCorasickBuilder, AhoCorasickKind, Input, MatchKind};

use crate::python::rules::{Case, Stands};

/// A word, and the rules that it means where it stands so.
#[derive(Clone, Copy)]
pub(super) struct Word<'a> {
    pub(super) bytes: &'a [u8],
    pub(super) says: u128,
    pub(super) stands: Stands,
}

/// One automaton, with what the finding of each word says.
#[derive(Debug)]
pub(super) struct Finder {
    automaton: Option<AhoCorasick>,
    /// Of each word: what it says, and where.
    meanings: Vec<Vec<(u128, Stands)>>,
    all: u128,
}

// === impl Word ===

impl<'a> Word<'a> {
    /// A word that counts wherever it stands.
    pub(super) fn anywhere(bytes: &'a [u8], says: u128) -> Self {
        Self { bytes, says, stands: |_, _| true }
    }
}

// === impl Finder ===

impl Finder {
    pub(super) fn of(words: &[Word<'_>], case: Case) -> Self {
        let mut unique: Vec<Vec<u8>> = words.iter().map(|word| word.bytes.to_vec()).collect();
        if case == Case::Any {
            unique.iter_mut().for_each(|word| word.make_ascii_lowercase());
        }
        unique.sort_unstable();
        unique.dedup();
        if unique.is_empty() {
            return Self { automaton: None, meanings: Vec::new(), all: 0 };
        }
        // The longest word of those that begin at one place is reported: it speaks for those that it begins with.
        let begins = |found: &[u8], word: &[u8]| {
            found.len() >= word.len()
                && match case {
                    Case::Exact => &found[..word.len()] == word,
                    Case::Any => found[..word.len()].eq_ignore_ascii_case(word),
                }
        };
        let meanings = unique
            .iter()
            .map(|found| meanings(words.iter().copied().filter(|word| begins(found, word.bytes))));
        let meanings = meanings.collect();
        let mut builder = AhoCorasickBuilder::new();
        builder.match_kind(MatchKind::LeftmostLongest).kind(Some(AhoCorasickKind::DFA));
        builder.ascii_case_insensitive(case == Case::Any);
        let automaton = builder.build(&unique).expect("some dozens of short words fit into an automaton");
        let all = words.iter().fold(0, |bits, word| bits | word.says);
        Self { automaton: Some(automaton), meanings, all }
    }

    /// What all the words together say.
    pub(super) const fn all(&self) -> u128 {
        self.all
    }

    /// What the words in a text say.
    pub(super) fn found(&self, bytes: &[u8]) -> u128 {
        let mut bits = 0;
        self.each(bytes, |says, stands, range| {
            if bits & says != says && stands(bytes, range) {
                bits |= says;
            }
            bits == self.all
        });
        bits
    }

    /// Whether any of the words is in a text.
    pub(super) fn finds_any(&self, bytes: &[u8]) -> bool {
        let mut found = false;
        self.each(bytes, |_, stands, range| {
            found = stands(bytes, range);
            found
        });
        found
    }

    /// Shows each find, until told to end.
    fn each(&self, bytes: &[u8], mut ends: impl FnMut(u128, Stands, Range<usize>) -> bool) {
        let Some(automaton) = &self.automaton else { return };
        let mut start = 0;
        // Words may overlap: the search goes on one byte behind the beginning of the last find.
        while let Some(found) = automaton.find(Input::new(bytes).range(start..)) {
            for &(says, stands) in &self.meanings[found.pattern().as_usize()] {
                if ends(says, stands, found.range()) {
                    return;
                }
            }
            start = found.start() + 1;
        }
    }
}

/// What words say, by where they must stand for it: each place is looked at once.
fn meanings<'a>(words: impl Iterator<Item = Word<'a>>) -> Vec<(u128, Stands)> {
    let mut meanings: Vec<(u128, Stands)> = Vec::new();
    for word in words {
        match meanings.iter_mut().find(|(_, stands)| ptr::fn_addr_eq(*stands, word.stands)) {
            Some((says, _)) => *says |= word.says,
            None => meanings.push((word.says, word.stands)),
        }
    }
    meanings
}
