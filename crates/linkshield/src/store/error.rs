//! What can go wrong with the database, and whether trying again makes sense.

use std::{io, path::PathBuf};

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
        source: sqlx::Error,
    },
    /// The statement failed.
    #[error("database failed during `{operation}`")]
    Failed {
        /// What was attempted.
        operation: &'static str,
        /// The driver's reason.
        #[source]
        source: sqlx::Error,
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
    pub(super) fn during(operation: &'static str) -> impl Fn(sqlx::Error) -> Self {
        move |source| {
            if busy(&source) { Self::Busy { operation, source } } else { Self::Failed { operation, source } }
        }
    }

    /// Whether the same call may work in a moment.
    pub fn retryable(&self) -> bool {
        matches!(self, Self::Busy { .. })
    }
}

/// SQLITE_BUSY is primary code 5, SQLITE_LOCKED 6; extended codes keep the primary one in the low byte.
fn busy(error: &sqlx::Error) -> bool {
    match error {
        sqlx::Error::PoolTimedOut => true,
        sqlx::Error::Database(database) => {
            let code = database.code().and_then(|code| code.parse::<u32>().ok());
            code.is_some_and(|code| matches!(code & 0xff, 5 | 6))
        }
        _ => false,
    }
}
