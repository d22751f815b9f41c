//! What is the matter with the place where a database writes.
//!
//! A database whose disk is full answers all the same, so this is told apart from one that is away: whoever reads of it knows
//! what to do. Each [`super::Database`] remembers the last one, so that health can tell of it without asking anything.

use std::{
    error::Error,
    io, iter,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use tokio::time::Instant;

/// Why nothing can be written, as far as the database says it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum StorageFault {
    /// There is no room left (SQLite: `SQLITE_FULL`; PostgreSQL: 53100).
    Full,
    /// The disk fails, or the file can be neither opened nor written (SQLite: `SQLITE_IOERR`, `SQLITE_CANTOPEN`,
    /// `SQLITE_READONLY`; PostgreSQL: 58030).
    Failing,
}

/// The last fault, and when it was. Cheap to clone; all clones know the same.
#[derive(Clone, Debug, Default)]
pub(super) struct StorageWatch(Arc<Mutex<Option<(Instant, StorageFault)>>>);

// === impl StorageFault ===

impl StorageFault {
    /// The fault behind `error`, or behind what stands behind it; none where the storage is not at fault.
    pub fn of(error: &(dyn Error + 'static)) -> Option<Self> {
        iter::successors(Some(error), |&error| error.source()).find_map(Self::of_this)
    }

    fn of_this(error: &(dyn Error + 'static)) -> Option<Self> {
        if let Some(error) = error.downcast_ref::<io::Error>() {
            let full = matches!(error.kind(), io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded);
            return full.then_some(Self::Full);
        }
        let code = error.downcast_ref::<sqlx::Error>()?.as_database_error()?.code()?;
        if code.len() == 5 {
            return match &*code {
                "53100" => Some(Self::Full),
                "58030" => Some(Self::Failing),
                _ => None,
            };
        }
        // Extended codes keep the primary one in the low byte.
        match code.parse::<u32>().ok()? & 0xff {
            13 => Some(Self::Full),
            8 | 10 | 14 => Some(Self::Failing),
            _ => None,
        }
    }
}

// === impl StorageWatch ===

impl StorageWatch {
    pub(super) fn note(&self, error: &(dyn Error + 'static)) {
        if let Some(fault) = StorageFault::of(error) {
            *self.0.lock().unwrap_or_else(PoisonError::into_inner) = Some((Instant::now(), fault));
        }
    }

    pub(super) fn within(&self, period: Duration) -> Option<StorageFault> {
        let last = *self.0.lock().unwrap_or_else(PoisonError::into_inner);
        last.filter(|(at, _)| at.elapsed() < period).map(|(_, fault)| fault)
    }
}
