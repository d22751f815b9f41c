//! A bar that could not be measured: what was tried, and why it did not work.

use std::error::Error;

/// The result of everything a bar does.
pub(crate) type Result<T> = std::result::Result<T, Trouble>;

/// A step of a bar failed. Nobody handles one kind apart from another, so there is one kind.
#[derive(Debug, thiserror::Error)]
#[error("{what}")]
pub(crate) struct Trouble {
    what: String,
    #[source]
    source: Option<Box<dyn Error + Send + Sync>>,
}

// === impl Trouble ===

impl Trouble {
    /// `what` fits after "failed to".
    pub(crate) fn new(what: impl Into<String>) -> Self {
        Self { what: what.into(), source: None }
    }

    /// The same with what was underneath.
    pub(crate) fn caused(what: impl Into<String>, source: impl Error + Send + Sync + 'static) -> Self {
        Self { what: what.into(), source: Some(Box::new(source)) }
    }
}

/// The whole chain of an error, in one text.
pub(crate) fn chain(error: &dyn Error) -> String {
    let mut text = error.to_string();
    let mut source = error.source();
    while let Some(cause) = source {
        text.push_str(&format!("\n  caused by: {cause}"));
        source = cause.source();
    }
    text
}
