//! What every store rests on: deadlines, and transactions that happen whole or not at all.

use std::time::{Duration, Instant};

use shield_data::{Database, Dialect, OpenError, SqlQuotas};
use shield_guard::limit::{QuotaCharge, QuotaPeriod, QuotaStore, QuotaWindow};
use shield_testkit::Postgres;
use sqlx::query;

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
    let quotas = SqlQuotas::new(Database::postgres(pool.clone(), DEADLINE));
    assert_eq!(quotas.add(charge()).await.unwrap(), Some(1));
    server.freeze().unwrap();
    let began = Instant::now();
    for _ in 0..3 {
        let error = quotas.add(charge()).await.unwrap_err();
        assert!(causes(&error).contains("no answer within `300ms`"), "{}", causes(&error));
    }
    assert!(began.elapsed() < PATIENCE / 2, "the pool's own patience is a minute");
    server.thaw().unwrap();
    let patient = SqlQuotas::new(Database::postgres(pool, PATIENCE));
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
    assert!(matches!(refused, Err(OpenError::NotDurable { found: 1 })), "{refused:?}");
}

#[tokio::test]
async fn dialects_are_told_apart() {
    assert_eq!(Fixture::sqlite().await.database.dialect(), Dialect::Sqlite);
    assert_eq!(Fixture::postgres().await.database.dialect(), Dialect::Postgres);
}
