//! Which rules can find anything in a file, told from its bytes.
//!
//! Every rule names words without which it finds nothing. One pass over the bytes tells which of them occur; a file without any
//! is not parsed. Identifiers may be spelt in letters that Python folds into ASCII (NFKC: `ｅｖａｌ`): a file with such letters
//! counts as holding every word.

use aho_corasick::{AhoCorasick, AhoCorasickBuilder, AhoCorasickKind, Input, MatchKind};

use super::rules::{Check, Words};

/// Names that make names out of texts: a file with them counts as holding every word.
const IMPORTERS: [&str; 2] = ["import_module", "__import__"];

/// First bytes of every character that NFKC folds into ASCII letters, digits or `_`.
const FOLDED: [&[u8]; 26] = [
    b"\xc2\xaa",
    b"\xc2\xba",
    b"\xc4\xb2",
    b"\xc4\xb3",
    b"\xc5\xbf",
    b"\xc7",
    b"\xca",
    b"\xcb",
    b"\xe1\xb4",
    b"\xe1\xb5",
    b"\xe1\xb6",
    b"\xe2\x81",
    b"\xe2\x82",
    b"\xe2\x84",
    b"\xe2\x85",
    b"\xe2\xb1",
    b"\xea\x9f",
    b"\xef\xac",
    b"\xef\xb8",
    b"\xef\xb9",
    b"\xef\xbc",
    b"\xef\xbd",
    b"\xf0\x90\x9e",
    b"\xf0\x9c\xb3",
    b"\xf0\x9d",
    b"\xf0\x9f\xaf",
];

/// Which files are parsed. What is found is the same.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Parse {
    /// Every file: its syntax errors are part of the answer.
    Always,
    /// Files in which a rule can find something.
    WhereWordsOccur,
}

/// The rules that can find something in a file, one bit each.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Active(u128);

/// Looks for the words of rules.
#[derive(Debug)]
pub(super) struct Prefilter {
    names: Finder,
    parts: Finder,
    any_case: Finder,
    /// Rules that look at every file.
    always: Active,
}

/// One automaton, with what the finding of each word says.
#[derive(Debug)]
struct Finder {
    automaton: Option<AhoCorasick>,
    kind: FinderKind,
    says: Vec<u128>,
}

/// What counts as a find.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum FinderKind {
    /// A whole identifier.
    Names,
    /// The bytes, anywhere.
    Parts,
    /// The same in capitals or small letters.
    AnyCase,
}

/// A word and the rules that it means.
type Word<'a> = (&'a [u8], u128);

// === impl Active ===

impl Active {
    /// Every rule.
    pub(super) const ALL: Self = Self(u128::MAX);

    pub(super) const fn is_empty(self) -> bool {
        self.0 == 0
    }

    pub(super) const fn has(self, rule: usize) -> bool {
        self.0 >> rule & 1 == 1
    }
}

// === impl Prefilter ===

impl Prefilter {
    /// # Panics
    /// If there are more than 128 rules.
    pub(super) fn of(checks: &[&Check]) -> Self {
        assert!(checks.len() <= 128, "a rule is one bit of 128");
        let every = u128::MAX >> (128 - checks.len().max(1));
        let mut names: Vec<Word<'_>> = IMPORTERS.iter().map(|word| (word.as_bytes(), every)).collect();
        let mut parts: Vec<Word<'_>> = FOLDED.iter().map(|bytes| (*bytes, every)).collect();
        let mut any_case = Vec::new();
        let mut always = 0;
        for (bit, check) in checks.iter().enumerate().map(|(index, check)| (1 << index, check)) {
            let (list, words) = match check.words {
                Words::Names(words) => (&mut names, words),
                Words::Parts(words) => (&mut parts, words),
                Words::AnyCase(words) => (&mut any_case, words),
                Words::None => {
                    always |= bit;
                    continue;
                }
            };
            list.extend(words.iter().map(|word| (word.as_bytes(), bit)));
        }
        Self {
            names: Finder::of(&names, FinderKind::Names),
            parts: Finder::of(&parts, FinderKind::Parts),
            any_case: Finder::of(&any_case, FinderKind::AnyCase),
            always: Active(always),
        }
    }

    /// The rules that can find something in a text.
    pub(super) fn active(&self, bytes: &[u8]) -> Active {
        let mut bits = self.names.found(bytes, self.always.0);
        bits = self.parts.found(bytes, bits);
        Active(self.any_case.found(bytes, bits))
    }
}

// === impl Finder ===

impl Finder {
    fn of(words: &[Word<'_>], kind: FinderKind) -> Self {
        let mut unique: Vec<Vec<u8>> = words.iter().map(|(word, _)| word.to_ascii_lowercase()).collect();
        if kind != FinderKind::AnyCase {
            unique = words.iter().map(|(word, _)| word.to_vec()).collect();
        }
        unique.sort_unstable();
        unique.dedup();
        let equal = |word: &[u8], other: &[u8]| match kind {
            FinderKind::AnyCase => word.eq_ignore_ascii_case(other),
            FinderKind::Names | FinderKind::Parts => word == other,
        };
        // The longest word of those that begin at one place is reported. As an identifier it is the only one there; as a part
        // of the text it holds the others.
        let meant = |found: &[u8], word: &[u8]| match kind {
            FinderKind::Names => equal(word, found),
            FinderKind::Parts | FinderKind::AnyCase => {
                found.len() >= word.len() && equal(&found[..word.len()], word)
            }
        };
        let says = unique.iter().map(|found| {
            words.iter().filter(|(word, _)| meant(found, word)).fold(0, |bits, (_, bit)| bits | bit)
        });
        let says = says.collect();
        if unique.is_empty() {
            return Self { automaton: None, kind, says };
        }
        let mut builder = AhoCorasickBuilder::new();
        builder.match_kind(MatchKind::LeftmostLongest);
        if kind == FinderKind::AnyCase {
            builder.ascii_case_insensitive(true).kind(Some(AhoCorasickKind::DFA));
        }
        let automaton = builder.build(&unique).expect("some dozens of short words fit into an automaton");
        Self { automaton: Some(automaton), kind, says }
    }

    /// What the words in a text say, with what is known already.
    fn found(&self, bytes: &[u8], known: u128) -> u128 {
        let mut bits = known;
        let Some(automaton) = &self.automaton else { return bits };
        let all = self.says.iter().fold(known, |bits, says| bits | says);
        let mut start = 0;
        // Words may overlap: the search goes on one byte behind the beginning of the last find.
        while bits != all
            && let Some(found) = automaton.find(Input::new(bytes).range(start..))
        {
            if self.kind != FinderKind::Names || is_whole(bytes, found.start(), found.end()) {
                bits |= self.says[found.pattern().as_usize()];
            }
            start = found.start() + 1;
        }
        bits
    }
}

/// Whether no identifier goes on before or behind. Bytes that are no ASCII end one here: better one file too many.
fn is_whole(bytes: &[u8], start: usize, end: usize) -> bool {
    let goes_on = |byte: Option<&u8>| byte.is_some_and(|byte| byte.is_ascii_alphanumeric() || *byte == b'_');
    let before = start.checked_sub(1).and_then(|before| bytes.get(before));
    !goes_on(before) && !goes_on(bytes.get(end))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use unicode_normalization::UnicodeNormalization;

    use super::*;

    fn finder(words: &[&'static str], kind: FinderKind) -> Finder {
        let list: Vec<_> =
            words.iter().enumerate().map(|(index, word)| (word.as_bytes(), 1 << index)).collect();
        Finder::of(&list, kind)
    }

    #[test]
    fn names_are_whole_identifiers() {
        let names = finder(&["exec", "execve", "os"], FinderKind::Names);
        assert_eq!(names.found(b"os.execve(", 0), 0b110);
        assert_eq!(names.found(b"execvx exec_ _exec close", 0), 0);
        assert_eq!(names.found(b"'exec'", 0), 0b001);
        assert_eq!(names.found(b"exec", 0b1000), 0b1001);
    }

    #[test]
    fn folded_letters_mean_every_word() {
        let prefilter = Prefilter::of(&super::super::rules::all().collect::<Vec<_>>());
        for text in ["\u{ff45}val(x)", "\u{1d41e}val", "\u{212f}val", "\u{1d49}val", "a\u{1d62}", "\u{2090}"]
        {
            let active = prefilter.active(text.as_bytes());
            assert!((0..super::super::rules::all().count()).all(|rule| active.has(rule)), "{text}");
        }
        assert!(!prefilter.active("ünïcödé 日本".as_bytes()).has(0));
    }

    /// Every letter that the parser turns into ASCII is announced by its first bytes.
    #[test]
    fn no_folded_letter_is_missed() {
        let announced = finder_of_folded();
        let letters = ('\u{80}'..=char::MAX).filter(|letter| unicode_ident::is_xid_continue(*letter));
        let folded =
            letters.filter(|letter| letter.nfkc().all(|one| one.is_ascii_alphanumeric() || one == '_'));
        let missed: Vec<_> =
            folded.filter(|letter| announced.found(letter.to_string().as_bytes(), 0) == 0).collect();
        assert!(missed.is_empty(), "{missed:?}");
    }

    fn finder_of_folded() -> Finder {
        let words: Vec<Word<'_>> = FOLDED.iter().map(|bytes| (*bytes, 1)).collect();
        Finder::of(&words, FinderKind::Parts)
    }

    proptest! {
        #[test]
        fn no_word_is_missed(text in "[abcABC]{0,12}") {
            let words = ["a", "ab", "bca", "cc", "abc", "cab"];
            let parts = finder(&words, FinderKind::Parts).found(text.as_bytes(), 0);
            let any_case = finder(&words, FinderKind::AnyCase).found(text.as_bytes(), 0);
            for (index, word) in words.iter().enumerate() {
                prop_assert!(text.contains(word) == (parts >> index & 1 == 1), "{word} in {text}");
                prop_assert!(text.to_lowercase().contains(word) == (any_case >> index & 1 == 1), "{word} in {text}");
            }
        }
    }
}
