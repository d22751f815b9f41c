//! What goes wrong between a store and its database.

use std::time::Duration;

use shield_types::format_duration;

/// Why a database gave no answer. Whether something was changed is known only where the text says so.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum SqlError {
    /// Not within the deadline; the connection was closed. What was asked may still have been done.
    #[error("ask the database: no answer within `{}`", format_duration(*deadline))]
    Late {
        /// The whole time that the call had.
        deadline: Duration,
    },
    /// The database, or the way to it, refused.
    #[error("ask the database")]
    Refused(#[source] sqlx::Error),
    /// A stored value that this program does not write.
    #[error("read column `{column}`: what it holds is not {expected}")]
    Damaged {
        /// Which column.
        column: &'static str,
        /// What it should hold.
        expected: &'static str,
    },
    /// A stored document that this program cannot read, or does not write.
    #[error("read the document in column `{column}`")]
    Document {
        /// Which column.
        column: &'static str,
        /// Why.
        #[source]
        source: Box<dyn std::error::Error + Send + Sync>,
    },
}

// === impl SqlError ===

impl SqlError {
    /// Whether what is stored is at fault, so that trying again does not help.
    pub fn damaged(&self) -> bool {
        matches!(self, Self::Damaged { .. } | Self::Document { .. })
    }
}

impl From<sqlx::Error> for SqlError {
    fn from(source: sqlx::Error) -> Self {
        Self::Refused(source)
    }
}
