//! Everything that can be wrong with a line of a log or with the log as a whole, and why it matters.

use shield_types::{Sha256Digest, Timestamp, chain};

use crate::{
    chain::TrustedCheckpoint,
    dsse::OpenEnvelopeError,
    key::{KeyId, PublicKey},
    names::LINE_BYTES_MAX,
    statement::ParseStatementError,
};

/// What is wrong. `Display` says what; [`Defect::why`] says why it matters.
#[derive(Debug, thiserror::Error)]
pub enum Defect {
    /// A file is not there.
    #[error("the file is missing")]
    FileMissing,
    /// The public key file holds something else than the trusted key.
    #[error("the file does not hold the trusted public key `{expected}`")]
    PublicKeyDiffers {
        /// The key that was passed in.
        expected: PublicKey,
    },
    /// A line beyond the bound.
    #[error("the line is longer than {LINE_BYTES_MAX} bytes")]
    LineTooLong,
    /// The last line does not end.
    #[error("the line does not end with a newline")]
    NotTerminated,
    /// Not the JSON of an entry or checkpoint.
    #[error("the line is not {expected}: {problem}")]
    NotParsed {
        /// What it should be.
        expected: &'static str,
        /// What the parser said.
        problem: String,
    },
    /// The same JSON has another, canonical form.
    #[error("the line is not in canonical form (RFC 8785)")]
    NotCanonical,
    /// A version this program does not read.
    #[error("format `{found}` is not `1`")]
    Format {
        /// The version found.
        found: u32,
    },
    /// An entry out of its place.
    #[error("index `{found}` is not `{expected}`")]
    Index {
        /// The index found.
        found: u64,
        /// The index of this place.
        expected: u64,
    },
    /// An entry that does not follow the one before it.
    #[error("previous root `{found}` is not `{expected}`")]
    Chain {
        /// The root found.
        found: Sha256Digest,
        /// The root of the lines before.
        expected: Sha256Digest,
    },
    /// An entry recorded before its predecessor.
    #[error("recorded at `{found}`, before the entry in front of it (`{earlier}`)")]
    TimeBackwards {
        /// The time found.
        found: Timestamp,
        /// The time of the entry before.
        earlier: Timestamp,
    },
    /// The envelope proves nothing.
    #[error("{problem}")]
    Envelope {
        /// Why.
        problem: OpenEnvelopeError,
    },
    /// The signed payload is not a statement.
    #[error("{}", chain(problem))]
    Statement {
        /// Why.
        problem: ParseStatementError,
    },
    /// A checkpoint out of its place.
    #[error("checkpoint of size `{found}`, expected `{expected}`")]
    CheckpointSize {
        /// The size found.
        found: u64,
        /// One more than the checkpoint before.
        expected: u64,
    },
    /// A checkpoint over another log.
    #[error("checkpoint root `{found}` is not the log's root `{expected}` at this size")]
    CheckpointRoot {
        /// The root found.
        found: Sha256Digest,
        /// The root of the log's lines.
        expected: Sha256Digest,
    },
    /// A checkpoint for entries that are not there.
    #[error("checkpoint of size `{size}`, but the log has {entries} entries")]
    CheckpointBeyondLog {
        /// The size found.
        size: u64,
        /// How many there are.
        entries: u64,
    },
    /// A checkpoint by somebody else.
    #[error("checkpoint is signed by key `{found}`, expected `{expected}`")]
    CheckpointKey {
        /// The key found.
        found: KeyId,
        /// The trusted key.
        expected: KeyId,
    },
    /// A checkpoint whose signature does not verify.
    #[error("signature of the checkpoint does not verify with key `{key}`")]
    CheckpointSignature {
        /// The trusted key.
        key: KeyId,
    },
    /// Entries that no checkpoint covers.
    #[error("the newest checkpoint covers {covered} of {entries} entries")]
    NotCovered {
        /// Size of the newest checkpoint.
        covered: u64,
        /// How many entries there are.
        entries: u64,
    },
    /// More bytes than an interrupted append can leave.
    #[error("the file goes on after an entry that has no checkpoint")]
    BeyondAppend,
    /// A file that shrank.
    #[error("the file has {found} bytes, it had {expected} before")]
    Shrunk {
        /// Its length.
        found: u64,
        /// What was already read of it.
        expected: u64,
    },
    /// The log ends before the trusted checkpoint.
    #[error("the log has {entries} entries, the trusted checkpoint `{trusted}` vouches for more")]
    RemovedFromEnd {
        /// How many there are.
        entries: u64,
        /// What was kept.
        trusted: TrustedCheckpoint,
    },
    /// The log is another one than the trusted checkpoint saw.
    #[error("the root at size {} is `{found}`, the trusted checkpoint says `{}`", trusted.size, trusted.root)]
    OtherHistory {
        /// The root of the log's lines.
        found: Sha256Digest,
        /// What was kept.
        trusted: TrustedCheckpoint,
    },
}

// === impl Defect ===

impl Defect {
    /// What the defect means for somebody who relies on the log.
    pub fn why(&self) -> &'static str {
        match self {
            Self::FileMissing => {
                "a log is its entries, its checkpoints and its public key; without one of them it proves nothing"
            }
            Self::PublicKeyDiffers { .. } => {
                "whoever trusts the file instead of the key would accept another signer"
            }
            Self::LineTooLong => "no append writes such a line, so something else did",
            Self::NotTerminated => {
                "an append was interrupted here (the next one repairs that), or the file was cut"
            }
            Self::NotParsed { .. } | Self::NotCanonical => {
                "no append writes such a line, so it was changed afterwards"
            }
            Self::Format { .. } => "this program cannot tell whether an entry of another version is intact",
            Self::Index { .. } | Self::CheckpointSize { .. } => "lines were removed, repeated or reordered",
            Self::Chain { .. } => "this line or one before it was changed, removed, repeated or reordered",
            Self::TimeBackwards { .. } => {
                "entries are recorded in the order of time, so lines were reordered or changed"
            }
            Self::Envelope { .. } => "the statement was not signed by the trusted key as it stands here",
            Self::Statement { .. } => "the key signed something that says nothing about an artifact",
            Self::CheckpointRoot { .. } => {
                "the log is not the one that was signed: lines were changed, removed or reordered"
            }
            Self::CheckpointBeyondLog { .. } => "entries that were signed are gone from the end of the log",
            Self::CheckpointKey { .. } | Self::CheckpointSignature { .. } => {
                "the trusted key does not vouch for the log at this size"
            }
            Self::NotCovered { .. } => {
                "an append was interrupted (the next one repairs that), or checkpoints were removed"
            }
            Self::BeyondAppend => {
                "an interrupted append leaves one unfinished entry at most, so something else wrote here"
            }
            Self::Shrunk { .. } => "the log only grows, so something else cut it",
            Self::RemovedFromEnd { .. } => "entries were removed from the end of the log",
            Self::OtherHistory { .. } => {
                "entries up to the trusted checkpoint were changed, or this is another log"
            }
        }
    }
}
