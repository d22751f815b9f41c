//! Where digests of tokens are kept.

use std::future::Future;

use shield_types::Timestamp;

use super::{OneTimeDigest, Purpose};
use crate::{AccountId, StoreError};

/// What a token stands for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OneTimeRecord {
    /// Whose token it is.
    pub account: AccountId,
    /// What it is good for.
    pub purpose: Purpose,
    /// The address that it was sent to: the only thing that giving it back proves. An account that has another
    /// address by now must not profit from it.
    pub email: String,
    /// When it stops working.
    pub expires_at: Timestamp,
}

/// Keeps digests of tokens, at most one per account and purpose.
pub trait OneTimeStore: Sync {
    /// Keeps a token, and forgets an earlier one of the same account and purpose in the same step.
    fn insert(
        &self,
        digest: OneTimeDigest,
        record: OneTimeRecord,
    ) -> impl Future<Output = Result<(), StoreError>> + Send;

    /// Takes the token with this digest out, and returns its record if it had not expired at `now`. One operation: of
    /// callers that race with the same digest at most one gets the record (`DELETE … RETURNING`).
    fn consume(
        &self,
        digest: OneTimeDigest,
        now: Timestamp,
    ) -> impl Future<Output = Result<Option<OneTimeRecord>, StoreError>> + Send;
}
