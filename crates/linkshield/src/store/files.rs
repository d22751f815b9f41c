//! Opening the SQLite file: directory, lock, schema, connections.
//!
//! - WAL: readers never wait for the writer, in this process or in another one on the same file.
//! - `synchronous = NORMAL`: in WAL mode a crash of the process loses nothing; a power cut can lose the last moments
//!   of checks but never damages the file. A check can be repeated at any time, so an fsync per check is not worth it. The same
//!   goes for counts of failed log-ins and of quotas: nobody gains anything by cutting the power.
//! - One writing connection, since SQLite has one write lock anyway: writers queue here in order instead of polling
//!   the lock. What must outlive a power cut, accounts and everything about their security, has a second one with
//!   `synchronous = FULL`; the two wait for each other as two processes do. Four reading ones find single checks. Listing can take long, so it has two of its own, and the health
//!   check one: neither checks nor readiness wait behind somebody's listing.
//! - An older release may open a file that a newer one has migrated: migrations only expand, see `migrations/`.

use std::{
    borrow::Cow,
    fs::{File, TryLockError},
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
    file::{FileIdentity, private_directory, private_file},
};

/// Name of the database in the data directory.
pub const DATABASE_FILE: &str = "linkshield.db";

const LOCK_FILE: &str = "linkshield.lock";
const READERS_MAX: u32 = 4;
const LISTERS_MAX: u32 = 2;
/// Changes nothing, but only a database that can be written takes it.
const PROVE_WRITABLE: &str = "UPDATE checks SET status = status WHERE sequence < 0";
/// How long a statement waits for another process's write.
pub(super) const BUSY_TIMEOUT: Duration = Duration::from_secs(5);
/// How long a request waits for a connection.
pub(super) const ACQUIRE_TIMEOUT: Duration = Duration::from_secs(5);
/// How long opening waits for another process that is opening.
const LOCK_TIMEOUT: Duration = Duration::from_secs(30);
const LOCK_POLL: Duration = Duration::from_millis(50);

/// The schema, step by step; a new file in `migrations/` gets a line here.
fn migrator() -> Migrator {
    let checks = SqlStr::from_static(include_str!("../../migrations/sqlite/0001_checks.sql"));
    let accounts = SqlStr::from_static(include_str!("../../migrations/sqlite/0002_accounts.sql"));
    let owner = SqlStr::from_static(include_str!("../../migrations/sqlite/0003_check_owner.sql"));
    let generation =
        SqlStr::from_static(include_str!("../../migrations/sqlite/0010_sessions_generation.sql"));
    let proof = SqlStr::from_static(include_str!("../../migrations/sqlite/0011_write_proof.sql"));
    let mut steps = vec![
        Migration::new(1, Cow::Borrowed("checks"), MigrationType::Simple, checks, false),
        Migration::new(2, Cow::Borrowed("accounts"), MigrationType::Simple, accounts, false),
        Migration::new(3, Cow::Borrowed("check owner"), MigrationType::Simple, owner, false),
        Migration::new(10, Cow::Borrowed("sessions generation"), MigrationType::Simple, generation, false),
        Migration::new(11, Cow::Borrowed("write proof"), MigrationType::Simple, proof, false),
    ];
    steps.extend(guard_migrations(Dialect::Sqlite));
    let mut migrator = Migrator::with_migrations(steps);
    // The older of two releases finds migrations it does not know, and may work with them.
    migrator.set_ignore_missing(true);
    migrator
}

/// The file, open.
#[derive(Debug, Clone)]
pub(super) struct Files {
    pub(super) reader: SqlitePool,
    pub(super) lister: SqlitePool,
    pub(super) writer: SqlitePool,
    /// Writes what must outlive a power cut.
    pub(super) durable: SqlitePool,
    prober: SqlitePool,
    path: PathBuf,
    identity: FileIdentity,
}

// === impl Files ===

impl Files {
    /// Opens the database in `directory`, creating and migrating it as needed.
    pub(super) async fn open(directory: &Path) -> Result<Self, OpenError> {
        private_directory(directory)
            .map_err(|source| OpenError::Directory { path: directory.to_owned(), source })?;
        // Held until the end of this function: two processes never create or migrate at the same time.
        let _lock = lock(directory.join(LOCK_FILE)).await?;
        let path = directory.join(DATABASE_FILE);
        // Where it cannot be made or written, SQLite says better why.
        let _ = private_file(&path);
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
            identity: FileIdentity::of(&path).map_err(|error| database(error.into()))?,
            path: path.clone(),
        })
    }

    /// Reads from the database; an answer means it can serve.
    pub(super) async fn ping(&self) -> Result<(), StoreError> {
        self.confirm()?;
        let answer = sqlx::query("SELECT 1 FROM checks LIMIT 1").fetch_optional(&self.prober).await;
        answer.map(drop).map_err(|error| StoreError::during("ping")(error.into()))
    }

    /// Reading, and writing what may be lost by a power cut: checks, and counts that lapse by themselves.
    pub(super) fn for_checks(&self) -> SqlitePools {
        SqlitePools { reader: self.reader.clone(), writer: self.writer.clone() }
    }

    /// Reading at length.
    pub(super) fn for_lists(&self) -> SqlitePools {
        SqlitePools { reader: self.lister.clone(), writer: self.writer.clone() }
    }

    /// Reading, and writing what must outlive a power cut.
    pub(super) fn for_accounts(&self) -> SqlitePools {
        SqlitePools { reader: self.reader.clone(), writer: self.durable.clone() }
    }

    /// Closes every connection, after what runs on it.
    pub(super) async fn close(&self) {
        for pool in [&self.reader, &self.lister, &self.prober, &self.writer, &self.durable] {
            pool.close().await;
        }
    }

    /// Whether what is written now will be found later.
    pub(super) fn confirm(&self) -> Result<(), StoreError> {
        self.identity.confirm()
    }

    pub(super) fn path(&self) -> String {
        self.path.display().to_string()
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
