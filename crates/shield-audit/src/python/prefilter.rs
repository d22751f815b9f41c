//! Which rules can find anything in a file, told from its bytes.
//!
//! Every rule names words without which it finds nothing. One pass over the bytes tells which of them occur; a file without any
//! is not parsed. Identifiers may be spelt in letters that Python folds into ASCII (NFKC: `ｅｖａｌ`): a file with such letters
//! counts as holding every word.
//!
//! An identifier counts where code could have it. Two names never stand side by side in Python unless one is a keyword, so the
//! words of sentences, in comments and documentation, mean nothing; in quotes it counts where something could take it for a
//! name. Only in a file that no interpreter would run could that lose anything.

use aho_corasick::{AhoCorasick, AhoCorasickBuilder, AhoCorasickKind, Input, MatchKind};

use super::rules::{Check, Words};

/// Names that make names out of texts: a file with them counts as holding every word.
const IMPORTERS: [&str; 2] = ["import_module", "__import__"];

/// What their finding says: a bit that is no rule's.
const IMPORTED: u128 = 1 << 127;

/// What takes a text for the name of an attribute.
const GETATTR: &[u8] = b"getattr";

/// The module of the interpreter's own names.
const BUILTINS: &[u8] = b"builtins";

/// Words that may stand beside a name: keywords, and what was one in Python 2.
const KEYWORDS: [&[u8]; 37] = [
    b"and",
    b"as",
    b"assert",
    b"async",
    b"await",
    b"case",
    b"class",
    b"def",
    b"del",
    b"elif",
    b"else",
    b"except",
    b"exec",
    b"finally",
    b"for",
    b"from",
    b"global",
    b"if",
    b"import",
    b"in",
    b"is",
    b"lambda",
    b"lazy",
    b"match",
    b"nonlocal",
    b"not",
    b"or",
    b"print",
    b"raise",
    b"return",
    b"try",
    b"type",
    b"while",
    b"with",
    b"yield",
    b"continue",
    b"pass",
];

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

/// Whether a text may mean names that it does not hold as they are: spelt in other letters, or put together for an import.
pub(crate) fn spells_freely(bytes: &[u8]) -> bool {
    let has = |word: &[u8]| memchr::memmem::find(bytes, word).is_some();
    IMPORTERS.iter().any(|word| has(word.as_bytes()))
        || !bytes.is_ascii() && FOLDED.iter().any(|first| has(first))
}

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
    /// Letters that are folded into ASCII.
    folded: Finder,
    /// Rules that look at every file.
    always: u128,
    /// Rules about the interpreter's own names.
    builtins: u128,
    /// Rules about members of modules, and the modules.
    members: Vec<(u128, &'static [&'static str])>,
    /// Every rule.
    every: u128,
}

/// One automaton, with what the finding of each word says.
#[derive(Debug)]
struct Finder {
    automaton: Option<AhoCorasick>,
    words: Vec<Vec<u8>>,
    says: Vec<u128>,
}

/// How the letters of words are compared.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Case {
    Exact,
    Any,
}

/// How an identifier stands in a text.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Standing {
    /// As a name of its own.
    Name,
    /// Behind a dot.
    Attribute,
    /// Alone in quotes.
    Quoted,
    /// Beside another word, or as a part of one.
    Prose,
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
    /// If there are more than 127 rules.
    pub(super) fn of(checks: &[&Check]) -> Self {
        assert!(checks.len() < 128, "a rule is one bit of 127");
        let every = u128::MAX >> (128 - checks.len().max(1));
        let mut names: Vec<Word<'_>> = IMPORTERS.iter().map(|word| (word.as_bytes(), IMPORTED)).collect();
        names.extend([(GETATTR, 0), (BUILTINS, 0)]);
        let mut members: Vec<(u128, &'static [&'static str])> = Vec::new();
        let (mut parts, mut any_case) = (Vec::new(), Vec::new());
        let (mut always, mut builtins) = (0, 0);
        for (bit, check) in checks.iter().enumerate().map(|(index, check)| (1 << index, check)) {
            let (list, words) = match check.words {
                Words::Names(words) => (&mut names, words),
                Words::Members { names: words, of } => {
                    members.push((bit, of));
                    (&mut names, words)
                }
                Words::Builtins(words) => {
                    builtins |= bit;
                    (&mut names, words)
                }
                Words::Parts(words) => (&mut parts, words),
                Words::AnyCase(words) => (&mut any_case, words),
                Words::None => {
                    always |= bit;
                    continue;
                }
            };
            list.extend(words.iter().map(|word| (word.as_bytes(), bit)));
        }
        let folded: Vec<Word<'_>> = FOLDED.iter().map(|bytes| (*bytes, every)).collect();
        Self {
            names: Finder::of(&names, Case::Exact),
            parts: Finder::of(&parts, Case::Exact),
            any_case: Finder::of(&any_case, Case::Any),
            folded: Finder::of(&folded, Case::Exact),
            always,
            builtins,
            members,
            every,
        }
    }

    /// The rules that can find something in a text.
    pub(super) fn active(&self, bytes: &[u8]) -> Active {
        let mut bits = self.named(bytes) | self.always;
        bits |= self.parts.found(bytes);
        if !bytes.is_ascii() {
            bits |= self.folded.found(bytes);
        }
        // The dearest words are looked for only if it matters: a file that is parsed anyhow is shown to their rules, too.
        bits |= if bits == 0 { self.any_case.found(bytes) } else { self.any_case.all() };
        Active(bits)
    }

    /// What the identifiers of a text say.
    fn named(&self, bytes: &[u8]) -> u128 {
        let (mut names, mut attributes, mut quoted) = (0, 0, 0);
        let (mut getattr, mut builtins) = (false, false);
        self.names.each(bytes, |word, says, start| {
            match standing(bytes, start, start + word.len()) {
                Standing::Prose => return,
                Standing::Name => names |= says,
                Standing::Attribute => attributes |= says,
                Standing::Quoted => quoted |= says,
            }
            getattr |= word == GETATTR;
            builtins |= word == BUILTINS;
        });
        let attributes = if builtins { attributes } else { attributes & !self.builtins };
        let found = names | attributes | if getattr { quoted } else { 0 };
        if found & IMPORTED != 0 {
            return self.every;
        }
        let missing =
            |(rule, of): &&(u128, &'static [&'static str])| found & rule != 0 && !has_any(bytes, of);
        self.members.iter().filter(missing).fold(found, |bits, (rule, _)| bits & !rule)
    }
}

// === impl Finder ===

impl Finder {
    fn of(words: &[Word<'_>], case: Case) -> Self {
        let mut unique: Vec<Vec<u8>> = words.iter().map(|(word, _)| word.to_vec()).collect();
        if case == Case::Any {
            unique.iter_mut().for_each(|word| word.make_ascii_lowercase());
        }
        unique.sort_unstable();
        unique.dedup();
        if unique.is_empty() {
            return Self { automaton: None, words: unique, says: Vec::new() };
        }
        // The longest word of those that begin at one place is reported: it speaks for those that it begins with.
        let begins = |found: &[u8], word: &[u8]| {
            found.len() >= word.len()
                && match case {
                    Case::Exact => &found[..word.len()] == word,
                    Case::Any => found[..word.len()].eq_ignore_ascii_case(word),
                }
        };
        let says = |found: &Vec<u8>| {
            words.iter().filter(|(word, _)| begins(found, word)).fold(0, |bits, (_, bit)| bits | bit)
        };
        let says = unique.iter().map(says).collect();
        let mut builder = AhoCorasickBuilder::new();
        builder.match_kind(MatchKind::LeftmostLongest).kind(Some(AhoCorasickKind::DFA));
        builder.ascii_case_insensitive(case == Case::Any);
        let automaton = builder.build(&unique).expect("some dozens of short words fit into an automaton");
        Self { automaton: Some(automaton), words: unique, says }
    }

    /// Shows each word of a text, with what it says and where it begins.
    fn each(&self, bytes: &[u8], mut show: impl FnMut(&[u8], u128, usize)) {
        let Some(automaton) = &self.automaton else { return };
        let mut start = 0;
        // Words may overlap: the search goes on one byte behind the beginning of the last find.
        while let Some(found) = automaton.find(Input::new(bytes).range(start..)) {
            let word = found.pattern().as_usize();
            show(&self.words[word], self.says[word], found.start());
            start = found.start() + 1;
        }
    }

    /// What all the words together say.
    fn all(&self) -> u128 {
        self.says.iter().fold(0, |bits, says| bits | says)
    }

    /// What the words in a text say.
    fn found(&self, bytes: &[u8]) -> u128 {
        let Some(automaton) = &self.automaton else { return 0 };
        let all = self.all();
        let (mut bits, mut start) = (0, 0);
        while bits != all
            && let Some(found) = automaton.find(Input::new(bytes).range(start..))
        {
            bits |= self.says[found.pattern().as_usize()];
            start = found.start() + 1;
        }
        bits
    }
}

/// Whether one of some words stands in a text, not as a part of another.
fn has_any(bytes: &[u8], words: &[&str]) -> bool {
    words.iter().any(|word| {
        let mut finds = memchr::memmem::find_iter(bytes, word.as_bytes());
        finds.any(|start| standing(bytes, start, start + word.len()) != Standing::Prose)
    })
}

/// How the bytes from one place to another stand in a text.
fn standing(bytes: &[u8], start: usize, end: usize) -> Standing {
    let (before, behind) = (&bytes[..start], &bytes[end..]);
    let is_word = |byte: &u8| byte.is_ascii_alphanumeric() || *byte == b'_';
    // Bytes that are no ASCII may end an identifier: better one file too many.
    if before.last().is_some_and(is_word) || behind.first().is_some_and(is_word) {
        return Standing::Prose;
    }
    if let (Some(quote @ (b'"' | b'\'')), Some(other)) = (before.last(), behind.first())
        && quote == other
    {
        return Standing::Quoted;
    }
    let blank = |byte: &u8| matches!(byte, b' ' | b'\t' | b'\x0c');
    let gap = before.iter().rev().take_while(|byte| blank(byte)).count();
    let before = &before[..before.len() - gap];
    if before.last() == Some(&b'.') {
        return Standing::Attribute;
    }
    let word = before.iter().rev().take_while(|byte| is_word(byte)).count();
    let neighbour_before = &before[before.len() - word..];
    let behind = &behind[behind.iter().take_while(|byte| blank(byte)).count()..];
    let neighbour_behind = &behind[..behind.iter().take_while(|byte| is_word(byte)).count()];
    let beside_name = [neighbour_before, neighbour_behind]
        .into_iter()
        .any(|word| !word.is_empty() && !KEYWORDS.contains(&word));
    if beside_name { Standing::Prose } else { Standing::Name }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use unicode_normalization::UnicodeNormalization;

    use super::*;

    fn finder(words: &[&'static str], case: Case) -> Finder {
        let list: Vec<_> =
            words.iter().enumerate().map(|(index, word)| (word.as_bytes(), 1 << index)).collect();
        Finder::of(&list, case)
    }

    #[test]
    fn names_count_where_code_has_them() {
        let stands = |text: &str| {
            let start = text.find("eval").unwrap();
            standing(text.as_bytes(), start, start + 4)
        };
        for text in [
            "eval(x)",
            "x = eval",
            "return eval",
            "x if eval else y",
            "(\n  eval\n)",
            "print eval",
            "x=eval#",
            "é eval",
        ] {
            assert_eq!(stands(text), Standing::Name, "{text}");
        }
        for text in ["x.eval()", "x. eval"] {
            assert_eq!(stands(text), Standing::Attribute, "{text}");
        }
        for text in ["evaluate", "_eval", "the eval", "eval mode", "x1 eval", "eval 2"] {
            assert_eq!(stands(text), Standing::Prose, "{text}");
        }
        assert_eq!(stands("getattr(x, 'eval')"), Standing::Quoted);
    }

    #[test]
    fn attributes_and_quotes_need_somebody() {
        let checks: Vec<_> = super::super::rules::all().collect();
        let prefilter = Prefilter::of(&checks);
        let active = |text: &str, id: &str| {
            let active = prefilter.active(text.as_bytes());
            active.has(checks.iter().position(|check| check.rule.id == id).unwrap())
        };
        assert!(!active("model.eval()", "python/eval"));
        assert!(active("import builtins\nbuiltins.eval()", "python/eval"));
        assert!(!active("{'role': 'system'}", "python/os-shell"));
        assert!(active("getattr(os, 'system')", "python/os-shell"));
        assert!(active("import_module('x').y", "python/eval"));
        assert!(!active("import platform\nplatform.system()", "python/os-shell"));
        assert!(active("from os import *\nsystem(x)", "python/os-shell"));
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
            folded.filter(|letter| announced.found(letter.to_string().as_bytes()) == 0).collect();
        assert!(missed.is_empty(), "{missed:?}");
    }

    fn finder_of_folded() -> Finder {
        let words: Vec<Word<'_>> = FOLDED.iter().map(|bytes| (*bytes, 1)).collect();
        Finder::of(&words, Case::Exact)
    }

    proptest! {
        #[test]
        fn no_word_is_missed(text in "[abcABC]{0,12}") {
            let words = ["a", "ab", "bca", "cc", "abc", "cab"];
            let parts = finder(&words, Case::Exact).found(text.as_bytes());
            let any_case = finder(&words, Case::Any).found(text.as_bytes());
            for (index, word) in words.iter().enumerate() {
                prop_assert!(text.contains(word) == (parts >> index & 1 == 1), "{word} in {text}");
                prop_assert!(text.to_lowercase().contains(word) == (any_case >> index & 1 == 1), "{word} in {text}");
            }
        }
    }
}
