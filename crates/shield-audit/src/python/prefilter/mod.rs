//! Which rules can find anything in a file, told from its bytes.
//!
//! Every rule names words without which it finds nothing. One pass over the bytes tells which of them occur; a file without any
//! is not parsed. Identifiers may be spelt in letters that Python folds into ASCII (NFKC: `ｅｖａｌ`): a file with such letters
//! counts as holding every word.
//!
//! An identifier counts where code could have it. Two names never stand side by side in Python unless one is a keyword, so the
//! words of sentences, in comments and documentation, mean nothing; in quotes it counts where something could take it for a
//! name. Only in a file that no interpreter would run could that lose anything.
//!
//! Some words are in nearly every file. A file in which one of those stands where it means something is parsed without looking
//! further, and what it names is told from its tokens.

mod finder;
mod folded;
mod identifiers;
mod standing;

use ruff_python_ast::token::TokenKind;
use ruff_text_size::Ranged;

use self::{
    finder::{Finder, Word},
    folded::has_folded,
    identifiers::Identifiers,
    standing::{Standing, standing},
};
use super::{
    Module,
    rules::{Case, Check, Words},
};

/// Names that make names out of texts: a file with them counts as holding every word.
const IMPORTERS: [&str; 2] = ["import_module", "__import__"];

/// What their finding says: a bit that is no rule's.
const IMPORTED: u128 = 1 << 127;

/// What takes a text for the name of an attribute.
const GETATTR: &str = "getattr";

/// What takes the texts in a table for the names of arguments.
const UNPACKED: &[u8] = b"**";

/// The module of the interpreter's own names.
const BUILTINS: &str = "builtins";

/// Whether a text may mean names that it does not hold as they are: spelt in other letters, or put together for an import.
pub(crate) fn spells_freely(text: &str) -> bool {
    IMPORTERS.iter().any(|word| text.contains(word)) || has_folded(text)
}

/// Words of a rule.
type List = &'static [&'static str];

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

/// What the bytes of a file say.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Said {
    /// Which rules can find something in it.
    Active(Active),
    /// It must be parsed: these rules can find something, and whichever its names mean.
    Named(Active),
}

/// Looks for the words of rules.
#[derive(Debug)]
pub(super) struct Prefilter {
    names: Identifiers,
    parts: Finder,
    /// Words that are in nearly every file, as they are written and in any case.
    placed: [Finder; 2],
    /// Rules that look at every file.
    always: u128,
    /// Rules about the interpreter's own names.
    builtins: u128,
    /// Rules about arguments.
    arguments: u128,
    /// Rules about members of modules, and which words must be there too: the modules or the members.
    members: Vec<(u128, List)>,
    /// Every rule.
    every: u128,
}

/// What the identifiers of a file say, by how they stand there.
#[derive(Clone, Copy, Debug, Default)]
struct Named {
    names: u128,
    attributes: u128,
    quoted: u128,
}

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
        let mut names: Vec<(&'static str, u128)> = IMPORTERS.iter().map(|word| (*word, IMPORTED)).collect();
        let mut members: Vec<(u128, List)> = Vec::new();
        let (mut parts, mut exact, mut any_case) = (Vec::new(), Vec::new(), Vec::new());
        let (mut always, mut builtins, mut arguments) = (0, 0, 0);
        for (bit, check) in checks.iter().enumerate().map(|(index, check)| (1 << index, check)) {
            let words = match check.words {
                Words::Names(words) => words,
                Words::Members { names, of } => {
                    let (looked_for, needed) = rarer(names, of);
                    members.push((bit, needed));
                    looked_for
                }
                Words::Builtins(words) => {
                    builtins |= bit;
                    words
                }
                Words::Arguments(words) => {
                    arguments |= bit;
                    words
                }
                Words::Parts(words) => {
                    parts.extend(words.iter().map(|word| Word::anywhere(word.as_bytes(), bit)));
                    continue;
                }
                Words::Placed { words, case, stands } => {
                    let list = if case == Case::Exact { &mut exact } else { &mut any_case };
                    list.extend(words.iter().map(|word| Word { bytes: word.as_bytes(), says: bit, stands }));
                    continue;
                }
                Words::None => {
                    always |= bit;
                    continue;
                }
            };
            names.extend(words.iter().map(|word| (*word, bit)));
        }
        Self {
            names: Identifiers::of(&names),
            parts: Finder::of(&parts, Case::Exact),
            placed: [Finder::of(&exact, Case::Exact), Finder::of(&any_case, Case::Any)],
            always,
            builtins,
            arguments,
            members,
            every,
        }
    }

    /// What the bytes of a text say.
    pub(super) fn look(&self, text: &str) -> Said {
        if !text.is_ascii() && has_folded(text) {
            return Said::Active(Active(self.every));
        }
        let bytes = text.as_bytes();
        let bits = self.always | self.parts.found(bytes);
        // One of them is enough: a file that is parsed is shown to all their rules.
        if bits != 0 || self.placed.iter().any(|finder| finder.finds_any(bytes)) {
            let placed = self.placed.iter().fold(0, |bits, finder| bits | finder.all());
            return Said::Named(Active(bits | placed));
        }
        Said::Active(Active(self.meant(bytes, self.named(bytes))))
    }

    /// The rules that can find something in a file that is parsed.
    pub(super) fn active(&self, module: &Module<'_>, said: Said) -> Active {
        let active = match said {
            Said::Active(active) => return active,
            Said::Named(active) => active,
        };
        let bytes = module.text.as_bytes();
        // Nobody knows what a text will be taken for: every one counts.
        let texts = has_any(bytes, &[GETATTR]) || unpacks(bytes);
        let mut named = Named::default();
        let mut before = TokenKind::Newline;
        for token in module.tokens.iter() {
            let kind = token.kind();
            let says = |text: &str| self.names.says(text.as_bytes());
            match kind {
                TokenKind::Name if before == TokenKind::Dot => {
                    named.attributes |= says(&module.text[token.range()]);
                }
                TokenKind::Name => named.names |= says(&module.text[token.range()]),
                TokenKind::String | TokenKind::FStringMiddle | TokenKind::TStringMiddle if texts => {
                    named.quoted |= says(unquoted(&module.text[token.range()]));
                }
                _ => {}
            }
            before = kind;
        }
        Active(active.0 | self.meant(bytes, named))
    }

    /// What the identifiers of a text say, told from its bytes.
    fn named(&self, bytes: &[u8]) -> Named {
        let mut named = Named::default();
        self.names.each(bytes, |says, range| match standing(bytes, range) {
            Standing::Prose => {}
            Standing::Name => named.names |= says,
            Standing::Attribute => named.attributes |= says,
            Standing::Quoted => named.quoted |= says,
        });
        named
    }

    /// The rules that are meant by identifiers.
    fn meant(&self, bytes: &[u8], named: Named) -> u128 {
        let Named { names, mut attributes, mut quoted } = named;
        if quoted & !names != 0 && !has_any(bytes, &[GETATTR]) {
            quoted &= if unpacks(bytes) { self.arguments } else { 0 };
        }
        if attributes & self.builtins & !names != 0 && !has_any(bytes, &[BUILTINS]) {
            attributes &= !self.builtins;
        }
        let found = names | attributes | quoted;
        if found & IMPORTED != 0 {
            return self.every;
        }
        let missing = |(rule, of): &&(u128, List)| found & rule != 0 && !has_any(bytes, of);
        self.members.iter().filter(missing).fold(found, |bits, (rule, _)| bits & !rule)
    }
}

/// Members of modules and their modules: first those that are looked for in every file, then those that must be there too.
fn rarer(names: List, of: List) -> (List, List) {
    // Short names of modules are everywhere.
    let modules_are_rare = of.len() < names.len() && of.iter().all(|module| module.len() > 4);
    if modules_are_rare { (of, names) } else { (names, of) }
}

/// Whether something may take a text for the name of an argument.
fn unpacks(bytes: &[u8]) -> bool {
    memchr::memmem::find(bytes, UNPACKED).is_some()
}

/// What stands between the quotes of a literal.
fn unquoted(literal: &str) -> &str {
    literal.find(['"', '\'']).map_or(literal, |quote| literal[quote..].trim_matches(['"', '\'']))
}

/// Whether one of some words stands in a text, not as a part of another.
fn has_any(bytes: &[u8], words: &[&str]) -> bool {
    words.iter().any(|word| {
        let mut finds = memchr::memmem::find_iter(bytes, word.as_bytes());
        finds.any(|start| standing(bytes, start..start + word.len()) != Standing::Prose)
    })
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use unicode_normalization::UnicodeNormalization;

    use super::*;

    fn finder(words: &[&'static str], case: Case) -> Finder {
        let words = words.iter().enumerate();
        let list: Vec<_> = words.map(|(index, word)| Word::anywhere(word.as_bytes(), 1 << index)).collect();
        Finder::of(&list, case)
    }

    /// What is known before anything is parsed, if names are enough for it.
    fn bytes_say(prefilter: &Prefilter, text: &str) -> Active {
        match prefilter.look(text) {
            Said::Active(active) | Said::Named(active) => active,
        }
    }

    #[test]
    fn attributes_and_quotes_need_somebody() {
        let checks: Vec<_> = super::super::rules::all().collect();
        let prefilter = Prefilter::of(&checks);
        let active = |text: &str, id: &str| {
            let active = bytes_say(&prefilter, text);
            active.has(checks.iter().position(|check| check.rule.id == id).unwrap())
        };
        assert!(!active("model.eval()", "python/eval"));
        assert!(active("import builtins\nbuiltins.eval()", "python/eval"));
        assert!(!active("{'role': 'system'}", "python/os-shell"));
        assert!(active("getattr(os, 'system')", "python/os-shell"));
        assert!(!active("x = {'shell': True}\nrun(x)", "python/subprocess-shell"));
        assert!(active("x = {'shell': True}\nrun(**x)", "python/subprocess-shell"));
        assert!(active("import_module('x').y", "python/eval"));
        assert!(!active("import platform\nplatform.system()", "python/os-shell"));
        assert!(active("from os import *\nsystem(x)", "python/os-shell"));
    }

    #[test]
    fn folded_letters_mean_every_word() {
        let prefilter = Prefilter::of(&super::super::rules::all().collect::<Vec<_>>());
        for text in ["\u{ff45}val(x)", "\u{1d41e}val", "\u{212f}val", "\u{1d49}val", "a\u{1d62}", "\u{2090}"]
        {
            let active = bytes_say(&prefilter, text);
            assert!((0..super::super::rules::all().count()).all(|rule| active.has(rule)), "{text}");
        }
        assert!(!bytes_say(&prefilter, "ünïcödé 日本 ² € ， ™").has(0));
    }

    #[test]
    fn no_folded_letter_is_missed() {
        let letters = ('\u{80}'..=char::MAX).filter(|letter| unicode_ident::is_xid_continue(*letter));
        let folded =
            letters.filter(|letter| letter.nfkc().all(|one| one.is_ascii_alphanumeric() || one == '_'));
        let missed: Vec<_> = folded.filter(|letter| !has_folded(&format!("a \u{fc}{letter}"))).collect();
        assert!(missed.is_empty(), "{missed:?}");
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
