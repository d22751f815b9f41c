//! What every store behind a trait of this crate may answer instead of an answer.

use std::error::Error;

/// A store that could not answer. Whatever was asked is then refused.
#[derive(Debug, thiserror::Error)]
#[error("ask the store of `{store}`")]
pub struct StoreError {
    /// What is kept there.
    pub store: &'static str,
    /// What went wrong.
    #[source]
    pub source: Box<dyn Error + Send + Sync>,
}
