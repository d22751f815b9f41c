//! One parsed file.

use ruff_python_ast::{ModModule, PySourceType, token::Tokens};
use ruff_python_parser::{Parsed, parse_unchecked_source};

use super::{Lines, depth, names::Names};
use crate::tree::Reason;

/// What kind of Python a file holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// Code that runs.
    Code,
    /// Types only (`.pyi`): it never runs.
    Stub,
    /// Cells of a notebook (`.ipynb`): lines that IPython alone understands are among them.
    Cells,
}

/// A parsed file. Borrowed by what looks at it, for as long as [`Module::with`] lasts.
#[derive(Debug)]
pub struct Module<'a> {
    /// Its characters.
    pub text: &'a str,
    /// What kind of Python it holds.
    pub kind: Kind,
    /// Its statements; around syntax errors, what could be made out.
    pub syntax: &'a ModModule,
    /// Its tokens, comments among them.
    pub tokens: &'a Tokens,
    /// Its scopes and what their names mean.
    pub names: &'a Names<'a>,
    /// Its lines.
    pub lines: &'a Lines<'a>,
    /// Where it does not parse, if so.
    pub error: Option<Reason>,
}

/// A text and its tree, for what looks at many files at once: a [`Module`] borrows all it has.
#[derive(Debug)]
pub struct Source<'t> {
    text: &'t str,
    kind: Kind,
    parsed: Parsed<ModModule>,
}

/// Stack for walking over deep trees, in bytes: `DEPTH_MAX` levels of the largest frames of an unoptimised build.
const STACK_BYTES: usize = 64 << 20;

/// Trees up to this depth are walked over on the stack that is there.
const SHALLOW: usize = 100;

// === impl Kind ===

impl Kind {
    /// What a file of this name holds.
    #[must_use]
    pub fn of(path: &str) -> Self {
        match path.rsplit_once('.') {
            Some((_, "pyi")) => Self::Stub,
            Some((_, "ipynb")) => Self::Cells,
            _ => Self::Code,
        }
    }

    const fn source_type(self) -> PySourceType {
        match self {
            Self::Code => PySourceType::Python,
            Self::Stub => PySourceType::Stub,
            Self::Cells => PySourceType::Ipynb,
        }
    }
}

// === impl Source ===

impl<'t> Source<'t> {
    /// Parses a text as [`Module::with`] does, but only if everybody can walk over its tree on the stack that is there.
    ///
    /// # Errors
    /// A text that is nested deeper.
    pub fn parse(text: &'t str, kind: Kind) -> Result<Self, Reason> {
        let parsed = parse(text, kind)?;
        let depth = depth::bound(parsed.tokens());
        if depth <= SHALLOW {
            return Ok(Self { text, kind, parsed });
        }
        let room = depth.saturating_mul(1 << 10).max(STACK_BYTES);
        stacker::grow(room, || drop(parsed));
        Err(Reason::SyntaxError { line: 1, message: format!("nested {depth} levels deep") })
    }

    /// Its scopes and what their names mean.
    #[must_use]
    pub fn names(&self) -> Names<'_> {
        Names::of(self.parsed.syntax())
    }

    /// Its lines.
    #[must_use]
    pub fn lines(&self) -> Lines<'t> {
        Lines::of(self.text)
    }

    /// All of it, as [`Module::with`] hands it over.
    #[must_use]
    pub fn module<'s>(&'s self, names: &'s Names<'s>, lines: &'s Lines<'s>) -> Module<'s> {
        let error = first_error(&self.parsed, lines);
        let (syntax, tokens) = (self.parsed.syntax(), self.parsed.tokens());
        Module { text: self.text, kind: self.kind, syntax, tokens, names, lines, error }
    }
}

// === impl Module ===

impl Module<'_> {
    /// Parses a text and hands it to `look`. The newest syntax is understood; text that does not parse is handed over as far
    /// as it could be made out, with the error.
    ///
    /// # Errors
    /// A text that is nested too deep for anybody.
    pub fn with<T>(text: &str, kind: Kind, look: impl FnOnce(&Module<'_>) -> T) -> Result<T, Reason> {
        let parsed = parse(text, kind)?;
        let depth = depth::bound(parsed.tokens());
        if depth <= SHALLOW {
            return Ok(show(text, kind, &parsed, look));
        }
        if depth > depth::DEPTH_MAX {
            // The destructor recurses as deep: it gets the room, and nobody else looks.
            let room = depth.saturating_mul(1 << 10).max(STACK_BYTES);
            stacker::grow(room, || drop(parsed));
            return Err(Reason::SyntaxError { line: 1, message: format!("nested {depth} levels deep") });
        }
        stacker::maybe_grow(STACK_BYTES / 2, STACK_BYTES, || {
            let seen = show(text, kind, &parsed, look);
            drop(parsed);
            Ok(seen)
        })
    }
}

/// What the parser makes of a text. One that is nested deeper than anybody looks is never parsed.
fn parse(text: &str, kind: Kind) -> Result<Parsed<ModModule>, Reason> {
    depth::refuse_hostile(text)?;
    let parse = || parse_unchecked_source(text, kind.source_type());
    Ok(if depth::needs_room(text.as_bytes()) {
        stacker::maybe_grow(STACK_BYTES / 2, STACK_BYTES, parse)
    } else {
        parse()
    })
}

fn show<T>(text: &str, kind: Kind, parsed: &Parsed<ModModule>, look: impl FnOnce(&Module<'_>) -> T) -> T {
    let lines = Lines::of(text);
    let names = Names::of(parsed.syntax());
    let error = first_error(parsed, &lines);
    let (syntax, tokens) = (parsed.syntax(), parsed.tokens());
    look(&Module { text, kind, syntax, tokens, names: &names, lines: &lines, error })
}

/// Notices that a syntax is newer than some version of Python are no errors.
fn first_error(parsed: &Parsed<ModModule>, lines: &Lines<'_>) -> Option<Reason> {
    parsed.errors().first().map(|error| Reason::SyntaxError {
        line: lines.line(error.location.start()),
        message: error.error.to_string(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn newest_syntax_is_no_error() {
        let text = "match x:\n    case {'a': [1, *_]}: pass\ntype T[U = int] = list[U]\nf'{'{'}'\nt'{x}'\ntry: pass\nexcept A, B: pass\n";
        let error = Module::with(text, Kind::Code, |module| module.error.clone()).unwrap();
        assert_eq!(error, None);
    }

    #[test]
    fn errors_leave_the_rest() {
        let (count, error) = Module::with("a = 1\nif:\nb = 2\n", Kind::Code, |module| {
            (module.syntax.body.len(), module.error.clone())
        })
        .unwrap();
        assert!(count >= 3, "{count}");
        assert!(matches!(error, Some(Reason::SyntaxError { line: 2, .. })), "{error:?}");
    }

    #[test]
    fn every_nesting_below_the_limit_is_survived() {
        for one in
            ["lambda a=", "lambda *a, b=", "a[lambda:", "f(lambda: ", "{**", "[*", "(yield ", "f'{", "1**"]
        {
            for count in [200, 4_000, 12_000] {
                let _ = Module::with(&one.repeat(count), Kind::Code, |module| module.syntax.clone());
            }
        }
    }

    #[test]
    fn hostile_nesting_is_refused() {
        for text in [
            "-".repeat(300_000) + "1",
            "x = ".to_owned() + &"a+".repeat(300_000) + "1",
            "x".to_owned() + &".a".repeat(300_000),
            "(".repeat(4_000_000),
        ] {
            let reason = Module::with(&text, Kind::Code, |_| ()).unwrap_err();
            assert!(reason.to_string().contains("levels deep"), "{reason}");
        }
        Module::with(&("-".repeat(2_500) + "1"), Kind::Code, |module| module.syntax.clone()).unwrap();
    }
}
