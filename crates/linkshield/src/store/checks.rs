//! Storing and finding single checks.

use std::collections::BTreeSet;

use jiff::Timestamp;
use shield_data::{LockSpace, SqlError, Statement, Transaction};
use uuid::Uuid;

use super::{
    error::StoreError,
    model::{CheckId, NewCheck, NewScanResult, StoredCheck, StoredScanResult},
    open::Store,
    rows,
};

/// Names of URLs that checks are being stored for.
const URLS: LockSpace = LockSpace::Other("checked url");

macro_rules! columns {
    () => {
        "id, original_url, normalized_url, domain, status, threat_level, confidence_score, scan_started_at, \
         scan_completed_at, analysis_results, error_message, created_at, account"
    };
}

/// The `coalesce` of `status` and `account` keep SQLite's planner from walking all completed checks, or all of an account: to
/// it, the indexes look the same.
pub(super) const FIND_REUSABLE: &str = concat!(
    "SELECT ",
    columns!(),
    " FROM checks
    WHERE normalized_url = $1 AND analyzer = $2 AND created_at >= $3 AND reusable = 1
    AND coalesce(status, '') = 'completed' AND coalesce(account, '') = coalesce($4, '')
    ORDER BY sequence DESC LIMIT 1"
);
pub(super) const FIND: &str = concat!("SELECT ", columns!(), " FROM checks WHERE id = $1");
/// Without RETURNING: SQLite would copy every page that it changes, to be able to undo this one statement.
const INSERT: &str =
    "INSERT INTO checks (id, original_url, normalized_url, domain, registrable_domain, status,
    threat_level, confidence_score, scan_started_at, scan_completed_at, analysis_results, analyzer, reusable,
    created_at, account) VALUES ($1, $2, $3, $4, $5, 'completed', $6, $7, $8, $9, $10, $11, $12, $8, $13)";
const INSERT_RESULT: &str =
    "INSERT INTO scan_results (id, check_sequence, scan_type, provider, threat_detected,
    threat_types, confidence_score, metadata, created_at)
    VALUES ($1, (SELECT sequence FROM checks WHERE id = $2), $3, $4, $5, $6, $7, $8, $9)";
/// One statement, so that pruning cannot take the results away between two. A check without results is one row without a
/// result. Ids of results rise in the order in which they were made.
pub(super) const FIND_RESULTS: &str =
    "SELECT scan_results.id AS result, scan_type, provider, threat_detected, threat_types,
    scan_results.confidence_score AS confidence_score, metadata, scan_results.created_at AS created_at
    FROM checks LEFT JOIN scan_results ON scan_results.check_sequence = checks.sequence
    WHERE checks.id = $1 ORDER BY scan_results.id";

/// A check that was stored, or the recent one that already answers it.
#[derive(Debug, Clone)]
pub struct Recorded {
    /// The check.
    pub check: StoredCheck,
    /// Whether it was there before.
    pub reused: bool,
}

// === impl Store ===

impl Store {
    /// The newest check since `since` that answers `check`: of the same URL, analyzer and owner. Without taking the write lock.
    ///
    /// # Errors
    /// When the database does not answer.
    pub async fn find_reusable(
        &self,
        check: &NewCheck,
        since: Timestamp,
    ) -> Result<Option<StoredCheck>, StoreError> {
        let found = self.checks.read_one(reusable(check, since)).await;
        found.map_err(StoreError::during("find reusable check"))?.map(rows::check).transpose()
    }

    /// Stores `checks` in one transaction. With `reuse_since`, a check that somebody stored since then for the same
    /// URL is answered instead; looking and storing cannot be interleaved by another process.
    ///
    /// # Errors
    /// When the database does not take them; then none of them is stored.
    pub async fn record(
        &self,
        checks: Vec<NewCheck>,
        reuse_since: Option<Timestamp>,
    ) -> Result<Vec<Recorded>, StoreError> {
        self.confirm_file()?;
        let during = StoreError::during("record checks");
        let mut transaction = self.checks.begin().await.map_err(&during)?;
        if reuse_since.is_some() {
            // In their order, so that none waits in a ring.
            let urls: BTreeSet<&str> =
                checks.iter().filter(|check| check.reusable).map(|check| &*check.normalized_url).collect();
            for url in urls {
                transaction.lock(URLS, url.as_bytes()).await.map_err(&during)?;
            }
        }
        let mut recorded = Vec::with_capacity(checks.len());
        for check in checks {
            recorded.push(record_one(&mut transaction, check, reuse_since).await?);
        }
        transaction.commit().await.map_err(&during)?;
        Ok(recorded)
    }

    /// The check with this id.
    ///
    /// # Errors
    /// When the database does not answer.
    pub async fn find_check(&self, id: CheckId) -> Result<Option<StoredCheck>, StoreError> {
        let found = self.checks.read_one(Statement::new(FIND).with(id.to_string())).await;
        found.map_err(StoreError::during("find check"))?.map(rows::check).transpose()
    }

    /// What the scans of this check found; None when there is no such check.
    ///
    /// # Errors
    /// When the database does not answer.
    pub async fn find_results(&self, id: CheckId) -> Result<Option<Vec<StoredScanResult>>, StoreError> {
        let during = StoreError::during("find results");
        let found =
            self.checks.read(Statement::new(FIND_RESULTS).with(id.to_string())).await.map_err(&during)?;
        let Some(first) = found.first() else { return Ok(None) };
        if first.get::<Option<String>>("result").map_err(&during)?.is_none() {
            return Ok(Some(Vec::new()));
        }
        found.into_iter().map(rows::scan_result).collect::<Result<_, _>>().map(Some)
    }
}

async fn record_one(
    transaction: &mut Transaction,
    check: NewCheck,
    reuse_since: Option<Timestamp>,
) -> Result<Recorded, StoreError> {
    if let (Some(since), true) = (reuse_since, check.reusable) {
        let recent = transaction.row(reusable(&check, since)).await;
        if let Some(row) = recent.map_err(StoreError::during("find reusable check"))? {
            return Ok(Recorded { check: rows::check(row)?, reused: true });
        }
    }
    let stored = check.stored()?;
    insert(transaction, check).await.map_err(StoreError::during("insert check"))?;
    Ok(Recorded { check: stored, reused: false })
}

fn reusable(check: &NewCheck, since: Timestamp) -> Statement {
    Statement::new(FIND_REUSABLE)
        .with(&*check.normalized_url)
        .with(&*check.analyzer)
        .with(since.as_millisecond())
        .with(check.account)
}

async fn insert(transaction: &mut Transaction, check: NewCheck) -> Result<(), SqlError> {
    let (id, created_at_ms) = (check.id, check.scan_started_at.as_millisecond());
    let statement = Statement::new(INSERT)
        .with(id.to_string())
        .with(check.original_url)
        .with(check.normalized_url)
        .with(check.domain)
        .with(check.registrable_domain)
        .with(check.threat_level.as_str())
        .with(i64::from(check.confidence_score))
        .with(created_at_ms)
        .with(check.scan_completed_at.as_millisecond())
        .with(check.analysis_results)
        .with(check.analyzer)
        .with(check.reusable)
        .with(check.account);
    transaction.execute(statement).await?;
    for result in check.scan_results {
        transaction.execute(insertion(id, created_at_ms, result)).await?;
    }
    Ok(())
}

fn insertion(check: CheckId, created_at_ms: i64, result: NewScanResult) -> Statement {
    Statement::new(INSERT_RESULT)
        .with(Uuid::now_v7().to_string())
        .with(check.to_string())
        .with(result.scan_type.as_str())
        .with(result.provider)
        .with(result.threat_detected)
        .with(serde_json::json!(result.threat_types).to_string())
        .with(i64::from(result.confidence_score))
        .with(result.metadata.to_string())
        .with(created_at_ms)
}
