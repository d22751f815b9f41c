//! What remembers the keys. `shield-data` implements it.

use std::future::Future;

use crate::{StoreError, token::StoredRing};

/// How an atomic exchange ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[must_use]
pub enum Exchange {
    /// The new value is stored, durably.
    Done,
    /// Somebody changed it before; nothing was stored. Load it and decide again.
    Lost,
}

/// Keeps the keys of one issuer.
pub trait KeyStore: Sync {
    /// The keys; `None` when there never were any.
    fn load(&self) -> impl Future<Output = Result<Option<StoredRing>, StoreError>> + Send;

    /// Stores `ring` if the stored revision is the one just before `ring.revision` (0 stands for an empty store). Of
    /// several nodes that rotate at once exactly one is told [`Exchange::Done`].
    fn replace(&self, ring: &StoredRing) -> impl Future<Output = Result<Exchange, StoreError>> + Send;
}
