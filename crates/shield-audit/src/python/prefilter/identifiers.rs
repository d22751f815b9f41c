//! Looking for whole identifiers: for the piece of each that is rarest in sources.

use std::ops::Range;

use aho_corasick::{AhoCorasick, AhoCorasickBuilder, AhoCorasickKind, Input, MatchKind};
use rustc_hash::FxHashMap;

use super::standing::is_word;

/// So many bytes of an identifier are looked for.
const PIECE_BYTES: usize = 4;

/// Bytes of identifiers, the most frequent first; capitals and digits are rarer than all of these.
const FREQUENT: &[u8] = b"etaoinsrlhdcmpu_fgybwvkxjqz";

/// Identifiers, and what the finding of each says.
#[derive(Debug)]
pub(super) struct Identifiers {
    /// Finds a piece of every identifier.
    pieces: Option<AhoCorasick>,
    says: FxHashMap<&'static [u8], u128>,
    bytes_max: usize,
}

// === impl Identifiers ===

impl Identifiers {
    pub(super) fn of(words: &[(&'static str, u128)]) -> Self {
        let mut says: FxHashMap<&'static [u8], u128> = FxHashMap::default();
        words.iter().for_each(|(word, bits)| *says.entry(word.as_bytes()).or_default() |= bits);
        let mut sorted: Vec<&[u8]> = says.keys().copied().collect();
        sorted.sort_unstable_by_key(|word| (word.len(), *word));
        let mut pieces: Vec<&[u8]> = Vec::new();
        for word in sorted {
            if !pieces.iter().any(|piece| word.windows(piece.len()).any(|window| window == *piece)) {
                pieces.push(rarest(word));
            }
        }
        let mut builder = AhoCorasickBuilder::new();
        // Only a search for the leftmost is done by vector instructions.
        builder.match_kind(MatchKind::LeftmostFirst).kind(Some(AhoCorasickKind::DFA));
        let build = || builder.build(&pieces).expect("some dozens of short words fit into an automaton");
        let bytes_max = says.keys().map(|word| word.len()).max().unwrap_or_default();
        Self { pieces: (!pieces.is_empty()).then(build), says, bytes_max }
    }

    /// What an identifier says.
    pub(super) fn says(&self, identifier: &[u8]) -> u128 {
        if identifier.len() > self.bytes_max {
            return 0;
        }
        self.says.get(identifier).copied().unwrap_or_default()
    }

    /// Shows each of them in a text, with what it says and where it is.
    pub(super) fn each(&self, bytes: &[u8], mut show: impl FnMut(u128, Range<usize>)) {
        let Some(pieces) = &self.pieces else { return };
        let mut from = 0;
        while let Some(found) = pieces.find(Input::new(bytes).range(from..)) {
            let before = bytes[..found.start()].iter().rev().take_while(|byte| is_word(**byte)).count();
            let behind = bytes[found.end()..].iter().take_while(|byte| is_word(**byte)).count();
            let identifier = found.start() - before..found.end() + behind;
            let says = self.says(&bytes[identifier.clone()]);
            from = identifier.end;
            if says != 0 {
                show(says, identifier);
            }
        }
    }
}

/// The piece of a word that is in the fewest sources.
fn rarest(word: &[u8]) -> &[u8] {
    let weight = |byte: &u8| {
        let place = FREQUENT.iter().position(|one| one == byte);
        place.map_or(1, |place| FREQUENT.len() - place + 1)
    };
    let frequency = |piece: &&[u8]| piece.iter().map(weight).product::<usize>();
    word.windows(PIECE_BYTES.min(word.len())).min_by_key(frequency).unwrap_or(word)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const WORDS: [(&str, u128); 5] =
        [("exec", 1), ("exec_command", 2), ("os", 4), ("SHA", 8), ("import_module", 16)];

    fn found(text: &str) -> u128 {
        let mut found = 0;
        Identifiers::of(&WORDS).each(text.as_bytes(), |says, range| {
            assert_eq!(Identifiers::of(&WORDS).says(text[range].as_bytes()), says);
            found |= says;
        });
        found
    }

    #[test]
    fn only_whole_identifiers_count() {
        assert_eq!(found("exec_command(x) import_module"), 18);
        assert_eq!(found("os.exec SHA"), 13);
        assert_eq!(found("executor import_modules SHAPE _os cos"), 0);
    }

    proptest! {
        #[test]
        fn no_identifier_is_missed(text in "(exec|_command|os|SHA|import_module|[ .a]){0,8}") {
            let words: Vec<&str> = text.split([' ', '.']).collect();
            let expected = WORDS.iter().filter(|(word, _)| words.contains(word)).fold(0, |bits, (_, says)| bits | says);
            prop_assert_eq!(found(&text), expected);
        }
    }
}
