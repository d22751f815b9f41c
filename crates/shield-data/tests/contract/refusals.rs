//! What PostgreSQL refuses while it is well: nobody is unseated, and the caller hears that it may try again.

use shield_data::{Database, Statement};
use shield_testkit::{Postgres, wait_for};

use crate::fixture::{Fixture, PATIENCE, pool, race};

/// One for the watch over the host, two for everybody else.
const CONNECTIONS: usize = 3;
const CALLERS: usize = 8;

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn full_server_stays_the_primary() {
    let server = Postgres::shared();
    let url = server.create_database().unwrap();
    let role = format!("CREATE ROLE crowded LOGIN CONNECTION LIMIT {CONNECTIONS}");
    server.ask(&role).unwrap();
    let pool = pool(&url.replace("postgres@", "crowded@"), PATIENCE).await;
    let before = pool.state();
    let database = Database::postgres(pool.clone());
    let answers = race(CALLERS, |_| {
        let database = database.clone();
        async move { database.read_one(Statement::new("SELECT 1 AS one FROM pg_sleep(0.2)")).await.is_ok() }
    });
    assert_eq!(answers.await, [true; CALLERS], "they waited for each other");
    let after = pool.state();
    assert_eq!((after.primary, after.epoch), (before.primary, before.epoch));
    assert!(after.searches > before.searches, "nobody was ever refused: the test tests nothing");
}

#[tokio::test]
async fn what_may_work_later_is_told_apart() {
    let database = Fixture::postgres().await.database;
    let cases = [
        ("DO $$ BEGIN RAISE 'x' USING ERRCODE = '40001'; END $$", true),
        ("DO $$ BEGIN RAISE 'x' USING ERRCODE = '40P01'; END $$", true),
        ("DO $$ BEGIN RAISE 'x' USING ERRCODE = '55P03'; END $$", true),
        ("DO $$ BEGIN RAISE 'x' USING ERRCODE = '53100'; END $$", true),
        ("DO $$ BEGIN RAISE 'x' USING ERRCODE = '53200'; END $$", true),
        ("DO $$ BEGIN RAISE 'x' USING ERRCODE = '23505'; END $$", false),
    ];
    for (text, busy) in cases {
        let error = database.write(Statement::new(text)).await.unwrap_err();
        assert_eq!((error.busy(), error.unanswered()), (busy, false), "{text}: {error:?}");
    }
}

/// The server closes the connection, and what was under way on it is undone or not: nobody knows here.
#[tokio::test]
async fn idle_transaction_that_was_ended_is_no_fault_of_ours() {
    let database = Fixture::postgres().await.database;
    let mut transaction = database.begin().await.unwrap();
    transaction.execute(Statement::new("SET idle_in_transaction_session_timeout = '1ms'")).await.unwrap();
    let gone = async || {
        let others =
            "SELECT 1 FROM pg_stat_activity WHERE datname = current_database() AND state LIKE 'idle in%'";
        database.read(Statement::new(others)).await.unwrap().is_empty().then_some(())
    };
    wait_for("the end of the connection", PATIENCE, gone).await.unwrap();
    let error = transaction.execute(Statement::new("SELECT 1")).await.unwrap_err();
    assert!(error.busy() || error.unanswered(), "{error:?}");
}
