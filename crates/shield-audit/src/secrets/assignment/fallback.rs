//! Literals that stand in for a setting which is not there: `os.environ.get("KEY") or "literal"`, `… if … else "literal"`.
//!
//! Only behind what reads the environment: of `name or "literal"` the name may be anything, and the literal a word for nobody.

use super::{
    cursor::Cursor,
    literal::{Literal, Quoting},
};

/// Longest expression in front of the literal.
const EXPRESSION_MAX: usize = 200;

/// What leads to the literal, as Python writes it.
const OPERATORS: [&[u8]; 2] = [b" or ", b" else "];

/// Names of what reads the environment.
const ENVIRONMENTS: [&[u8]; 4] = [b"environ", b"getenv", b"config(", b"env("];

// === impl Cursor ===

impl Cursor<'_> {
    /// The literal behind the last operator of the line, if what stands before it reads the environment.
    pub(super) fn fallback(&mut self) -> Option<Literal> {
        let line = &self.rest()[..self.rest().len().min(EXPRESSION_MAX)];
        let line = &line[..memchr::memchr(b'\n', line).unwrap_or(line.len())];
        let behind = OPERATORS
            .iter()
            .filter_map(|operator| memchr::memmem::rfind(line, operator).map(|at| (at, at + operator.len())));
        let (start, end) = behind.max()?;
        let before = &line[..start];
        let reads = ENVIRONMENTS.iter().any(|name| memchr::memmem::find(before, name).is_some());
        if !reads {
            return None;
        }
        self.at += end;
        self.skip_blank();
        self.quoted(Quoting::Assigned)
    }
}
