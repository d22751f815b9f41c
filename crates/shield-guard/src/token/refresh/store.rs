//! What remembers families. `shield-data` implements it.

use std::future::Future;

use crate::{
    SessionId, StoreError,
    token::{Exchange, RefreshFamily},
};

/// Keeps one record per family, at least until its `ends_at`.
pub trait RefreshStore: Sync {
    /// Stores a new family; [`Exchange::Lost`] when there is one of this session.
    fn insert(&self, family: &RefreshFamily) -> impl Future<Output = Result<Exchange, StoreError>> + Send;

    /// The family of `session`; `None` when there is none, or no more.
    fn load(
        &self,
        session: SessionId,
    ) -> impl Future<Output = Result<Option<RefreshFamily>, StoreError>> + Send;

    /// Stores `next` if the stored revision is the one just before `next.revision`, in one atomic step: of several
    /// that replace the same revision exactly one is told [`Exchange::Done`]. The digest of the current token changes
    /// with the revision and only with it. After an error nothing is known; a client that repeats itself soon gets
    /// the right answer either way.
    fn replace(&self, next: &RefreshFamily) -> impl Future<Output = Result<Exchange, StoreError>> + Send;
}
