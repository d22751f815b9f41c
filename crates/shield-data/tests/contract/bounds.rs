//! What every store rests on: deadlines, and transactions that happen whole or not at all.

use std::time::{Duration, Instant};

use shield_data::{
    Database, Dialect, OpenError, PostgresPool, PostgresSettings, SqlQuotas, SqlRevocations, Statement,
    bounded_postgres,
};
use shield_guard::{
    TokenId,
    limit::{QuotaCharge, QuotaPeriod, QuotaStore, QuotaWindow},
    revocation::{Revocation, RevocationLog, RevocationReason, Revoked, Sequence},
};
use shield_testkit::{Postgres, wait_for};
use sqlx::{Connection, PgConnection, postgres::PgConnectOptions, query, raw_sql};
use tokio::time::timeout;

use crate::fixture::{Fixture, NOW, PATIENCE, account, migrated, pool, settings};

const DEADLINE: Duration = Duration::from_millis(300);

fn charge() -> QuotaCharge<'static> {
    let window = QuotaWindow::at(QuotaPeriod::Day, NOW);
    QuotaCharge { account: account(1), feature: "checks", window, cost: 1, units: 100 }
}

fn causes(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut next = error.source();
    while let Some(cause) = next {
        text.push_str(": ");
        text.push_str(&cause.to_string());
        next = cause.source();
    }
    text
}

#[tokio::test]
async fn frozen_postgres_holds_nobody() {
    let server = Postgres::start().unwrap();
    let url = migrated(&server.create_database().unwrap()).await;
    let quotas = SqlQuotas::new(Database::postgres(pool(&url, DEADLINE).await));
    // The first one also opens a connection, within the same deadline.
    while quotas.add(charge()).await.is_err() {}
    server.freeze().unwrap();
    let began = Instant::now();
    let error = causes(&quotas.add(charge()).await.unwrap_err());
    assert!(error.contains("no answer within `300ms`"), "{error}");
    for _ in 0..5 {
        quotas.add(charge()).await.unwrap_err();
    }
    assert!(began.elapsed() < PATIENCE / 2, "the watchers' patience is a minute");
    server.thaw().unwrap();
    let used = wait_for("the database to answer again", PATIENCE, async || quotas.add(charge()).await.ok());
    assert!(used.await.unwrap().unwrap() >= 2, "works again without a restart");
}

#[tokio::test]
async fn locked_sqlite_holds_nobody() {
    let fixture = Fixture::sqlite().await;
    let pools = fixture.files.as_ref().unwrap();
    let quotas = SqlQuotas::new(Database::sqlite(pools.clone(), DEADLINE).await.unwrap());
    let other = pools.reader.begin_with("BEGIN IMMEDIATE").await.unwrap();
    let error = quotas.add(charge()).await.unwrap_err();
    assert!(causes(&error).contains("no answer within `300ms`"), "{}", causes(&error));
    other.rollback().await.unwrap();
    let patient = SqlQuotas::new(fixture.database.clone());
    assert!(patient.add(charge()).await.unwrap().is_some(), "the writer is free again");
}

#[tokio::test]
async fn refuses_sqlite_that_forgets() {
    let fixture = Fixture::sqlite().await;
    let pools = fixture.files.as_ref().unwrap();
    query("PRAGMA synchronous = NORMAL").execute(&pools.writer).await.unwrap();
    let refused = Database::sqlite(pools.clone(), PATIENCE).await;
    assert!(matches!(refused, Err(OpenError::NotDurable { setting: "synchronous", .. })), "{refused:?}");
}

#[tokio::test]
async fn refuses_postgres_that_forgets() {
    for forgetful in ["off", "local"] {
        let server = Postgres::shared();
        let url = migrated(&server.create_database().unwrap()).await;
        let options: PgConnectOptions = url.parse().unwrap();
        let name = options.get_database().unwrap();
        server.ask(&format!("ALTER DATABASE {name} SET synchronous_commit = {forgetful}")).unwrap();
        let refused = PostgresPool::open(url.parse().unwrap(), settings(PATIENCE)).await;
        assert!(
            matches!(&refused, Err(OpenError::NotDurable { setting: "synchronous_commit", found, .. })
                if found == forgetful),
            "{refused:?}"
        );
    }
}

#[tokio::test]
async fn refused_log_in_is_told_at_once() {
    let url = Postgres::shared().create_database().unwrap();
    let nowhere = url.replace("/test_", "/nowhere_");
    let patient = PostgresSettings { patience: PATIENCE * 60, ..settings(PATIENCE) };
    let opening = timeout(PATIENCE, PostgresPool::open(nowhere.parse().unwrap(), patient));
    let error = causes(&opening.await.unwrap().unwrap_err());
    assert!(error.contains("does not exist") && error.contains("`127.0.0.1:"), "{error}");
}

/// A node that vanished while it held the head of the log must not stop all nodes' revocations.
#[tokio::test]
async fn vanished_holder_loses_its_locks() {
    let url = migrated(&Postgres::shared().create_database().unwrap()).await;
    let impatient = bounded_postgres(url.parse().unwrap(), DEADLINE);
    let mut vanished = PgConnection::connect_with(&impatient).await.unwrap();
    let hold = "BEGIN; UPDATE guard_revocation_head SET last = last + 1";
    raw_sql(hold).execute(&mut vanished).await.unwrap();
    let log = SqlRevocations::new(Database::postgres(pool(&url, PATIENCE).await));
    let entry = Revocation {
        revoked: Revoked::Token { token: TokenId::new(NOW, [1; 10]) },
        reason: RevocationReason::Logout,
        revoked_at: NOW,
        expires_at: NOW,
    };
    assert_eq!(log.append(&entry).await.unwrap(), Sequence(1), "and its number was given back");
    query("SELECT 1").execute(&mut vanished).await.unwrap_err();
}

/// Compiling a query of tables with one row took a server longer than a deadline, on a busy machine.
#[tokio::test]
async fn nothing_is_compiled() {
    let ask = Statement::new("SELECT current_setting('jit') AS text");
    let row = Fixture::postgres().await.database.read_one(ask).await.unwrap().unwrap();
    assert_eq!(row.get::<String>("text").unwrap(), "off");
}

#[tokio::test]
async fn nul_fails_no_database() {
    for fixture in [Fixture::sqlite().await, Fixture::postgres().await] {
        let echo = Statement::new("SELECT CAST($1 AS TEXT) AS text").with("a\0b");
        let row = fixture.database.read_one(echo).await.unwrap().unwrap();
        let text: String = row.get("text").unwrap();
        assert!(["a\0b", "a\u{fffd}b"].contains(&text.as_str()), "{text:?}");
    }
}

#[tokio::test]
async fn dialects_are_told_apart() {
    assert_eq!(Fixture::sqlite().await.database.dialect(), Dialect::Sqlite);
    assert_eq!(Fixture::postgres().await.database.dialect(), Dialect::Postgres);
}
