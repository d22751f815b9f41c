//! Evidence: signed statements about artifacts, the append-only log that holds them, and its verification.
//!
//! A [`Statement`] (in-toto Statement v1) says how one stage ended for one artifact digest. [`EvidenceLog`] wraps it
//! in a DSSE envelope, chains it to everything recorded before and signs a [`Checkpoint`] over the chain.
//! [`verify`] checks every byte of a log against a public key and, where there is one, a [`TrustedCheckpoint`]
//! kept elsewhere; [`EvidenceStore`] reads statements, each checked on the way.
//!
//! The decisions are pure (time is an argument); the private module `disk` is the only one that touches files.
//!
//! Deployment caveat: the signing key lies beside the log. Whoever reads it can write a different, valid log; only a
//! trusted checkpoint kept on another machine shows that. It also shows a log cut back to an older state.
#![cfg_attr(test, expect(clippy::unwrap_used, reason = "a panic is a test's failure"))]

mod chain;
mod checkpoint;
mod defect;
mod disk;
mod dsse;
mod entry;
mod key;
mod lines;
mod log;
mod names;
mod rfc3339;
mod statement;
mod store;
pub mod tamper;
#[cfg(test)]
mod test_support;
mod verify;

pub use chain::{ParseTrustedCheckpointError, TrustedCheckpoint};
pub use checkpoint::Checkpoint;
pub use defect::Defect;
pub use disk::FileError;
pub use dsse::{Envelope, EnvelopeSignature, OpenEnvelopeError, PAYLOAD_TYPE, pre_authentication_encoding};
pub use key::{
    GenerateKeyError, KeyId, OpenKeyError, ParseKeyIdError, ParsePublicKeyError, PublicKey,
    ReadPublicKeyError, SigningKey,
};
pub use log::{AppendError, DamagedLog, EvidenceLog, OpenLogError, Repair};
pub use names::{CHECKPOINTS_FILE, LINE_BYTES_MAX, LOG_FILE, PUBLIC_KEY_FILE, SIGNING_KEY_FILE};
pub use statement::{
    ArtifactSubject, Check, CheckOutcome, Outcome, ParseStageError, ParseStatementError, ReleaseSubject,
    Stage, Statement, WriteStatementError,
};
pub use store::{EvidenceStore, ReadStoreError, Record, Summary};
pub use verify::{Finding, Verification, VerifyError, Vouches, verify};
