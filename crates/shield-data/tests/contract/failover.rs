//! A primary with a synchronous standby: killed, frozen, superseded, and back again.

use std::{
    collections::BTreeSet,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use shield_data::{Database, Dialect, PostgresPool, Statement, guard_migrations};
use shield_testkit::{Postgres, PostgresPair, wait_for};
use sqlx::migrate::Migrator;
use tokio::task::JoinSet;

use crate::fixture::{PATIENCE, migrated, pool};

/// As long as a request waits; a failover takes longer, and calls in it fail.
const DEADLINE: Duration = Duration::from_secs(2);
const WRITERS: i64 = 4;
/// Acknowledged before and after the failover, each.
const ROWS: usize = 50;

/// Writers that never write anything twice, and what was acknowledged to them.
struct Ledger {
    database: Database,
    stop: Arc<AtomicBool>,
    writers: JoinSet<BTreeSet<i64>>,
}

impl Ledger {
    async fn begin(pool: &PostgresPool) -> Self {
        let database = Database::postgres(pool.clone());
        let create = "CREATE TABLE ledger (number BIGINT PRIMARY KEY NOT NULL)";
        database.write(Statement::new(create)).await.unwrap();
        let stop = Arc::new(AtomicBool::new(false));
        let mut writers = JoinSet::new();
        for writer in 0..WRITERS {
            writers.spawn(write(database.clone(), writer, Arc::clone(&stop)));
        }
        Self { database, stop, writers }
    }

    /// Waits until this many more rows are there.
    async fn grows(&self) {
        let count = async || {
            let statement = Statement::new("SELECT count(*) AS rows FROM ledger");
            let row = self.database.read_one(statement).await.ok()??;
            row.get::<i64>("rows").ok()
        };
        let before = wait_for("the ledger to be read", PATIENCE, count).await.unwrap();
        let grown = async || count().await.filter(|rows| *rows >= before + i64::try_from(ROWS).unwrap());
        wait_for("the ledger to grow", PATIENCE, grown).await.unwrap();
    }

    /// Ends the writers; everything that was acknowledged to them must be there.
    async fn settle(self) {
        self.stop.store(true, Ordering::Relaxed);
        let acknowledged: BTreeSet<i64> = self.writers.join_all().await.into_iter().flatten().collect();
        let rows = self.database.read(Statement::new("SELECT number FROM ledger")).await.unwrap();
        let kept: BTreeSet<i64> = rows.iter().map(|row| row.get("number").unwrap()).collect();
        let lost: Vec<_> = acknowledged.difference(&kept).collect();
        assert!(acknowledged.len() >= ROWS && lost.is_empty(), "lost {lost:?} of {}", acknowledged.len());
    }
}

async fn write(database: Database, writer: i64, stop: Arc<AtomicBool>) -> BTreeSet<i64> {
    let mut acknowledged = BTreeSet::new();
    for number in 0.. {
        if stop.load(Ordering::Relaxed) {
            break;
        }
        let number = number * WRITERS + writer;
        let insert = Statement::new("INSERT INTO ledger (number) VALUES ($1)").with(number);
        if database.write(insert).await.is_ok() {
            acknowledged.insert(number);
        }
    }
    acknowledged
}

/// The port of whoever is in use.
fn port(pool: &PostgresPool) -> Option<u16> {
    pool.state().primary.map(|host| host.port)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn killed_primary_loses_nothing() {
    let mut pair = PostgresPair::start().unwrap();
    let pool = pool(&pair.create_database().unwrap(), DEADLINE).await;
    assert_eq!((port(&pool), pool.state().timeline), (Some(pair.first.port()), Some(1)));
    let epoch = pool.state().epoch;
    let ledger = Ledger::begin(&pool).await;
    ledger.grows().await;
    pair.first.kill().unwrap();
    pair.second.promote().unwrap();
    ledger.grows().await;
    assert_eq!((port(&pool), pool.state().timeline), (Some(pair.second.port()), Some(2)));
    assert!(pool.state().epoch > epoch);
    // Back, with nobody to wait for: it would acknowledge whatever it is sent.
    pair.first.revive(&["synchronous_standby_names="]).unwrap();
    assert_eq!(pair.first.ask("SELECT pg_is_in_recovery()").unwrap(), "f");
    seen(&pool, pair.first.port(), "takes writes on timeline 1").await;
    ledger.grows().await;
    assert_eq!(port(&pool), Some(pair.second.port()));
    // Nor when there is no other.
    pair.second.freeze().unwrap();
    wait_for("a search", PATIENCE, async || port(&pool).is_none().then_some(())).await.unwrap();
    pool.confirm().unwrap_err();
    let database = Database::postgres(pool.clone());
    let insert = Statement::new("INSERT INTO ledger (number) VALUES (-1)");
    let refused = database.write(insert).await.unwrap_err();
    assert!(refused.busy() && refused.to_string().contains("takes writes on timeline 1"), "{refused}");
    pair.second.thaw().unwrap();
    ledger.grows().await;
    ledger.settle().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn frozen_primary_loses_nothing() {
    let pair = PostgresPair::start().unwrap();
    let pool = pool(&pair.create_database().unwrap(), DEADLINE).await;
    let ledger = Ledger::begin(&pool).await;
    ledger.grows().await;
    pair.first.freeze().unwrap();
    pair.second.promote().unwrap();
    ledger.grows().await;
    assert_eq!(port(&pool), Some(pair.second.port()));
    // It never learnt that it was superseded.
    pair.first.thaw().unwrap();
    seen(&pool, pair.first.port(), "takes writes on timeline 1").await;
    ledger.grows().await;
    assert_eq!(port(&pool), Some(pair.second.port()));
    ledger.settle().await;
}

/// Promoted beside a primary that lives, and that nothing failed on.
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn superseded_primary_is_left() {
    let pair = PostgresPair::start().unwrap();
    let pool = pool(&pair.create_database().unwrap(), DEADLINE).await;
    let database = Database::postgres(pool.clone());
    database.write(Statement::new("CREATE TABLE kept (number BIGINT NOT NULL)")).await.unwrap();
    let insert = Statement::new("INSERT INTO kept (number) VALUES (1)");
    let mut transaction = database.begin().await.unwrap();
    transaction.execute(insert.clone()).await.unwrap();
    pair.first.ask("ALTER SYSTEM SET synchronous_standby_names = ''").unwrap();
    pair.first.ask("SELECT pg_reload_conf()").unwrap();
    pair.second.promote().unwrap();
    let moved = async || (port(&pool) == Some(pair.second.port())).then_some(());
    wait_for("the new primary", PATIENCE, moved).await.unwrap();
    let refused = transaction.commit().await.unwrap_err();
    assert!(refused.busy(), "the old primary would have acknowledged it: {refused}");
    database.write(insert).await.unwrap();
    let rows = database.read(Statement::new("SELECT number FROM kept")).await.unwrap();
    assert_eq!(rows.len(), 1);
}

/// PostgreSQL gives up waiting for the standby when its bound passes, and then says that it committed.
#[tokio::test]
async fn nothing_is_acknowledged_without_the_standby() {
    let pair = PostgresPair::start().unwrap();
    let pool = pool(&pair.create_database().unwrap(), Duration::from_millis(500)).await;
    let database = Database::postgres(pool.clone());
    let create = async || {
        let create = Statement::new("CREATE TABLE IF NOT EXISTS kept (number BIGINT NOT NULL)");
        database.write(create).await.ok()
    };
    wait_for("a table", PATIENCE, create).await.unwrap();
    pair.second.kill().unwrap();
    for _ in 0..5 {
        let insert = Statement::new("INSERT INTO kept (number) VALUES (1)");
        let error = database.write(insert).await.unwrap_err();
        assert!(error.unanswered() && !error.busy(), "{error}");
    }
    let read = async || database.read(Statement::new("SELECT number FROM kept")).await.ok();
    wait_for("reading, which needs no standby", PATIENCE, read).await.unwrap();
}

/// Without an epoch's end: the same primary, after a restart of which nobody was told.
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn restarted_server_is_used_again() {
    let mut server = Postgres::start().unwrap();
    let pool = pool(&server.create_database().unwrap(), DEADLINE).await;
    let ledger = Ledger::begin(&pool).await;
    ledger.grows().await;
    let epoch = pool.state().epoch;
    server.kill().unwrap();
    server.revive(&[]).unwrap();
    ledger.grows().await;
    assert_eq!(pool.state().epoch, epoch);
    ledger.settle().await;
}

/// One that takes no writes any more, while its connections live on: each of them fails at most once.
#[tokio::test]
async fn read_only_server_is_not_used() {
    let server = Postgres::start().unwrap();
    let pool = pool(&server.create_database().unwrap(), DEADLINE).await;
    let database = Database::postgres(pool.clone());
    database.write(Statement::new("CREATE TABLE kept (number BIGINT NOT NULL)")).await.unwrap();
    let epoch = pool.state().epoch;
    server.ask("ALTER SYSTEM SET default_transaction_read_only = on").unwrap();
    server.ask("SELECT pg_reload_conf()").unwrap();
    let insert = Statement::new("INSERT INTO kept (number) VALUES (1)");
    let refused = async || database.write(insert.clone()).await.err().filter(|error| error.busy());
    wait_for("no primary", PATIENCE, refused).await.unwrap();
    assert!(pool.state().primary.is_none() && pool.state().epoch > epoch, "{:?}", pool.state());
    server.ask("ALTER SYSTEM RESET default_transaction_read_only").unwrap();
    server.ask("SELECT pg_reload_conf()").unwrap();
    let written = async || database.write(insert.clone()).await.ok();
    wait_for("a primary", PATIENCE, written).await.unwrap();
}

#[tokio::test]
async fn frozen_first_host_holds_up_nobody() {
    let pair = PostgresPair::start().unwrap();
    let url = pair.create_database().unwrap();
    pair.first.freeze().unwrap();
    pair.second.promote().unwrap();
    assert_eq!(port(&pool(&url, DEADLINE).await), Some(pair.second.port()));
}

#[tokio::test]
async fn roles_are_told_to_anybody() {
    let pair = PostgresPair::start().unwrap();
    let url = pair.create_database().unwrap();
    pair.first.ask("CREATE ROLE plain LOGIN").unwrap();
    let pool = pool(&url.replace("postgres@", "plain@"), DEADLINE).await;
    assert_eq!(port(&pool), Some(pair.first.port()));
    seen(&pool, pair.second.port(), "takes no writes on timeline 1").await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn nodes_migrate_at_once() {
    let url = Postgres::shared().create_database().unwrap();
    let mut nodes = JoinSet::new();
    for _ in 0..4 {
        let url = url.clone();
        nodes.spawn(async move {
            let migrator = Migrator::with_migrations(guard_migrations(Dialect::Postgres));
            pool(&url, PATIENCE).await.migrate(&migrator).await
        });
    }
    assert!(nodes.join_all().await.into_iter().all(|migrated| migrated.is_ok()));
    migrated(&url).await;
}

/// Waits until a host was seen as this.
async fn seen(pool: &PostgresPool, port: u16, what: &str) {
    let told = async || {
        let hosts = pool.state().hosts;
        hosts.iter().any(|(host, seen)| host.port == port && seen.contains(what)).then_some(())
    };
    wait_for(what, PATIENCE, told).await.unwrap();
}
