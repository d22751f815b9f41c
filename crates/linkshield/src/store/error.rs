//! What can go wrong with the database, and whether trying again makes sense.

use std::{io, path::PathBuf};

use shield_data::{MigratePostgresError, SqlError};
use thiserror::Error;

/// Why the database could not be opened.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum OpenError {
    /// The data directory cannot be created.
    #[error("data directory `{}` cannot be created", path.display())]
    Directory {
        /// The directory.
        path: PathBuf,
        /// The system's reason.
        #[source]
        source: io::Error,
    },
    /// A file in the data directory cannot be written.
    #[error("file `{}` in the data directory cannot be written", path.display())]
    Unwritable {
        /// The file that was tried.
        path: PathBuf,
        /// The system's reason.
        #[source]
        source: io::Error,
    },
    /// Another process has been opening the database for too long.
    #[error("lock file `{}` was held by another process for {waited_s} seconds", path.display())]
    Locked {
        /// The lock file.
        path: PathBuf,
        /// How long was waited.
        waited_s: u64,
    },
    /// SQLite does not open the file.
    #[error("database `{}` cannot be opened", path.display())]
    Database {
        /// The file.
        path: PathBuf,
        /// SQLite's reason.
        #[source]
        source: sqlx::Error,
    },
    /// SQLite opens the file, but only for reading.
    #[error("database `{}` cannot be written", path.display())]
    ReadOnly {
        /// The file.
        path: PathBuf,
        /// SQLite's reason.
        #[source]
        source: sqlx::Error,
    },
    /// What it acknowledged could be lost, or nobody is there to acknowledge anything.
    #[error("database `{place}` does not do")]
    Unfit {
        /// The file, or the address of PostgreSQL.
        place: String,
        /// Why.
        #[source]
        source: shield_data::OpenError,
    },
    /// The schema in PostgreSQL cannot be brought up to date.
    #[error("database `{address}` cannot be migrated")]
    MigrationOfPostgres {
        /// Where it is.
        address: String,
        /// What failed.
        #[source]
        source: MigratePostgresError,
    },
    /// The schema cannot be brought up to date.
    #[error("database `{}` cannot be migrated", path.display())]
    Migration {
        /// The file.
        path: PathBuf,
        /// What failed.
        #[source]
        source: sqlx::migrate::MigrateError,
    },
}

/// Why a statement failed.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum StoreError {
    /// Nothing was done; the same call may work in a moment.
    #[error("database was busy during `{operation}`")]
    Busy {
        /// What was attempted.
        operation: &'static str,
        /// The driver's reason.
        #[source]
        source: SqlError,
    },
    /// Whether it was done is not known: the deadline passed, or the connection broke.
    #[error("database gave no answer during `{operation}`")]
    Unanswered {
        /// What was attempted.
        operation: &'static str,
        /// The driver's reason.
        #[source]
        source: SqlError,
    },
    /// The statement failed.
    #[error("database failed during `{operation}`")]
    Failed {
        /// What was attempted.
        operation: &'static str,
        /// The driver's reason.
        #[source]
        source: SqlError,
    },
    /// The file was deleted or replaced while it was open; what is written now would be lost.
    #[error("database `{}` was deleted or replaced while it was open", path.display())]
    Gone {
        /// The file.
        path: PathBuf,
        /// Why it cannot be found; None when another file has its name.
        #[source]
        source: Option<io::Error>,
    },
    /// A stored value is not one this version writes.
    #[error("database holds `{value}` in column `{column}`, which this version does not know")]
    Value {
        /// The column.
        column: &'static str,
        /// What it holds.
        value: String,
    },
}

// === impl StoreError ===

impl StoreError {
    /// For `map_err`: wraps the driver's error with the operation.
    pub(super) fn during(operation: &'static str) -> impl Fn(SqlError) -> Self {
        move |source| {
            if source.busy() {
                Self::Busy { operation, source }
            } else if source.unanswered() {
                Self::Unanswered { operation, source }
            } else {
                Self::Failed { operation, source }
            }
        }
    }

    /// Whether the same call may work in a moment, and nothing was done by this one.
    pub fn retryable(&self) -> bool {
        matches!(self, Self::Busy { .. })
    }

    /// Whether this call may have been done, or not.
    pub fn unanswered(&self) -> bool {
        matches!(self, Self::Unanswered { .. })
    }
}
