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

/// Tokens of one account and purpose that are open at a time, and so the letters that somebody else can have sent to its holder
/// while they live.
pub const OPEN_TOKENS_MAX: u32 = 5;

/// What became of a token that was to be kept.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Insertion {
    /// It is open now.
    Kept,
    /// [`OPEN_TOKENS_MAX`] are open already, and stay so: send no letter, and say so to nobody who asked for it.
    Full,
}

/// Keeps digests of tokens, at most [`OPEN_TOKENS_MAX`] per account and purpose.
pub trait OneTimeStore: Sync {
    /// Keeps a token, beside those of the same account and purpose that are open at `now`. None of them is taken for it: whoever
    /// asks for letters to somebody else's address closes nothing.
    fn insert(
        &self,
        digest: OneTimeDigest,
        record: OneTimeRecord,
        now: Timestamp,
    ) -> impl Future<Output = Result<Insertion, StoreError>> + Send;

    /// Takes the token with this digest out, and returns its record if it had not expired at `now`; the others of its account
    /// and purpose are void with it. One operation: of callers that race with the same digest at most one gets the record.
    fn consume(
        &self,
        digest: OneTimeDigest,
        now: Timestamp,
    ) -> impl Future<Output = Result<Option<OneTimeRecord>, StoreError>> + Send;
}
