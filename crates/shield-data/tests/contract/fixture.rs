//! A fresh database of either kind.

use std::{future::Future, time::Duration};

use shield_data::{Database, Dialect, PostgresPool, PostgresSettings, SqlitePools, guard_migrations};
use shield_guard::{AccountId, SessionId};
use shield_testkit::Postgres;
use shield_types::Timestamp;
use sqlx::{
    migrate::Migrator,
    sqlite::{SqliteConnectOptions, SqliteJournalMode, SqlitePoolOptions, SqliteSynchronous},
};
use tempfile::TempDir;
use tokio::task::JoinSet;

/// In the year 2096: where a trait names no moment a store takes the real one, which must not be later.
pub(crate) const NOW: Timestamp = Timestamp(4_000_000_000_000);
/// A busy machine may be slow; no test waits for this to pass.
pub(crate) const PATIENCE: Duration = Duration::from_secs(60);
const CONNECTIONS: u32 = 8;

/// A database, and what must outlive it.
pub(crate) struct Fixture {
    pub(crate) database: Database,
    /// To look behind the stores; none where it is PostgreSQL.
    pub(crate) files: Option<SqlitePools>,
    _directory: Option<TempDir>,
}

// === impl Fixture ===

impl Fixture {
    pub(crate) async fn sqlite() -> Self {
        let directory = tempfile::tempdir().unwrap();
        let options = SqliteConnectOptions::new()
            .filename(directory.path().join("guard.db"))
            .create_if_missing(true)
            .journal_mode(SqliteJournalMode::Wal)
            .synchronous(SqliteSynchronous::Full)
            .busy_timeout(PATIENCE);
        let pool =
            |connections| SqlitePoolOptions::new().max_connections(connections).acquire_timeout(PATIENCE);
        let writer = pool(1).connect_with(options.clone()).await.unwrap();
        Migrator::with_migrations(guard_migrations(Dialect::Sqlite)).run(&writer).await.unwrap();
        let reader = pool(CONNECTIONS).connect_with(options).await.unwrap();
        let pools = SqlitePools { reader, writer };
        let database = Database::sqlite(pools.clone(), PATIENCE).await.unwrap();
        Self { database, files: Some(pools), _directory: Some(directory) }
    }

    pub(crate) async fn postgres() -> Self {
        let url = migrated(&Postgres::shared().create_database().unwrap()).await;
        Self { database: Database::postgres(pool(&url, PATIENCE).await), files: None, _directory: None }
    }
}

/// Brings the schema of this database up to date, and answers its address.
pub(crate) async fn migrated(url: &str) -> String {
    let migrator = Migrator::with_migrations(guard_migrations(Dialect::Postgres));
    pool(url, PATIENCE).await.migrate(&migrator).await.unwrap();
    url.to_owned()
}

/// Connections to whichever of these hosts is the primary.
pub(crate) async fn pool(url: &str, deadline: Duration) -> PostgresPool {
    PostgresPool::open(url.parse().unwrap(), settings(deadline)).await.unwrap()
}

pub(crate) fn settings(deadline: Duration) -> PostgresSettings {
    PostgresSettings { connections_max: CONNECTIONS, deadline, patience: PATIENCE }
}

pub(crate) fn account(number: u8) -> AccountId {
    AccountId::new(NOW, [number; 10])
}

pub(crate) fn session(number: u8) -> SessionId {
    SessionId::new(NOW, [number; 10])
}

/// Runs the same thing `racers` times at once, and answers what each got.
pub(crate) async fn race<T, F>(racers: usize, run: impl Fn(usize) -> F) -> Vec<T>
where
    T: Send + 'static,
    F: Future<Output = T> + Send + 'static,
{
    let mut tasks = JoinSet::new();
    for racer in 0..racers {
        tasks.spawn(run(racer));
    }
    tasks.join_all().await
}
