//! Whether the database takes writes, shown by a write.
//!
//! A database whose disk is full answers every question, so an answer says nothing about writes, and the outcome of the last
//! one says nothing once nobody writes any more. So whoever asks makes one, durable as accounts are, at most once in
//! [`PROOF_PERIOD`], whoever asks and however often; requests pay nothing. A small write may still find room where a larger
//! one found none, so what the storage refused to anybody within that time counts as well: the answer is five seconds old at most.

use std::{error::Error, iter, sync::Arc, time::Duration};

use shield_data::{Statement, StorageFault};
use shield_types::Timestamp;
use tokio::{sync::Mutex, time::Instant};

use super::{Store, StoreError};
use crate::{clock::now, telemetry::causes};

/// How long a proof counts.
const PROOF_PERIOD: Duration = Duration::from_secs(5);
const PROVE: &str = "INSERT INTO write_proof (id, proven_at) VALUES (1, $1)
    ON CONFLICT (id) DO UPDATE SET proven_at = excluded.proven_at";

/// What keeps a database from writing, as clients and operators are told.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum WriteObstacle {
    /// Its disk is full.
    Full,
    /// Its disk fails, or its file cannot be written.
    Failing,
    /// Its file was moved, deleted or replaced.
    Gone,
    /// It does not answer, or not in time, or refuses for another reason.
    Other,
}

/// The last proof; all clones of a store share it.
#[derive(Clone, Debug, Default)]
pub(super) struct LastProof(Arc<Mutex<Option<Proof>>>);

/// When it was tried, and what came of it.
type Proof = (Instant, Result<(), WriteObstacle>);

// === impl Store ===

impl Store {
    /// Shows that the database takes writes, as of five seconds ago at most. Takes no longer than two writes may.
    ///
    /// # Errors
    /// Says what keeps it from that.
    pub async fn prove_writable(&self) -> Result<(), WriteObstacle> {
        let mut last = self.proof.0.lock().await;
        let proven = match *last {
            Some((at, proven)) if at.elapsed() < PROOF_PERIOD => proven,
            _ => {
                let proven = self.try_to_write().await;
                *last = Some((Instant::now(), proven));
                proven
            }
        };
        proven.and_then(|()| self.recent_obstacle().map_or(Ok(()), Err))
    }

    /// What the storage refused to anybody within the last five seconds; asks nothing and waits for nobody.
    pub fn recent_obstacle(&self) -> Option<WriteObstacle> {
        let databases = [&self.checks, &self.accounts, self.guard_database(), self.counts_database()];
        databases.into_iter().find_map(|database| database.storage_fault(PROOF_PERIOD)).map(Into::into)
    }

    async fn try_to_write(&self) -> Result<(), WriteObstacle> {
        self.write_proof(now()).await.map_err(|error| {
            let cause = causes(&error).join(": ");
            tracing::warn!(error = %error, cause, "the database takes no writes");
            WriteObstacle::behind(&error).unwrap_or(WriteObstacle::Other)
        })
    }

    async fn write_proof(&self, now: Timestamp) -> Result<(), StoreError> {
        self.confirm_file()?;
        let written = self.guard_database().write(Statement::new(PROVE).with(now)).await;
        written.map(drop).map_err(StoreError::during("prove that it can write"))
    }
}

// === impl WriteObstacle ===

impl WriteObstacle {
    /// What the storage has to do with this failure, whatever stands around it.
    pub fn behind(error: &(dyn Error + 'static)) -> Option<Self> {
        let mut chain = iter::successors(Some(error), |&error| error.source());
        let gone = chain.any(|error| matches!(error.downcast_ref(), Some(StoreError::Gone { .. })));
        StorageFault::of(error).map(Self::from).or(gone.then_some(Self::Gone))
    }

    /// The same as a sentence.
    pub fn text(self) -> &'static str {
        match self {
            Self::Full => {
                "the disk of the database is full: nothing can be written until there is room on it"
            }
            Self::Failing => "the disk of the database fails, or its file cannot be written",
            Self::Gone => {
                "the file of the database is not where it was opened: nothing that is written would be kept"
            }
            Self::Other => "the database takes no writes now",
        }
    }
}

impl From<StorageFault> for WriteObstacle {
    fn from(fault: StorageFault) -> Self {
        match fault {
            StorageFault::Full => Self::Full,
            StorageFault::Failing => Self::Failing,
        }
    }
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;
    use crate::store::{DATABASE_FILE, fixture::Fixture};

    on_both!(a_write_proves_that_it_writes);

    async fn a_write_proves_that_it_writes(fixture: Fixture) {
        let store = &fixture.store;
        assert_eq!((store.prove_writable().await, store.recent_obstacle()), (Ok(()), None));
        store.guard_database().write(Statement::new("DROP TABLE write_proof")).await.unwrap();
        assert_eq!(store.prove_writable().await, Ok(()), "it is shown once in five seconds");
        assert_eq!(fixture.again().await.prove_writable().await, Err(WriteObstacle::Other), "really written");
    }

    #[tokio::test]
    async fn what_anybody_was_refused_counts() {
        let fixture = Fixture::sqlite().await;
        let store = &fixture.store;
        // As full as a disk can be, for what needs a page more than the proof does.
        sqlx::query("PRAGMA max_page_count = 1").execute(&store.files().writer).await.unwrap();
        let table = Statement::new("CREATE TABLE larger (value BLOB) STRICT");
        let refused = store.counts_database().write(table).await.unwrap_err();
        assert_eq!(WriteObstacle::behind(&refused), Some(WriteObstacle::Full));
        assert_eq!(store.recent_obstacle(), Some(WriteObstacle::Full));
        assert_eq!(store.prove_writable().await, Err(WriteObstacle::Full));
    }

    #[tokio::test]
    async fn a_moved_file_takes_no_writes() {
        let fixture = Fixture::sqlite().await;
        let path = fixture.directory.path().join(DATABASE_FILE);
        fs::rename(&path, fixture.directory.path().join("elsewhere")).unwrap();
        assert_eq!(fixture.store.prove_writable().await, Err(WriteObstacle::Gone));
    }
}
