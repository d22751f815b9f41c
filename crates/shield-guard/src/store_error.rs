//! What every store behind a trait of this crate may answer instead of an answer.

use std::error::Error;

/// What went wrong below a store.
type Cause = Box<dyn Error + Send + Sync>;

/// A store that did not answer, or not within its deadline. Whatever was asked is then refused as a fault of ours, never
/// let through.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    /// Nobody answered, or with an error. May be tried again.
    #[error("ask the store of `{store}`")]
    Away {
        /// What is kept there.
        store: &'static str,
        /// What the store's client said.
        #[source]
        source: Cause,
    },
    /// What is stored cannot be read. Trying again does not help.
    #[error("read from the store of `{store}`: a record is damaged")]
    Damaged {
        /// What is kept there.
        store: &'static str,
        /// What is wrong with the record.
        #[source]
        source: Cause,
    },
}

// === impl StoreError ===

impl StoreError {
    /// A store of `store` that does not answer.
    pub fn away(store: &'static str, source: impl Into<Cause>) -> Self {
        Self::Away { store, source: source.into() }
    }

    /// A store of `store` whose record cannot be read.
    pub fn damaged(store: &'static str, source: impl Into<Cause>) -> Self {
        Self::Damaged { store, source: source.into() }
    }
}
