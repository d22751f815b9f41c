//! What goes wrong between a store and its database.

use std::time::Duration;

use shield_types::format_duration;

use crate::postgres::Suspicion;

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
    /// No host of PostgreSQL is the primary, and none became it within the deadline. Nothing was asked of any.
    #[error("find the primary of PostgreSQL: {hosts}")]
    NoPrimary {
        /// What each was last seen as.
        hosts: String,
    },
    /// The host of this connection ceased to be the primary: what was not committed is undone.
    #[error("ask the database: its host is not the primary any more")]
    Superseded,
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

    /// Whether nothing was done, and the same may work in a moment.
    pub fn busy(&self) -> bool {
        match self {
            Self::NoPrimary { .. } | Self::Superseded => true,
            Self::Refused(error) => {
                waited_in_vain(error) || undone(error) || Suspicion::of(error) == Suspicion::ReadOnly
            }
            Self::Late { .. } | Self::Damaged { .. } | Self::Document { .. } => false,
        }
    }

    /// Whether it may have been done, or not: a deadline passed, or a connection broke. To do it again is for the caller to
    /// decide, who knows whether it may happen twice.
    pub fn unanswered(&self) -> bool {
        match self {
            Self::Late { .. } => true,
            Self::Refused(sqlx::Error::WorkerCrashed) => false,
            Self::Refused(error) => {
                matches!(Suspicion::of(error), Suspicion::Gone | Suspicion::Slow) && !self.busy()
            }
            _ => false,
        }
    }
}

impl From<sqlx::Error> for SqlError {
    fn from(source: sqlx::Error) -> Self {
        Self::Refused(source)
    }
}

/// PostgreSQL took the statement back, and says that another time it may succeed: a conflict of transactions or of locks
/// (40001, 40P01, 55P03), or something that ran out (class 53: the disk, memory, connections).
fn undone(error: &sqlx::Error) -> bool {
    let code = error.as_database_error().and_then(sqlx::error::DatabaseError::code);
    code.is_some_and(|code| {
        matches!(&*code, "40001" | "40P01" | "55P03") || (code.len() == 5 && code.starts_with("53"))
    })
}

/// SQLITE_BUSY is primary code 5, SQLITE_LOCKED 6; extended codes keep the primary one in the low byte. PostgreSQL's codes have
/// five characters.
fn waited_in_vain(error: &sqlx::Error) -> bool {
    match error {
        sqlx::Error::PoolTimedOut => true,
        sqlx::Error::Database(database) => {
            let code = database.code().filter(|code| code.len() < 5);
            let code = code.and_then(|code| code.parse::<u32>().ok());
            code.is_some_and(|code| matches!(code & 0xff, 5 | 6))
        }
        _ => false,
    }
}
