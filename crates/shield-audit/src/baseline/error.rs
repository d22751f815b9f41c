//! What is wrong with the text of a baseline.

use std::fmt;

use super::TermsError;
use crate::finding::ParseFingerprintError;

/// A baseline that cannot be read, with everything that is wrong with it.
#[derive(Debug, PartialEq, Eq)]
pub struct ParseBaselineError {
    /// Its file, as given.
    pub file: String,
    /// What is wrong, in the order of lines. At least one.
    pub mistakes: Vec<Mistake>,
}

/// What is wrong in a line.
#[derive(Debug, PartialEq, Eq)]
pub struct Mistake {
    /// The line, from 1.
    pub line: u32,
    /// What is wrong with it.
    pub kind: MistakeKind,
}

/// The ways in which a line can be wrong.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
pub enum MistakeKind {
    /// It does not begin with a fingerprint.
    #[error(transparent)]
    Fingerprint(#[from] ParseFingerprintError),
    /// Something else stands where a part of an entry must.
    #[error("expected {expected}, found {found}")]
    Expected {
        /// What must stand there.
        expected: &'static str,
        /// What does, cut at 80 characters.
        found: String,
    },
    /// A text in quotes that is none.
    #[error("read {text}: it is no text in double quotes, with `\\` before quotes in it")]
    Quoted {
        /// As it stands there, cut at 80 characters.
        text: String,
    },
    /// A day that does not exist.
    #[error("read date `{text}`: expected a day such as 2027-01-31")]
    Date {
        /// As it stands there, cut at 80 characters.
        text: String,
    },
    /// Nothing can be accepted so.
    #[error(transparent)]
    Terms(#[from] TermsError),
    /// Two lines about one finding, which may say different things.
    #[error("finding `{fingerprint}` is in line {first} already")]
    Twice {
        /// The finding.
        fingerprint: String,
        /// The first line about it.
        first: u32,
    },
    /// Two versions of the file were not merged.
    #[error("a merge left its mark here: keep the lines of both sides, and remove the marks")]
    Conflict,
    /// A comment: it would be gone when the file is written again.
    #[error("a comment would be lost when this file is written: say it in a reason")]
    Comment,
}

// === impl ParseBaselineError ===

impl fmt::Display for ParseBaselineError {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (at, Mistake { line, kind }) in self.mistakes.iter().enumerate() {
            let separator = if at == 0 { "" } else { "\n" };
            write!(formatter, "{separator}{}:{line}: {kind}", self.file)?;
        }
        Ok(())
    }
}

impl std::error::Error for ParseBaselineError {}
