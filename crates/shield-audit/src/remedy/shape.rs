//! What a remedy is.

use std::{fmt, ops::Range};

use serde::Serialize;
use shield_types::Sha256Digest;

use crate::finding::Finding;

/// What may be done with a remedy without asking anybody.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
pub enum Class {
    /// Meaning preserved: whatever worked works as before.
    A,
    /// Behaviour may change: it is kept only if the project's tests are as green as before.
    B,
    /// A proposal: a person decides; it is never applied.
    C,
}

/// One change of one file.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(tag = "change", rename_all = "kebab-case")]
pub enum Change {
    /// Some bytes in place of others.
    Replace {
        /// The file, as places name it.
        file: String,
        /// What the whole file was when it was read.
        of: Sha256Digest,
        /// The bytes that go; none for an insertion.
        range: Range<usize>,
        /// What they are.
        replaced: Vec<u8>,
        /// What stands there then.
        text: Vec<u8>,
    },
    /// A file where none is.
    Create {
        /// The file, as places name it.
        file: String,
        /// What is in it.
        text: Vec<u8>,
    },
    /// No file where one is.
    Remove {
        /// The file, as places name it.
        file: String,
        /// What it was when it was read.
        of: Sha256Digest,
    },
}

/// What can be done about one finding.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Remedy {
    /// The finding.
    pub finding: Finding,
    /// What may be done without asking.
    pub class: Class,
    /// What it does, in one sentence for people.
    pub what: String,
    /// Why it is of this class, in a few words.
    pub why: String,
    /// The changes, all or none of them; none where only a person can make them.
    pub changes: Vec<Change>,
}

// === impl Class ===

impl fmt::Display for Class {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(match self {
            Self::A => "A",
            Self::B => "B",
            Self::C => "C",
        })
    }
}

// === impl Change ===

impl Change {
    /// The file that it changes.
    #[must_use]
    pub fn file(&self) -> &str {
        match self {
            Self::Replace { file, .. } | Self::Create { file, .. } | Self::Remove { file, .. } => file,
        }
    }

    /// A replacement in a file that was read: its bytes, and their digest. `None` if the range is not in them.
    #[must_use]
    pub fn replace(
        file: &str,
        (bytes, of): (&[u8], Sha256Digest),
        range: Range<usize>,
        text: Vec<u8>,
    ) -> Option<Self> {
        let replaced = bytes.get(range.clone())?.to_vec();
        Some(Self::Replace { file: file.to_owned(), of, range, replaced, text })
    }
}

// === impl Remedy ===

impl Remedy {
    /// A proposal without a change.
    #[must_use]
    pub fn proposal(finding: &Finding, what: impl Into<String>, why: impl Into<String>) -> Self {
        Self {
            finding: finding.clone(),
            class: Class::C,
            what: what.into(),
            why: why.into(),
            changes: Vec::new(),
        }
    }

    /// Whether there is something to apply, and it may be.
    #[must_use]
    pub fn is_applicable(&self) -> bool {
        self.class != Class::C && !self.changes.is_empty()
    }
}
