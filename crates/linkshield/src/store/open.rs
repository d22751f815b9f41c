//! Opening the database: directory, lock, schema, connections.
//!
//! - WAL: readers never wait for the writer, in this process or in another one on the same file.
//! - `synchronous = NORMAL`: in WAL mode a crash of the process loses nothing; a power cut can lose the last moments
//!   of checks but never damages the file. A check can be repeated at any time, so an fsync per check is not worth it.
//! - One writing connection, since SQLite has one write lock anyway: writers queue here in order instead of polling
//!   the lock. What must outlive a power cut, accounts and everything about their security, has a second one with
//!   `synchronous = FULL`; the two wait for each other as two processes do. Four reading ones find single checks. Listing can take long, so it has two of its own, and the health
//!   check one: neither checks nor readiness wait behind somebody's listing.
//! - An older release may open a file that a newer one has migrated: migrations only expand, see `migrations/`.

use std::{
    borrow::Cow,
    fs::{self, File, TryLockError},
    path::{Path, PathBuf},
    time::Duration,
};

use shield_data::{Dialect, SqlitePools, guard_migrations};
use sqlx::{
    SqlStr, SqlitePool,
    migrate::{Migration, MigrationType, Migrator},
    sqlite::{SqliteConnectOptions, SqliteJournalMode, SqlitePoolOptions, SqliteSynchronous},
};
use tokio::time::{Instant, sleep};

use super::{
    error::{OpenError, StoreError},
    file::FileIdentity,
};

/// Name of the database in the data directory.
pub const DATABASE_FILE: &str = "linkshield.db";

const LOCK_FILE: &str = "linkshield.lock";
const READERS_MAX: u32 = 4;
const LISTERS_MAX: u32 = 2;
/// Changes nothing, but only a database that can be written takes it.
const PROVE_WRITABLE: &str = "UPDATE checks SET status = status WHERE sequence < 0";
/// How long a statement waits for another process's write.
const BUSY_TIMEOUT: Duration = Duration::from_secs(5);
/// How long a request waits for a connection.
const ACQUIRE_TIMEOUT: Duration = Duration::from_secs(5);
/// How long opening waits for another process that is opening.
const LOCK_TIMEOUT: Duration = Duration::from_secs(30);
const LOCK_POLL: Duration = Duration::from_millis(50);

/// The schema, step by step; a new file in `migrations/` gets a line here.
fn migrator() -> Migrator {
    let checks = SqlStr::from_static(include_str!("../../migrations/0001_checks.sql"));
    let accounts = SqlStr::from_static(include_str!("../../migrations/0002_accounts.sql"));
    let owner = SqlStr::from_static(include_str!("../../migrations/0003_check_owner.sql"));
    let mut steps = vec![
        Migration::new(1, Cow::Borrowed("checks"), MigrationType::Simple, checks, false),
        Migration::new(2, Cow::Borrowed("accounts"), MigrationType::Simple, accounts, false),
        Migration::new(3, Cow::Borrowed("check owner"), MigrationType::Simple, owner, false),
    ];
    steps.extend(guard_migrations(Dialect::Sqlite));
    let mut migrator = Migrator::with_migrations(steps);
    // The older of two releases finds migrations it does not know, and may work with them.
    migrator.set_ignore_missing(true);
    migrator
}

/// The database, open.
#[derive(Debug, Clone)]
pub struct Store {
    pub(super) reader: SqlitePool,
    pub(super) lister: SqlitePool,
    pub(super) writer: SqlitePool,
    /// Writes what must outlive a power cut.
    pub(super) durable: SqlitePool,
    prober: SqlitePool,
    file: FileIdentity,
}

// === impl Store ===

impl Store {
    /// Opens the database in `directory`, creating and migrating it as needed.
    ///
    /// # Errors
    /// Says which of directory, lock, file and schema stood in the way.
    pub async fn open(directory: &Path) -> Result<Self, OpenError> {
        fs::create_dir_all(directory)
            .map_err(|source| OpenError::Directory { path: directory.to_owned(), source })?;
        // Held until the end of this function: two processes never create or migrate at the same time.
        let _lock = lock(directory.join(LOCK_FILE)).await?;
        let path = directory.join(DATABASE_FILE);
        let options = SqliteConnectOptions::new()
            .filename(&path)
            .create_if_missing(true)
            .journal_mode(SqliteJournalMode::Wal)
            .synchronous(SqliteSynchronous::Normal)
            .foreign_keys(true)
            .busy_timeout(BUSY_TIMEOUT);
        let pool = |connections_max: u32| {
            SqlitePoolOptions::new()
                .max_connections(connections_max)
                // All at once: later there may be another file of this name.
                .min_connections(connections_max)
                .acquire_timeout(ACQUIRE_TIMEOUT)
                .idle_timeout(None)
                .max_lifetime(None)
        };
        let database = |source| OpenError::Database { path: path.clone(), source };
        let writer = pool(1).connect_with(options.clone()).await.map_err(database)?;
        migrator()
            .run(&writer)
            .await
            .map_err(|source| OpenError::Migration { path: path.clone(), source })?;
        let read_only = |source| OpenError::ReadOnly { path: path.clone(), source };
        sqlx::query(PROVE_WRITABLE).execute(&writer).await.map_err(read_only)?;
        // Opened again later, a file that was deleted must not come back empty.
        let options = options.create_if_missing(false);
        let durable = options.clone().synchronous(SqliteSynchronous::Full);
        let durable = pool(1).connect_with(durable).await.map_err(database)?;
        let open = async |connections_max| {
            pool(connections_max).connect_with(options.clone()).await.map_err(database)
        };
        Ok(Self {
            reader: open(READERS_MAX).await?,
            lister: open(LISTERS_MAX).await?,
            prober: open(1).await?,
            writer,
            durable,
            file: FileIdentity::of(&path).map_err(|error| database(error.into()))?,
        })
    }

    /// Reads from the database; an answer means it can serve.
    ///
    /// # Errors
    /// When it cannot.
    pub async fn ping(&self) -> Result<(), StoreError> {
        self.file.confirm()?;
        sqlx::query("SELECT 1 FROM checks LIMIT 1")
            .fetch_optional(&self.prober)
            .await
            .map(drop)
            .map_err(StoreError::during("ping"))
    }

    /// The connections that keep what concerns the security of accounts.
    pub(crate) fn guard_pools(&self) -> SqlitePools {
        SqlitePools { reader: self.reader.clone(), writer: self.durable.clone() }
    }

    /// Closes every connection, after what runs on it.
    pub async fn close(&self) {
        for pool in [&self.reader, &self.lister, &self.prober, &self.writer, &self.durable] {
            pool.close().await;
        }
    }

    /// Whether what is written now will be found later.
    pub(super) fn confirm_file(&self) -> Result<(), StoreError> {
        self.file.confirm()
    }
}

async fn lock(path: PathBuf) -> Result<File, OpenError> {
    let file = File::options()
        .create(true)
        .truncate(false)
        .write(true)
        .open(&path)
        .map_err(|source| OpenError::Unwritable { path: path.clone(), source })?;
    let deadline = Instant::now() + LOCK_TIMEOUT;
    loop {
        match file.try_lock() {
            Ok(()) => return Ok(file),
            Err(TryLockError::WouldBlock) if Instant::now() < deadline => sleep(LOCK_POLL).await,
            Err(TryLockError::WouldBlock) => {
                return Err(OpenError::Locked { path, waited_s: LOCK_TIMEOUT.as_secs() });
            }
            Err(TryLockError::Error(source)) => return Err(OpenError::Unwritable { path, source }),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::scratch::ScratchDirectory;

    #[tokio::test]
    async fn d18_fresh_database_works() {
        let directory = ScratchDirectory::new();
        let store = Store::open(&directory.path().join("new/deeper")).await.unwrap();
        store.ping().await.unwrap();
        let mode: String = sqlx::query_scalar("PRAGMA journal_mode").fetch_one(&store.reader).await.unwrap();
        assert_eq!(mode, "wal");
        store.close().await;
        assert!(store.ping().await.is_err());
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
        sqlx::query(later).execute(&store.writer).await.unwrap();
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
