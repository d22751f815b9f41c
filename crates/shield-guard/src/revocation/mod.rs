//! What was granted and then taken back: a token, a session, an account's past, a signing key, an API key.
//!
//! The log in the database is the truth: append-only, numbered without holes, acknowledged when it is durable. Every node
//! holds the whole unexpired set in memory ([`RevocationSet`]) and asks nobody on a request (ASVS 5.0, 7.4.1). Entries
//! reach it twice: pushed at once, in any order, possibly lost; and by reading the log from a cursor, which alone decides
//! whether the set is complete. Entries only ever add, so order, repetition and overlap do not matter.
//!
//! **Invariant.** Nothing fails open. A node that does not know that its set is complete says so with its age: past the
//! bound, sensitive routes answer 503 and others take only what was granted more recently than the bound (16.5.2, 16.5.3).
//! A set that is full refuses more than it was asked to, never less. The original answered "not revoked" whenever
//! Redis was away.
//!
//! **Deployment.** Clocks of nodes must agree within seconds: a not-before covers what other nodes granted by their clocks.

mod entry;
mod freshness;
mod grant;
mod log;
mod set;
#[cfg(test)]
mod simulation;
mod tables;

pub use entry::{ReadRevocationError, Revocation, RevocationCause, RevocationReason, Revoked};
pub use freshness::{Freshness, Sensitivity};
pub use grant::{Grant, GrantRefusal};
pub use log::{LogEpoch, LogPage, PushedRevocation, RevocationLog, Sequence};
pub use set::{RevocationLimits, RevocationSet, SetProgress};
