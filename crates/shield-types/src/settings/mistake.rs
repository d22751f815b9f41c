//! What is wrong with a document, for the person who wrote it.

use std::{error, fmt};

use serde::Serialize;

/// One thing that is wrong in a document.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Mistake {
    /// Line it stands on, from 1; the line of the enclosing table when something is missing.
    pub line: usize,
    /// Column in characters, from 1.
    pub column: usize,
    /// Dotted path of the key, such as `release.drain`; empty for a syntax error.
    pub key: String,
    /// What was written, cut to one short line; `None` when the key is missing or the mistake is not about a value.
    pub value: Option<String>,
    /// What is wrong, as a fragment.
    pub problem: String,
    /// What would be accepted, as a fragment; empty when `problem` says it all.
    pub accepted: String,
    /// The key that was probably meant.
    pub suggestion: Option<String>,
}

/// Every mistake of one document, in the order of their lines.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Mistakes {
    file: String,
    list: Vec<Mistake>,
}

// === impl Mistake ===

impl Mistake {
    fn subject(&self) -> String {
        match (&self.value, self.key.is_empty()) {
            (_, true) => String::new(),
            (Some(value), false) => format!("{} = {value}: ", self.key),
            (None, false) => format!("{}: ", self.key),
        }
    }

    /// True when both print alike: one slip can be a syntax error in every column of its line.
    fn says_the_same(&self, other: &Self) -> bool {
        Self { column: other.column, ..self.clone() } == *other
    }
}

// === impl Mistakes ===

impl Mistakes {
    pub(crate) fn new(file: &str, mut list: Vec<Mistake>) -> Self {
        list.sort_by(|left, right| {
            (left.line, left.column, &left.key).cmp(&(right.line, right.column, &right.key))
        });
        list.dedup_by(|later, earlier| later.says_the_same(earlier));
        Self { file: file.to_owned(), list }
    }

    /// The name of the document, as it was given.
    pub fn file(&self) -> &str {
        &self.file
    }

    /// The mistakes, sorted by line.
    pub fn list(&self) -> &[Mistake] {
        &self.list
    }
}

impl fmt::Display for Mistakes {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, mistake) in self.list.iter().enumerate() {
            if index > 0 {
                formatter.write_str("\n")?;
            }
            write!(formatter, "{}:{}: {}{}", self.file, mistake.line, mistake.subject(), mistake.problem)?;
            if !mistake.accepted.is_empty() {
                write!(formatter, "\n    expected: {}", mistake.accepted)?;
            }
            if let Some(suggestion) = &mistake.suggestion {
                write!(formatter, "\n    did you mean `{suggestion}`?")?;
            }
        }
        Ok(())
    }
}

impl error::Error for Mistakes {}
