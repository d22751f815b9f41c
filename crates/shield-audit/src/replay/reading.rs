//! What a match of a pattern is: a piece of a longer word, or a word in a comment, in a text, in code.

use ruff_python_ast::token::TokenKind;
use ruff_text_size::{Ranged, TextSize};
use serde::Serialize;

use super::Pattern;
use crate::python::{Kind, Module};

/// What the strongest match of a pattern in a file is, strongest last.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Reading {
    /// A piece of a longer word.
    PartOfWord,
    /// A word in a comment.
    Comment,
    /// A word in a text.
    Text,
    /// A word in code: a name.
    Name,
    /// A word in a file that is not Python.
    Word,
}

/// Where that match is.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Seen {
    /// What it is.
    pub reading: Reading,
    /// Its line, from 1.
    pub line: u32,
    /// The word around it, cut at 60 characters.
    pub word: String,
}

/// How much of a word is shown.
const WORD_MAX: usize = 60;

/// The strongest match of each pattern in a text; the same number of answers as patterns, nothing where one does not match.
pub(super) fn read(path: &str, text: &str, patterns: &[&Pattern]) -> Vec<Option<Seen>> {
    let mut seen: Vec<Option<Seen>> = vec![None; patterns.len()];
    // Words that stand for themselves: the pattern's number, and where.
    let mut words: Vec<(usize, usize)> = Vec::new();
    for (number, pattern) in patterns.iter().enumerate() {
        let mut first = None;
        for found in pattern.regex.find_iter(text) {
            first = first.or(Some(found.start()));
            if !within_word(text, found.start(), found.end()) {
                words.push((number, found.start()));
            }
        }
        seen[number] = first.map(|at| of(text, at, Reading::PartOfWord));
    }
    if !words.is_empty() {
        let readings =
            if path.ends_with(".py") { in_python(text, &words) } else { vec![Reading::Word; words.len()] };
        for ((number, at), reading) in words.into_iter().zip(readings) {
            let stronger = seen[number].as_ref().is_none_or(|before| before.reading < reading);
            if stronger {
                seen[number] = Some(of(text, at, reading));
            }
        }
    }
    seen
}

/// Whether a match is a piece of a longer word. `_` joins the words of a name, but what is called is the whole name.
fn within_word(text: &str, start: usize, end: usize) -> bool {
    let found = &text[start..end];
    let called = found.contains(['(', '.']);
    let joins = |character: char| character.is_alphanumeric() || called && character == '_';
    let after = text[end..].chars().next().filter(|_| found.ends_with(char::is_alphanumeric));
    text[..start].chars().next_back().is_some_and(joins) || after.is_some_and(joins)
}

/// What words of a file of Python are.
fn in_python(text: &str, words: &[(usize, usize)]) -> Vec<Reading> {
    let readings = Module::with(text, Kind::Code, |module| {
        let reading = |at: usize| {
            let at = TextSize::try_from(at).unwrap_or_default();
            let before = module.tokens.partition_point(|token| token.start() <= at);
            let token = before.checked_sub(1).and_then(|number| module.tokens.get(number));
            match token.filter(|token| token.end() > at).map(|token| token.kind()) {
                Some(TokenKind::Comment) => Reading::Comment,
                Some(TokenKind::String | TokenKind::FStringMiddle | TokenKind::TStringMiddle) => {
                    Reading::Text
                }
                _ => Reading::Name,
            }
        };
        words.iter().map(|(_, at)| reading(*at)).collect()
    });
    // Nobody can tell in a file that is nested too deep: the strongest is assumed.
    readings.unwrap_or_else(|_| vec![Reading::Name; words.len()])
}

fn of(text: &str, at: usize, reading: Reading) -> Seen {
    let part = |character: &char| character.is_alphanumeric() || matches!(character, '_' | '.');
    let start = text[..at].chars().rev().take(WORD_MAX).take_while(part).map(char::len_utf8).sum::<usize>();
    let word = text[at - start..].chars().take_while(part).take(WORD_MAX).collect();
    let line = memchr::memchr_iter(b'\n', &text.as_bytes()[..at]).count() + 1;
    Seen { reading, line: u32::try_from(line).unwrap_or(u32::MAX), word }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::replay::Accusation;

    fn seen(accusation: Accusation, pattern: usize, path: &str, text: &str) -> Option<(Reading, String)> {
        let patterns = [&accusation.patterns()[pattern]];
        read(path, text, &patterns).remove(0).map(|seen| (seen.reading, seen.word))
    }

    #[test]
    fn words_are_told_from_pieces() {
        let weak = Accusation::WeakCryptography;
        for (pattern, text, reading, word) in [
            (2, "nodes = 1  # a description", Reading::PartOfWord, "nodes"),
            (2, "x = 1  # DES, not nodes", Reading::Comment, "DES"),
            (2, "nodes = 'DES'", Reading::Text, "DES"),
            (2, "nodes = f'{x} des'", Reading::Text, "des"),
            (2, "des_key = 'DES'", Reading::Name, "des_key"),
            (0, "hashlib.md5", Reading::Name, "hashlib.md5"),
            (1, "SHA15", Reading::PartOfWord, "SHA15"),
            (3, "x = '''\nARC4\nRC4'''", Reading::Text, "RC4"),
        ] {
            assert_eq!(seen(weak, pattern, "a.py", text), Some((reading, word.to_owned())), "{text}");
        }
        assert_eq!(seen(weak, 0, "a.py", "nothing"), None);
        assert_eq!(seen(weak, 0, "a.js", "// md5"), Some((Reading::Word, "md5".to_owned())));
    }

    #[test]
    fn called_names_are_whole() {
        let dangerous = Accusation::DangerousExecution;
        for (pattern, text, reading) in [
            (0, "ast.literal_eval(x)", Reading::PartOfWord),
            (0, "model.eval()", Reading::Name),
            (0, "x = 'eval(1)'", Reading::Text),
            (1, "exec(x)", Reading::Name),
            (2, "os.system(x)", Reading::Name),
            (2, "os.systemd", Reading::PartOfWord),
            (3, "subprocess.call(x, shell=True)", Reading::Name),
        ] {
            assert_eq!(seen(dangerous, pattern, "a.py", text).map(|one| one.0), Some(reading), "{text}");
        }
    }

    #[test]
    fn broken_files_are_read_all_the_same() {
        let text = "def f(:\n  # DES\n";
        assert_eq!(
            seen(Accusation::WeakCryptography, 2, "a.py", text).map(|one| one.0),
            Some(Reading::Comment)
        );
        let deep = format!("{}DES", "(".repeat(100_000));
        assert!(seen(Accusation::WeakCryptography, 2, "a.py", &deep).is_some());
    }
}
