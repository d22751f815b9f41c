//! One line of the log: an envelope, its place, and the root of everything before it.

use serde::{Deserialize, Serialize};
use shield_types::{CanonicalJsonError, Sha256Digest, Timestamp, canonical_json};

use crate::{
    chain::{next_root, root_of_nothing},
    defect::Defect,
    dsse::Envelope,
    key::PublicKey,
    lines::{Line, LineEnd},
    rfc3339,
    statement::Statement,
};

/// Version of the lines of both files.
pub(crate) const FORMAT: u32 = 1;

/// An entry as it stands in the log.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Entry {
    pub(crate) format: u32,
    /// From 0.
    pub(crate) index: u64,
    /// Root of the lines before this one.
    pub(crate) previous: Sha256Digest,
    #[serde(with = "rfc3339")]
    pub(crate) recorded_at: Timestamp,
    pub(crate) envelope: Envelope,
}

/// What the lines read so far demand of the next one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct ChainState {
    /// Number of lines.
    pub(crate) size: u64,
    pub(crate) root: Sha256Digest,
    /// Time of the last line.
    pub(crate) recorded_at: Timestamp,
}

// === impl ChainState ===

impl ChainState {
    pub(crate) fn of_nothing() -> Self {
        Self { size: 0, root: root_of_nothing(), recorded_at: Timestamp(0) }
    }

    /// The state after `line`, which holds `entry`.
    pub(crate) fn after(&self, line: &[u8], entry: &Entry) -> Self {
        Self { size: self.size + 1, root: next_root(&self.root, line), recorded_at: entry.recorded_at }
    }
}

// === impl Entry ===

impl Entry {
    /// The entry that follows `state`. It is never earlier than its predecessor, whatever the caller's clock says.
    pub(crate) fn following(state: &ChainState, now: Timestamp, envelope: Envelope) -> Self {
        Self {
            format: FORMAT,
            index: state.size,
            previous: state.root,
            recorded_at: now.max(state.recorded_at),
            envelope,
        }
    }

    /// The line without its newline.
    pub(crate) fn to_line(&self) -> Result<Vec<u8>, CanonicalJsonError> {
        canonical_json(self)
    }

    /// Reads a line by its form alone; its place and signature are [`Self::check`]'s.
    pub(crate) fn parse(line: &Line) -> Result<Self, Defect> {
        parse_line(line, "an entry")
    }

    /// Everything wrong with the entry in its place, and its statement when its envelope opens.
    pub(crate) fn check(&self, state: &ChainState, key: &PublicKey) -> (Vec<Defect>, Option<Statement>) {
        let mut defects = Vec::new();
        if self.format != FORMAT {
            defects.push(Defect::Format { found: self.format });
        }
        if self.index != state.size {
            defects.push(Defect::Index { found: self.index, expected: state.size });
        }
        if self.previous != state.root {
            defects.push(Defect::Chain { found: self.previous, expected: state.root });
        }
        if self.recorded_at < state.recorded_at {
            defects.push(Defect::TimeBackwards { found: self.recorded_at, earlier: state.recorded_at });
        }
        let statement = self.open(key).map_err(|defect| defects.push(defect)).ok();
        (defects, statement)
    }

    fn open(&self, key: &PublicKey) -> Result<Statement, Defect> {
        let payload = self.envelope.open(key).map_err(|problem| Defect::Envelope { problem })?;
        Statement::from_payload(&payload).map_err(|problem| Defect::Statement { problem })
    }
}

/// Reads the JSON of a line, which must be complete, bounded and the canonical form of what it says.
pub(crate) fn parse_line<T>(line: &Line, expected: &'static str) -> Result<T, Defect>
where
    T: Serialize + for<'de> Deserialize<'de>,
{
    match line.end {
        LineEnd::Newline => {}
        LineEnd::EndOfFile => return Err(Defect::NotTerminated),
        LineEnd::TooLong => return Err(Defect::LineTooLong),
    }
    let value: T = serde_json::from_slice(&line.bytes)
        .map_err(|error| Defect::NotParsed { expected, problem: error.to_string() })?;
    if canonical_json(&value).ok().as_deref() == Some(line.bytes.as_slice()) {
        Ok(value)
    } else {
        Err(Defect::NotCanonical)
    }
}
