//! How a word stands in the bytes of a file, told from what is beside it.

use std::ops::Range;

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

/// How an identifier stands in a text.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Standing {
    /// As a name of its own.
    Name,
    /// Behind a dot.
    Attribute,
    /// Alone in quotes.
    Quoted,
    /// Beside another word, as a part of one, or as the name of what is defined here.
    Prose,
}

/// Whether a byte may belong to an identifier. Others than ASCII are not asked: better one file too many.
pub(super) const fn is_word(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || byte == b'_'
}

/// How the bytes from one place to another stand in a text.
pub(super) fn standing(bytes: &[u8], range: Range<usize>) -> Standing {
    let (before, behind) = (&bytes[..range.start], &bytes[range.end..]);
    let is_word = |byte: &u8| is_word(*byte);
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
    // What a file defines itself under a name is nothing that it uses.
    if matches!(neighbour_before, b"def" | b"class") {
        return Standing::Prose;
    }
    let beside_name = [neighbour_before, neighbour_behind]
        .into_iter()
        .any(|word| !word.is_empty() && !KEYWORDS.contains(&word));
    if beside_name { Standing::Prose } else { Standing::Name }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_count_where_code_has_them() {
        let stands = |text: &str| {
            let start = text.find("eval").unwrap();
            standing(text.as_bytes(), start..start + 4)
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
        for text in ["evaluate", "_eval", "the eval", "eval mode", "x1 eval", "eval 2", "def eval(x): pass"] {
            assert_eq!(stands(text), Standing::Prose, "{text}");
        }
        assert_eq!(stands("getattr(x, 'eval')"), Standing::Quoted);
    }
}
