//! Where sessions are kept.

use std::future::Future;

use shield_types::Timestamp;

use super::{SessionDigest, SessionLimit, SessionRecord};
use crate::{AccountId, SessionId, StoreError, revocation::RevocationCause};

/// Keeps sessions. Each method is one transaction: of two that race, one happens first (ASVS 5.0, 15.4.2).
///
/// Ending a session removes it here, and is announced by an entry in the log of revocations, in the same transaction where
/// both are kept in one database.
pub trait SessionStore: Send + Sync {
    /// Keeps a session, and ends those that [`SessionLimit::ends_for_one_more`] names among the account's live ones. Returns
    /// the ended ones.
    fn create(
        &self,
        record: &SessionRecord,
        limit: SessionLimit,
    ) -> impl Future<Output = Result<Vec<SessionId>, StoreError>> + Send;

    /// Ends `old`, and keeps `record` of the same account in its place. False if `old` is not there (any more): then nothing
    /// is kept, because a session that was ended cannot be prolonged.
    fn replace(
        &self,
        old: SessionId,
        record: &SessionRecord,
    ) -> impl Future<Output = Result<bool, StoreError>> + Send;

    /// The session under a digest, expired or not.
    fn find(
        &self,
        digest: SessionDigest,
    ) -> impl Future<Output = Result<Option<SessionRecord>, StoreError>> + Send;

    /// Moves `last_seen_at` forward, never back. A session that is gone stays gone.
    fn touch(&self, id: SessionId, seen_at: Timestamp)
    -> impl Future<Output = Result<(), StoreError>> + Send;

    /// An account's sessions that are live at `now`, at most as many as its limit.
    fn list(
        &self,
        account: AccountId,
        now: Timestamp,
    ) -> impl Future<Output = Result<Vec<SessionRecord>, StoreError>> + Send;

    /// Ends a session of this account (ASVS 5.0, 7.5.2). False if the account has none of that id: another's session is not
    /// told apart from none.
    fn end(
        &self,
        account: AccountId,
        id: SessionId,
        cause: RevocationCause,
    ) -> impl Future<Output = Result<bool, StoreError>> + Send;

    /// Ends all sessions of an account (ASVS 5.0, 7.4.2, 7.4.3 and 7.4.5), but for `spared`. Returns the ended ones.
    fn end_all(
        &self,
        account: AccountId,
        spared: Option<SessionId>,
        cause: RevocationCause,
    ) -> impl Future<Output = Result<Vec<SessionId>, StoreError>> + Send;
}
