//! How deep a syntax tree can be, told from its tokens.
//!
//! The parser grows its stack as it needs to, by two kilobytes a level; everything that walks over the tree afterwards, and the
//! tree's own destructor, recurses as deep as the source is nested. A hostile file could nest millions of levels in as many bytes:
//! [`refuse_hostile`] tells it before it is parsed.

use memchr::memmem;
use ruff_python_ast::token::{Token, TokenKind, Tokens};
use ruff_python_parser::{Mode, lexer};

use crate::tree::Reason;

/// Deeper sources are not looked at. CPython's own parser refuses 200 brackets in each other and some thousand operators.
pub(super) const DEPTH_MAX: usize = 3_000;

/// Lines with fewer tokens are shallow whatever they say: a token nests one level at most.
const SHORT: usize = 50;

/// So many places that may nest cost no parser more than 50 MB: some two kilobytes a level.
const NESTING_MAX: usize = 20_000;

/// So many marks cost no parser more than that, whatever they are: where none is expected, each is a mistake of its own.
const MARKS_MAX: usize = 200_000;

/// Defaults of functions without a name are the one thing for which the parser does not grow its stack.
const LAMBDAS_MAX: usize = 1_000;

/// Shorter texts, and those with fewer places that nest, need no stack of their own to be parsed.
const ROOM_BYTES: usize = 1_000;

/// Words that nest what follows them; brackets and operators apart.
const NESTING_WORDS: [&str; 4] = ["not", "await", "lambda", "else"];

/// Refuses a text that no parser should see: it would take gigabytes for a megabyte of brackets.
///
/// Nearly every text is told by counting bytes. What has many places that may nest is split into tokens, as far as it is shallow.
///
/// # Errors
/// It is nested deeper than [`DEPTH_MAX`].
pub(crate) fn refuse_hostile(text: &str) -> Result<(), Reason> {
    if !may_nest(text.as_bytes()) {
        return Ok(());
    }
    let mut lexer = lexer::lex(text, Mode::Module);
    let mut line = Line::default();
    loop {
        match lexer.next_token() {
            TokenKind::EndOfFile => return Ok(()),
            TokenKind::Newline => line = Line::default(),
            token => line.take(token),
        }
        if line.deepest > DEPTH_MAX {
            let message = format!("nested more than {DEPTH_MAX} levels deep");
            return Err(Reason::SyntaxError { line: 1, message });
        }
    }
}

/// Whether the parser is given another stack: it grows its own late, and not at all for defaults of lambdas.
pub(super) fn needs_room(bytes: &[u8]) -> bool {
    let lambdas = || memmem::find_iter(bytes, "lambda").count();
    bytes.len() > ROOM_BYTES && (count(bytes, nests) > ROOM_BYTES || lambdas() > LAMBDAS_MAX / 10)
}

/// What opens a bracket, or stands before what it nests.
const fn nests(byte: u8) -> bool {
    matches!(byte, b'(' | b'[' | b'{' | b'-' | b'+' | b'~' | b'*' | b'@')
}

/// How many bytes are of a kind. Every file is counted through: sums of so few that a byte holds them are made of many at a time.
fn count(bytes: &[u8], counts: impl Fn(u8) -> bool) -> usize {
    let chunks = bytes.chunks(usize::from(u8::MAX));
    chunks.map(|chunk| usize::from(chunk.iter().map(|byte| u8::from(counts(*byte))).sum::<u8>())).sum()
}

/// Whether there is enough of anything to nest deep. A text that is shorter than that is not looked at.
fn may_nest(bytes: &[u8]) -> bool {
    let words = |word: &str| memmem::find_iter(bytes, word).count();
    let nesting = || count(bytes, nests);
    let shortest = NESTING_WORDS[0].len();
    bytes.len() > LAMBDAS_MAX * "lambda".len() && words("lambda") > LAMBDAS_MAX
        || bytes.len() > NESTING_MAX && nesting() > NESTING_MAX
        || bytes.len() > NESTING_MAX * shortest
            && nesting() + NESTING_WORDS.iter().map(|word| words(word)).sum::<usize>() > NESTING_MAX
        || bytes.len() > MARKS_MAX
            && count(bytes, |byte| byte.is_ascii_punctuation() && byte != b',') > MARKS_MAX
}

/// An upper bound of the depth of the tree that was made of these tokens.
///
/// Within a pair of brackets every operator, dot or keyword may nest what follows or precedes one deeper, until a comma starts
/// over; a bracket adds what is inside to what led to it; an indented block adds to its head.
pub(super) fn bound(tokens: &Tokens) -> usize {
    let (mut deepest, mut indents) = (0, 0_usize);
    for line in tokens.split_inclusive(|token| token.kind() == TokenKind::Newline) {
        let mut most = indents;
        for token in line {
            match token.kind() {
                TokenKind::Indent => indents += 1,
                TokenKind::Dedent => indents = indents.saturating_sub(1),
                _ => {}
            }
            most = most.max(indents);
        }
        deepest = deepest.max(most + if line.len() <= SHORT { line.len() } else { level(line) });
    }
    deepest
}

/// The bound of one line, blocks around apart.
fn level(line: &[Token]) -> usize {
    let mut seen = Line::default();
    line.iter().for_each(|token| seen.take(token.kind()));
    seen.deepest
}

/// One line as far as it was seen, blocks around apart.
struct Line {
    /// The bound at the deepest token.
    deepest: usize,
    /// What is open, outermost first.
    chains: Vec<Chain>,
    /// The length of all of them: the bound at a token.
    sum: usize,
}

/// What was nested since a bracket was opened, or since a `lambda` whose colon has not come: its commas are its own.
#[derive(Default)]
struct Chain {
    length: usize,
    lambda: bool,
}

// === impl Line ===

impl Default for Line {
    fn default() -> Self {
        Self { deepest: 0, chains: vec![Chain::default()], sum: 0 }
    }
}

impl Line {
    fn take(&mut self, token: TokenKind) {
        match token {
            TokenKind::Comma => {
                self.sum -=
                    self.chains.last_mut().map(|chain| std::mem::take(&mut chain.length)).unwrap_or_default();
            }
            TokenKind::Lpar
            | TokenKind::Lsqb
            | TokenKind::Lbrace
            | TokenKind::FStringStart
            | TokenKind::TStringStart => self.open(false),
            TokenKind::Lambda => self.open(true),
            TokenKind::Colon if self.in_lambda() => self.close(),
            TokenKind::Rpar
            | TokenKind::Rsqb
            | TokenKind::Rbrace
            | TokenKind::FStringEnd
            | TokenKind::TStringEnd => {
                while self.in_lambda() {
                    self.close();
                }
                self.close();
            }
            // A semicolon ends a statement, as the end of a line does.
            TokenKind::Semi => *self = Self { deepest: self.deepest, ..Self::default() },
            TokenKind::Comment
            | TokenKind::Newline
            | TokenKind::Indent
            | TokenKind::Dedent
            | TokenKind::NonLogicalNewline
            | TokenKind::String
            | TokenKind::Name => {}
            _ => self.lengthen(),
        }
        self.deepest = self.deepest.max(self.sum);
    }

    fn in_lambda(&self) -> bool {
        self.chains.last().is_some_and(|chain| chain.lambda)
    }

    fn open(&mut self, lambda: bool) {
        self.chains.push(Chain { length: 1, lambda });
        self.sum += 1;
    }

    /// What was inside is behind; the pair itself stays in the chain: `a()()()`.
    fn close(&mut self) {
        if self.chains.len() > 1 {
            self.sum -= self.chains.pop().unwrap_or_default().length;
        }
        self.lengthen();
    }

    fn lengthen(&mut self) {
        self.sum += 1;
        if let Some(chain) = self.chains.last_mut() {
            chain.length += 1;
        }
    }
}

#[cfg(test)]
mod tests {
    use ruff_python_ast::PySourceType;
    use ruff_python_parser::parse_unchecked_source;

    use super::*;

    fn bound_of(source: &str) -> usize {
        stacker::grow(256 << 20, || bound(parse_unchecked_source(source, PySourceType::Python).tokens()))
    }

    #[test]
    fn long_but_flat_is_shallow() {
        assert!(bound_of(&format!("x = [{}]\n", "-1, ".repeat(50_000))) < 20);
        assert!(bound_of(&"x.y(a + 1).z\n".repeat(5_000)) < 20);
        assert!(bound_of(&"f(a)(b)\n".repeat(5_000)) < 20);
    }

    #[test]
    fn hostile_texts_are_told_unparsed() {
        for one in [
            "(",
            "[",
            "{",
            "-",
            "~",
            "*",
            "1**",
            "not ",
            "not\t",
            "await ",
            "lambda:",
            "a if b else ",
            "a+",
            "f(",
            "f'{",
            "(\n",
            "-\\\n",
        ] {
            assert!(refuse_hostile(&one.repeat(25_000)).is_err(), "{one}");
            assert!(refuse_hostile(&format!("x = (\n{}", one.repeat(25_000))).is_err(), "{one}");
        }
        for one in [
            "x.y(a + 1).z\n",
            "f(a)(b)\n",
            "(1, -2)\n",
            "#((((\n",
            "'''(((((''';",
            "if not a: b\nelse: c\n",
            "a = {'b': [1]}\n",
        ] {
            assert_eq!(refuse_hostile(&one.repeat(25_000)), Ok(()), "{one}");
        }
        for one in [".", ":", "!", "->"] {
            assert!(refuse_hostile(&one.repeat(300_000)).is_err(), "{one}");
        }
        assert!(refuse_hostile(&"lambda a=".repeat(2_000)).is_err());
        let table = format!("x = [{}]\n", "-1, (2 + 3), {4: [5]},\n".repeat(50_000));
        assert_eq!(refuse_hostile(&table), Ok(()));
    }

    #[test]
    fn every_kind_of_nesting_is_seen() {
        for (one, close) in
            [("(", ")"), ("[", "]"), ("not ", ""), ("-", ""), ("a.", ""), ("a+", ""), ("lambda:", "")]
        {
            let source = format!("x = {}a{}\n", one.repeat(5_000), close.repeat(5_000));
            assert!(bound_of(&source) > 5_000, "{one}");
        }
        for lambdas in ["lambda *a, b=", "lambda a, b=c, *d: "] {
            assert!(bound_of(&format!("x = {}1\n", lambdas.repeat(1_000))) > 1_000, "{lambdas}");
        }
        assert!(bound_of(&format!("x = [{}]\n", "lambda a, b=1: a, ".repeat(1_000))) < 20);
        assert!(bound_of(&format!("x{}\n", "()".repeat(5_000))) >= 5_000);
        assert!(bound_of(&format!("x{}\n", "[0]".repeat(5_000))) >= 5_000);
        let blocks: String = (0..200).map(|depth| format!("{}if x:\n", " ".repeat(depth))).collect();
        assert!(bound_of(&format!("{blocks}{}pass\n", " ".repeat(200))) > 200);
    }
}
