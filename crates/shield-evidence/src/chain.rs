//! The hash chain over the log, and the point of it that a person keeps.
//!
//! ```text
//! root(0)     = SHA-256( 0x00 || "shield-evidence-log-v1" )
//! root(n + 1) = SHA-256( 0x01 || root(n) (32 bytes) || bytes of line n, without its newline )
//! ```
//! The first byte separates the two uses of the hash, so that no line can pass for the start of a log. A root covers
//! every byte of every line before it and their order; the newline is checked by whoever reads lines.

use std::{fmt, str::FromStr};

use serde::{Serialize, Serializer};
use shield_types::{DigestHasher, Sha256Digest};

const START: &[u8] = b"\x00shield-evidence-log-v1";
const STEP: &[u8] = b"\x01";

/// The root of a log without entries.
pub(crate) fn root_of_nothing() -> Sha256Digest {
    Sha256Digest::of(START)
}

/// The root after `line` was added to a log with root `previous`.
pub(crate) fn next_root(previous: &Sha256Digest, line: &[u8]) -> Sha256Digest {
    let mut hasher = DigestHasher::new();
    hasher.update(STEP);
    hasher.update(previous.as_bytes());
    hasher.update(line);
    hasher.finish()
}

/// A checkpoint that was kept where the log's owner cannot change it: the log had `size` entries and this root.
///
/// Text form `SIZE:ROOT`, the root as 64 lower-case hex digits; one checkpoint has one text.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TrustedCheckpoint {
    /// Number of entries.
    pub size: u64,
    /// Root of the hash chain over them.
    pub root: Sha256Digest,
}

/// Text that is not `SIZE:ROOT`.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
#[error(
    "parse checkpoint `{text}`: expected `SIZE:ROOT`, the number of entries and 64 lower-case hex digits"
)]
pub struct ParseTrustedCheckpointError {
    /// What was given, cut at 120 characters.
    pub text: String,
}

// === impl TrustedCheckpoint ===

impl fmt::Display for TrustedCheckpoint {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{}:{}", self.size, self.root.hex())
    }
}

impl FromStr for TrustedCheckpoint {
    type Err = ParseTrustedCheckpointError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let parse = || {
            let (size, root) = text.split_once(':')?;
            let checkpoint = Self { size: size.parse().ok()?, root: format!("sha256:{root}").parse().ok()? };
            (checkpoint.to_string() == text).then_some(checkpoint)
        };
        parse().ok_or_else(|| ParseTrustedCheckpointError { text: text.chars().take(120).collect() })
    }
}

impl Serialize for TrustedCheckpoint {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn trusted_checkpoint_round_trips() {
        let checkpoint = TrustedCheckpoint { size: 42, root: next_root(&root_of_nothing(), b"line") };
        assert_eq!(checkpoint.to_string().parse(), Ok(checkpoint));
    }

    #[test]
    fn refuses_other_spellings() {
        let root = root_of_nothing().hex();
        for text in [
            String::new(),
            root.clone(),
            format!("042:{root}"),
            format!("+4:{root}"),
            format!("4:{}", root.to_uppercase()),
            format!("4:sha256:{root}"),
            format!("4:{root} "),
            format!("4:{}", &root[1..]),
        ] {
            assert!(text.parse::<TrustedCheckpoint>().is_err(), "{text}");
        }
    }

    #[test]
    fn order_of_lines_changes_root() {
        let start = root_of_nothing();
        let one = next_root(&next_root(&start, b"a"), b"b");
        let other = next_root(&next_root(&start, b"b"), b"a");
        assert_ne!(one, other);
        assert_ne!(next_root(&start, b"ab"), one);
    }
}
