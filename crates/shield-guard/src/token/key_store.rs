//! What remembers the keys. `shield-data` implements it.

use std::{error::Error, future::Future};

use crate::token::StoredRing;

/// A store could not answer. Nothing is decided then: the request is refused as a fault of ours, never let through.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    /// Nobody answered, or with an error. May be tried again.
    #[error("ask the store of tokens: it does not answer")]
    Unavailable {
        /// What the store said.
        #[source]
        source: Box<dyn Error + Send + Sync>,
    },
    /// What is stored cannot be read. Trying again does not help.
    #[error("read from the store of tokens: a record is damaged")]
    Damaged {
        /// What is wrong with it.
        #[source]
        source: Box<dyn Error + Send + Sync>,
    },
}

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
