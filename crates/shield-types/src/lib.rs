//! Vocabulary of the workspace: ids, digests, time, units, redacting secrets, canonical JSON, errors for people, what
//! `/proc` says of a process.
//!
//! Pure: no clock, no file, no socket. Every other crate may import this one; it imports none of them.
#![cfg_attr(test, expect(clippy::unwrap_used, reason = "a panic is a test's failure"))]

mod canonical;
mod digest;
mod id;
mod process;
mod report;
mod secret;
pub mod settings;
mod time;

pub use canonical::{CanonicalJsonError, canonical_json};
pub use digest::{ArtifactDigest, DigestHasher, ParseDigestError, ReleaseDigest, Sha256Digest};
pub use id::{EnvironmentName, Generation, InstanceId, ParseNameError, ReleaseId, ServiceName};
pub use process::{ProcessStat, environment_variable};
pub use report::{Hinted, Report, causes, chain};
pub use secret::Secret;
pub use time::{ParseDurationError, Timestamp, format_duration, parse_duration};
