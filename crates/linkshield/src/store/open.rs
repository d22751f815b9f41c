//! The database, open, whichever it is.
//!
//! What is kept is told apart by what it may lose and by who waits for whom: checks, listings, accounts, and what
//! shield-guard keeps of accounts. In SQLite each has connections of its own; in PostgreSQL they share them, and only so
//! many list at a time.

use std::{path::Path, sync::Arc, time::Duration};

use shield_data::{Database, PostgresAddress, PostgresPool, PostgresState, SqlError, Statement};
use tokio::{
    sync::{Semaphore, SemaphorePermit},
    task::JoinSet,
    time::timeout,
};

use super::{
    error::{OpenError, StoreError},
    files::{ACQUIRE_TIMEOUT, BUSY_TIMEOUT, Files},
    postgres,
    writability::LastProof,
};

/// Longer than the waits of which a call can consist: they tell better what kept it.
const FILE_DEADLINE: Duration = ACQUIRE_TIMEOUT.saturating_add(BUSY_TIMEOUT).saturating_mul(2);
/// Listings at a time in PostgreSQL; the rest of its connections is for everything else.
const LISTINGS_MAX: usize = 2;
/// Every installation that was started once has a ring of signing keys, and it is never deleted.
const FIND_RING: &str = "SELECT revision FROM guard_key_rings LIMIT 1";

/// The database, open. Cheap to clone.
#[derive(Debug, Clone)]
pub struct Store {
    /// Finds and writes checks.
    pub(super) checks: Database,
    /// Lists checks.
    pub(super) lists: Database,
    /// Accounts.
    pub(super) accounts: Database,
    guard: Database,
    counts: Database,
    keeper: Keeper,
    /// Whether it took writes when somebody asked last.
    pub(super) proof: LastProof,
}

/// What is beneath.
#[derive(Debug, Clone)]
enum Keeper {
    Files(Files),
    Postgres {
        pool: PostgresPool,
        listings: Arc<Semaphore>,
        /// Tells the log who is the primary; ends with the last clone.
        _herald: Arc<JoinSet<()>>,
    },
}

// === impl Store ===

impl Store {
    /// Opens the SQLite file in `directory`, creating and migrating it as needed.
    ///
    /// # Errors
    /// Says which of directory, lock, file and schema stood in the way.
    pub async fn open(directory: &Path) -> Result<Self, OpenError> {
        let files = Files::open(directory).await?;
        let durable = async |deadline| {
            let unfit = |source| OpenError::Unfit { place: files.path(), source };
            Database::sqlite(files.for_accounts(), deadline).await.map_err(unfit)
        };
        Ok(Self {
            checks: Database::forgetful_sqlite(files.for_checks(), FILE_DEADLINE),
            lists: Database::forgetful_sqlite(files.for_lists(), FILE_DEADLINE),
            accounts: durable(FILE_DEADLINE).await?,
            guard: durable(Database::DEADLINE).await?,
            counts: Database::forgetful_sqlite(files.for_checks(), Database::DEADLINE),
            keeper: Keeper::Files(files),
            proof: LastProof::default(),
        })
    }

    /// Finds the primary of PostgreSQL, and migrates the database as needed. Any number of nodes may do so at once.
    ///
    /// # Errors
    /// Says whether there is no primary, it forgets, or the schema stood in the way.
    pub async fn open_postgres(address: &PostgresAddress) -> Result<Self, OpenError> {
        let pool = postgres::open(address).await?;
        let database = Database::postgres(pool.clone());
        let mut herald = JoinSet::new();
        herald.spawn(postgres::announce(pool.clone()));
        Ok(Self {
            checks: database.clone(),
            lists: database.clone(),
            accounts: database.clone(),
            guard: database.clone(),
            counts: database,
            keeper: Keeper::Postgres {
                pool,
                listings: Arc::new(Semaphore::new(LISTINGS_MAX)),
                _herald: Arc::new(herald),
            },
            proof: LastProof::default(),
        })
    }

    /// Asks the database, on a connection that serves nothing else; an answer means it can serve.
    ///
    /// # Errors
    /// When it cannot.
    pub async fn ping(&self) -> Result<(), StoreError> {
        match &self.keeper {
            Keeper::Files(files) => files.ping().await,
            Keeper::Postgres { pool, .. } => pool.confirm().map_err(StoreError::during("ping")),
        }
    }

    /// Whether what the database holds is sealed under a master key already, so that another one would not open it.
    ///
    /// # Errors
    /// When the database does not answer.
    pub async fn sealed(&self) -> Result<bool, StoreError> {
        let ring = self.guard.read_one(Statement::new(FIND_RING)).await;
        Ok(ring.map_err(StoreError::during("look for signing keys"))?.is_some())
    }

    /// Where shield-guard keeps what concerns the security of accounts.
    pub fn guard_database(&self) -> &Database {
        &self.guard
    }

    /// Where shield-guard keeps counts that lapse by themselves, failed log-ins and quotas: a power cut may take those of the last
    /// moments, so a flood of log-ins costs no fsync, and holds up nobody who writes.
    pub fn counts_database(&self) -> &Database {
        &self.counts
    }

    /// Which host of PostgreSQL is in use, and since when; None where the database is a file.
    pub fn postgres_state(&self) -> Option<PostgresState> {
        match &self.keeper {
            Keeper::Files(_) => None,
            Keeper::Postgres { pool, .. } => Some(pool.state()),
        }
    }

    /// Closes every connection, after what runs on it.
    pub async fn close(&self) {
        match &self.keeper {
            Keeper::Files(files) => files.close().await,
            Keeper::Postgres { pool, .. } => pool.close().await,
        }
    }

    /// Whether what is written now will be found later.
    pub(super) fn confirm_file(&self) -> Result<(), StoreError> {
        match &self.keeper {
            Keeper::Files(files) => files.confirm(),
            Keeper::Postgres { .. } => Ok(()),
        }
    }

    /// Waits until another listing may begin; the file's own connections for it are as few.
    pub(super) async fn turn_to_list(&self) -> Result<Option<SemaphorePermit<'_>>, SqlError> {
        match &self.keeper {
            Keeper::Files(_) => Ok(None),
            Keeper::Postgres { listings, .. } => match timeout(ACQUIRE_TIMEOUT, listings.acquire()).await {
                Ok(permit) => Ok(Some(permit.expect("nobody closes it"))),
                Err(_) => Err(sqlx::Error::PoolTimedOut.into()),
            },
        }
    }

    #[cfg(test)]
    pub(super) fn files(&self) -> &Files {
        match &self.keeper {
            Keeper::Files(files) => files,
            Keeper::Postgres { .. } => panic!("the database is no file"),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::{fs, os::unix::fs::PermissionsExt};

    use super::*;
    use crate::{scratch::ScratchDirectory, store::DATABASE_FILE};

    #[tokio::test]
    async fn d18_fresh_database_works() {
        let directory = ScratchDirectory::new();
        let store = Store::open(&directory.path().join("new/deeper")).await.unwrap();
        store.ping().await.unwrap();
        let mode: String =
            sqlx::query_scalar("PRAGMA journal_mode").fetch_one(&store.files().reader).await.unwrap();
        assert_eq!(mode, "wal");
        store.close().await;
        assert!(store.ping().await.is_err());
    }

    #[tokio::test]
    async fn nobody_else_reads_it() {
        let directory = ScratchDirectory::new();
        let data = directory.path().join("data");
        let store = Store::open(&data).await.unwrap();
        let mode = |path: &Path| fs::metadata(path).unwrap().permissions().mode() & 0o777;
        assert_eq!(mode(&data), 0o700);
        let files: Vec<_> = fs::read_dir(&data).unwrap().map(|entry| entry.unwrap().path()).collect();
        let databases = files.iter().filter(|path| path.to_string_lossy().contains(DATABASE_FILE));
        let modes: Vec<_> = databases.map(|path| mode(path)).collect();
        assert_eq!(modes, [0o600; 3], "the file, its log and its index: {files:?}");
        store.close().await;
    }

    #[tokio::test]
    async fn opens_twice_at_once() {
        let directory = ScratchDirectory::new();
        let (one, two) = tokio::join!(Store::open(directory.path()), Store::open(directory.path()));
        one.unwrap().ping().await.unwrap();
        two.unwrap().ping().await.unwrap();
    }

    #[tokio::test]
    async fn older_release_opens_newer_file() {
        let directory = ScratchDirectory::new();
        let store = Store::open(directory.path()).await.unwrap();
        let later = "INSERT INTO _sqlx_migrations (version, description, success, checksum, execution_time)
                     VALUES (9999, 'later', 1, x'00', 0)";
        sqlx::query(later).execute(&store.files().writer).await.unwrap();
        store.close().await;
        Store::open(directory.path()).await.unwrap().ping().await.unwrap();
    }

    #[tokio::test]
    async fn refuses_file_as_directory() {
        let directory = ScratchDirectory::new();
        let path = directory.path().join("file");
        fs::write(&path, "").unwrap();
        assert!(matches!(Store::open(&path).await, Err(OpenError::Directory { .. })));
    }

    #[tokio::test]
    async fn refuses_damaged_database() {
        let directory = ScratchDirectory::new();
        fs::write(directory.path().join(DATABASE_FILE), "this is not a database, by any measure").unwrap();
        assert!(matches!(Store::open(directory.path()).await, Err(OpenError::Database { .. })));
    }
}
