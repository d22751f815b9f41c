//! What every store rests on: deadlines, and transactions that happen whole or not at all.

use std::time::{Duration, Instant};

use shield_data::{Database, Dialect, OpenError, SqlQuotas, SqlRevocations, bounded_postgres};
use shield_guard::{
    TokenId,
    limit::{QuotaCharge, QuotaPeriod, QuotaStore, QuotaWindow},
    revocation::{Revocation, RevocationLog, RevocationReason, Revoked, Sequence},
};
use shield_testkit::Postgres;
use sqlx::{AssertSqlSafe, Connection, PgConnection, PgPool, query, query_scalar, raw_sql};

use crate::fixture::{Fixture, NOW, PATIENCE, account, postgres_pool};

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
    let pool = postgres_pool(&server, PATIENCE).await;
    let quotas = SqlQuotas::new(Database::postgres(pool.clone(), DEADLINE).await.unwrap());
    assert_eq!(quotas.add(charge()).await.unwrap(), Some(1));
    server.freeze().unwrap();
    let began = Instant::now();
    for _ in 0..3 {
        let error = quotas.add(charge()).await.unwrap_err();
        assert!(causes(&error).contains("no answer within `300ms`"), "{}", causes(&error));
    }
    assert!(began.elapsed() < PATIENCE / 2, "the pool's own patience is a minute");
    server.thaw().unwrap();
    let patient = SqlQuotas::new(Database::postgres(pool, PATIENCE).await.unwrap());
    let used = patient.add(charge()).await.unwrap().unwrap();
    assert!(used >= 2, "works again without a restart");
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
    let pool = postgres_pool(Postgres::shared(), PATIENCE).await;
    let database: String = query_scalar("SELECT current_database()::text").fetch_one(&pool).await.unwrap();
    let forget = AssertSqlSafe(format!("ALTER DATABASE {database} SET synchronous_commit = off"));
    query(forget).execute(&pool).await.unwrap();
    // Connections that were made before know nothing of it.
    let options = pool.connect_options().as_ref().clone();
    let pool = PgPool::connect_with(options).await.unwrap();
    let refused = Database::postgres(pool, PATIENCE).await;
    assert!(
        matches!(refused, Err(OpenError::NotDurable { setting: "synchronous_commit", .. })),
        "{refused:?}"
    );
}

/// A node that vanished while it held the head of the log must not stop all nodes' revocations.
#[tokio::test]
async fn vanished_holder_loses_its_locks() {
    let pool = postgres_pool(Postgres::shared(), PATIENCE).await;
    let impatient = bounded_postgres(pool.connect_options().as_ref().clone(), DEADLINE);
    let mut vanished = PgConnection::connect_with(&impatient).await.unwrap();
    let hold = "BEGIN; UPDATE guard_revocation_head SET last = last + 1";
    raw_sql(hold).execute(&mut vanished).await.unwrap();
    let log = SqlRevocations::new(Database::postgres(pool, PATIENCE).await.unwrap());
    let entry = Revocation {
        revoked: Revoked::Token { token: TokenId::new(NOW, [1; 10]) },
        reason: RevocationReason::Logout,
        revoked_at: NOW,
        expires_at: NOW,
    };
    assert_eq!(log.append(&entry).await.unwrap(), Sequence(1), "and its number was given back");
    query("SELECT 1").execute(&mut vanished).await.unwrap_err();
}

#[tokio::test]
async fn dialects_are_told_apart() {
    assert_eq!(Fixture::sqlite().await.database.dialect(), Dialect::Sqlite);
    assert_eq!(Fixture::postgres().await.database.dialect(), Dialect::Postgres);
}
