//! What goes wrong with a store.

/// A store that did not answer, or not within its deadline. Whoever gets it must not let the request go on.
#[derive(Debug, thiserror::Error)]
#[error("ask the store of limits")]
pub struct StoreError {
    /// What the store's client said.
    #[source]
    pub source: Box<dyn std::error::Error + Send + Sync>,
}
