//! The way to the instances: connections, attempts, retries.

mod attempt;
mod channel;
mod idle;
mod instance;
mod retry;
mod transport;

pub(crate) use attempt::{Attempt, AttemptFailure, FailureKind, Lease};
pub(crate) use channel::Channel;
pub(crate) use instance::Instance;
pub(crate) use retry::{RetryBudget, RetryDecision, decide, idempotent};
