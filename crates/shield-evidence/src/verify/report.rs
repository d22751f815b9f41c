//! What a verification says: findings, and how far the log can be relied on.

use std::fmt;

use serde::{Serialize, Serializer};
use shield_types::Sha256Digest;

use crate::{chain::TrustedCheckpoint, key::KeyId};

/// What a verification found out.
#[derive(Debug, Serialize)]
pub struct Verification {
    /// Number of lines of the log.
    pub entries: u64,
    /// Root of the hash chain over them.
    pub root: Sha256Digest,
    /// How far the log can be relied on.
    pub vouches: Vouches,
    /// Everything that is wrong; empty for a good log.
    pub findings: Vec<Finding>,
    /// Whether the search ended at 1,000 findings.
    pub more_findings: bool,
}

/// One thing that is wrong.
#[derive(Debug, Serialize)]
pub struct Finding {
    /// Name of the file.
    pub file: &'static str,
    /// The line, from 1, when it concerns one.
    pub line: Option<u64>,
    /// The entry, from 0, when it concerns one.
    pub entry: Option<u64>,
    /// What is wrong.
    pub what: String,
    /// What it means for somebody who relies on the log.
    pub why: &'static str,
}

/// How far a log can be relied on.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Vouches {
    /// There are findings.
    Nothing,
    /// Consistent and signed, as far as it goes.
    AsFarAsItGoes {
        /// Who signed.
        key: KeyId,
        /// Number of entries.
        entries: u64,
    },
    /// Also complete up to a trusted checkpoint.
    CompleteUpTo {
        /// Who signed.
        key: KeyId,
        /// Number of entries.
        entries: u64,
        /// What was kept elsewhere.
        trusted: TrustedCheckpoint,
    },
}

// === impl Verification ===

impl Verification {
    /// What to keep elsewhere, when there is no finding: it was then just verified.
    pub fn trusted(&self) -> Option<TrustedCheckpoint> {
        self.findings.is_empty().then_some(TrustedCheckpoint { size: self.entries, root: self.root })
    }
}

// === impl Finding ===

impl fmt::Display for Finding {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(self.file)?;
        if let Some(line) = self.line {
            write!(formatter, " line {line}")?;
        }
        write!(formatter, ": {} ({})", self.what, self.why)
    }
}

// === impl Vouches ===

impl fmt::Display for Vouches {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Nothing => formatter.write_str("nothing: the log does not verify"),
            Self::AsFarAsItGoes { key, entries } => write!(
                formatter,
                "internally consistent and signed by key {key} for all {entries} entries that are here; whether \
                 entries were removed from the end cannot be known without a trusted checkpoint"
            ),
            Self::CompleteUpTo { key, entries, trusted } if *entries == trusted.size => write!(
                formatter,
                "signed by key {key}; all {entries} entries are exactly those of the trusted checkpoint"
            ),
            Self::CompleteUpTo { key, entries, trusted } => write!(
                formatter,
                "signed by key {key}; the first {} of {entries} entries are exactly those of the trusted \
                 checkpoint, the rest are consistent and signed, but whether entries were removed from the end \
                 cannot be known without a newer one",
                trusted.size
            ),
        }
    }
}

impl Serialize for Vouches {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}
