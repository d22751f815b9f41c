//! Where keys are kept.

use std::future::Future;

use shield_types::Timestamp;

use super::{ApiKeyPage, ApiKeyQuestion, ApiKeyRecord, KeyRotation};
use crate::{AccountId, ApiKeyId, StoreError, revocation::RevocationCause};

/// How many keys an account of a tier may have at once; and how many more that were replaced and live out their grace. So no
/// account has more than twice as many that work, whatever it does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct KeyLimit(pub u16);

/// Whether a key was kept.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum StoredApiKey {
    /// It was.
    Kept,
    /// The account has as many as it may.
    LimitReached,
}

/// What came of a rotation.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum StoredRotation {
    /// Both sides are kept.
    Kept {
        /// The key that the old one replaced, if it was in its grace still: it ended with this, so that of one line of keys two
        /// are alive at most.
        ended: Option<ApiKeyRecord>,
    },
    /// The old key has a successor by now, was taken back, or is over.
    Over,
    /// The account has as many replaced keys as it may: one must be taken back, or live out its grace.
    LimitReached,
}

/// Keeps API keys. Each method is one transaction (ASVS 5.0, 15.4.2).
///
/// What is taken back stays as a row for its owner's history; the revocation's entry goes into the log in the same transaction
/// where both are kept in one database.
///
/// Each change of a key but its last use has a number, which is larger than that of every change that was visible before.
pub trait ApiKeyStore: Send + Sync {
    /// Keeps a key, if fewer than `limit` keys of the account are live at its making.
    fn create(
        &self,
        record: &ApiKeyRecord,
        limit: KeyLimit,
    ) -> impl Future<Output = Result<StoredApiKey, StoreError>> + Send;

    /// Keeps both sides of a rotation, and ends the key before the old one. Nothing is kept unless it answers so.
    fn rotate(
        &self,
        rotation: &KeyRotation,
        limit: KeyLimit,
    ) -> impl Future<Output = Result<StoredRotation, StoreError>> + Send;

    /// Takes a key of this account back. Returns it as it was; nothing if the account has none of that id.
    fn revoke(
        &self,
        account: AccountId,
        key: ApiKeyId,
        cause: RevocationCause,
    ) -> impl Future<Output = Result<Option<ApiKeyRecord>, StoreError>> + Send;

    /// Takes back every key of an account that has not expired. Returns them as they were.
    fn revoke_all(
        &self,
        account: AccountId,
        cause: RevocationCause,
    ) -> impl Future<Output = Result<Vec<ApiKeyRecord>, StoreError>> + Send;

    /// Whose key this is or was; nothing if there is none of that id.
    fn owner(&self, key: ApiKeyId) -> impl Future<Output = Result<Option<AccountId>, StoreError>> + Send;

    /// An account's keys that have not expired at `now`, oldest first: no more than twice as many as it may have.
    fn list(
        &self,
        account: AccountId,
        now: Timestamp,
    ) -> impl Future<Output = Result<Vec<ApiKeyRecord>, StoreError>> + Send;

    /// Moves a key's last use forward, never back.
    fn touch(&self, key: ApiKeyId, used_at: Timestamp)
    -> impl Future<Output = Result<(), StoreError>> + Send;

    /// At most `limit` keys by the numbers of their last changes: those that live at `now`, or all. What fills the index, and keeps
    /// it complete ([`super::ApiKeyFollower`]).
    fn changes(
        &self,
        question: ApiKeyQuestion,
        now: Timestamp,
        limit: usize,
    ) -> impl Future<Output = Result<ApiKeyPage, StoreError>> + Send;
}
