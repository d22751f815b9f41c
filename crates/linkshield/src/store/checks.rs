//! Storing and finding single checks.

use jiff::Timestamp;
use sqlx::{Connection, Sqlite, SqliteConnection, Transaction};
use uuid::Uuid;

use super::{
    account_rows::id_bytes,
    error::StoreError,
    model::{CheckId, NewCheck, NewScanResult, StoredCheck, StoredScanResult},
    open::Store,
    rows::{CheckRow, ScanResultRow},
};

/// `+status` and `+account` keep the planner from walking all completed checks, or all of an account: to it, the indexes look
/// the same.
pub(super) const FIND_REUSABLE: &str =
    "SELECT id, original_url, normalized_url, domain, status, threat_level,
    confidence_score, scan_started_at, scan_completed_at, analysis_results, error_message, created_at, account
    FROM checks
    WHERE normalized_url = ?1 AND analyzer = ?2 AND created_at >= ?3 AND reusable = 1 AND +status = 'completed' AND +account IS ?4
    ORDER BY sequence DESC LIMIT 1";
pub(super) const FIND: &str = "SELECT id, original_url, normalized_url, domain, status, threat_level,
    confidence_score, scan_started_at, scan_completed_at, analysis_results, error_message, created_at, account
    FROM checks WHERE id = ?1";
const INSERT: &str =
    "INSERT INTO checks (id, original_url, normalized_url, domain, registrable_domain, status,
    threat_level, confidence_score, scan_started_at, scan_completed_at, analysis_results, analyzer, reusable,
    created_at, account) VALUES (?1, ?2, ?3, ?4, ?5, 'completed', ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?8, ?13)";
const INSERT_RESULT: &str =
    "INSERT INTO scan_results (id, check_sequence, scan_type, provider, threat_detected,
    threat_types, confidence_score, metadata, created_at) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9)";
pub(super) const FIND_RESULTS: &str =
    "SELECT scan_results.id, scan_type, provider, threat_detected, threat_types,
    scan_results.confidence_score, metadata, scan_results.created_at
    FROM scan_results JOIN checks ON checks.sequence = scan_results.check_sequence
    WHERE checks.id = ?1 ORDER BY scan_results.rowid";

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
        let mut connection =
            self.reader.acquire().await.map_err(StoreError::during("find reusable check"))?;
        find_reusable(&mut connection, check, since).await
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
        let mut connection = self.writer.acquire().await.map_err(StoreError::during("record checks"))?;
        let recorded = record_all(&mut connection, checks, reuse_since).await;
        if recorded.as_ref().is_err_and(|error| !error.retryable()) {
            // After some failures, such as a full disk, SQLite has rolled back by itself; sqlx then believes in an open
            // transaction and never begins another one on this connection.
            connection.close_on_drop();
        }
        recorded
    }

    /// The check with this id.
    ///
    /// # Errors
    /// When the database does not answer.
    pub async fn find_check(&self, id: CheckId) -> Result<Option<StoredCheck>, StoreError> {
        let row: Option<CheckRow> = sqlx::query_as(FIND)
            .bind(id.to_string())
            .fetch_optional(&self.reader)
            .await
            .map_err(StoreError::during("find check"))?;
        row.map(StoredCheck::try_from).transpose()
    }

    /// What the scans of this check found; None when there is no such check.
    ///
    /// # Errors
    /// When the database does not answer.
    pub async fn find_results(&self, id: CheckId) -> Result<Option<Vec<StoredScanResult>>, StoreError> {
        let during = StoreError::during("find results");
        // One read transaction: pruning must not take the results away between the two statements.
        let mut transaction = self.reader.begin().await.map_err(&during)?;
        let check: Option<CheckRow> = sqlx::query_as(FIND)
            .bind(id.to_string())
            .fetch_optional(&mut *transaction)
            .await
            .map_err(&during)?;
        if check.is_none() {
            return Ok(None);
        }
        let rows: Vec<ScanResultRow> = sqlx::query_as(FIND_RESULTS)
            .bind(id.to_string())
            .fetch_all(&mut *transaction)
            .await
            .map_err(&during)?;
        rows.into_iter().map(StoredScanResult::try_from).collect::<Result<_, _>>().map(Some)
    }
}

async fn record_all(
    connection: &mut SqliteConnection,
    checks: Vec<NewCheck>,
    reuse_since: Option<Timestamp>,
) -> Result<Vec<Recorded>, StoreError> {
    let during = StoreError::during("record checks");
    let mut transaction = connection.begin_with("BEGIN IMMEDIATE").await.map_err(&during)?;
    let mut recorded = Vec::with_capacity(checks.len());
    for check in checks {
        recorded.push(record_one(&mut transaction, check, reuse_since).await?);
    }
    transaction.commit().await.map_err(&during)?;
    Ok(recorded)
}

async fn record_one(
    transaction: &mut Transaction<'_, Sqlite>,
    check: NewCheck,
    reuse_since: Option<Timestamp>,
) -> Result<Recorded, StoreError> {
    if let (Some(since), true) = (reuse_since, check.reusable) {
        let recent = find_reusable(transaction, &check, since).await?;
        if let Some(check) = recent {
            return Ok(Recorded { check, reused: true });
        }
    }
    let id = check.id;
    insert(transaction, check).await?;
    let row: CheckRow = sqlx::query_as(FIND)
        .bind(id.to_string())
        .fetch_one(&mut **transaction)
        .await
        .map_err(StoreError::during("read back check"))?;
    Ok(Recorded { check: row.try_into()?, reused: false })
}

async fn find_reusable(
    connection: &mut SqliteConnection,
    check: &NewCheck,
    since: Timestamp,
) -> Result<Option<StoredCheck>, StoreError> {
    let row: Option<CheckRow> = sqlx::query_as(FIND_REUSABLE)
        .bind(check.normalized_url.clone())
        .bind(check.analyzer.clone())
        .bind(since.as_millisecond())
        .bind(check.account.map(id_bytes))
        .fetch_optional(connection)
        .await
        .map_err(StoreError::during("find reusable check"))?;
    row.map(StoredCheck::try_from).transpose()
}

async fn insert(transaction: &mut Transaction<'_, Sqlite>, check: NewCheck) -> Result<(), StoreError> {
    let created_at_ms = check.scan_started_at.as_millisecond();
    let inserted = sqlx::query(INSERT)
        .bind(check.id.to_string())
        .bind(check.original_url)
        .bind(check.normalized_url)
        .bind(check.domain)
        .bind(check.registrable_domain)
        .bind(check.threat_level.as_str())
        .bind(i64::from(check.confidence_score))
        .bind(created_at_ms)
        .bind(check.scan_completed_at.as_millisecond())
        .bind(check.analysis_results)
        .bind(check.analyzer)
        .bind(check.reusable)
        .bind(check.account.map(id_bytes))
        .execute(&mut **transaction)
        .await
        .map_err(StoreError::during("insert check"))?;
    for result in check.scan_results {
        insert_result(transaction, inserted.last_insert_rowid(), created_at_ms, result).await?;
    }
    Ok(())
}

async fn insert_result(
    transaction: &mut Transaction<'_, Sqlite>,
    check_sequence: i64,
    created_at_ms: i64,
    result: NewScanResult,
) -> Result<(), StoreError> {
    sqlx::query(INSERT_RESULT)
        .bind(Uuid::now_v7().to_string())
        .bind(check_sequence)
        .bind(result.scan_type.as_str())
        .bind(result.provider)
        .bind(result.threat_detected)
        .bind(serde_json::json!(result.threat_types).to_string())
        .bind(i64::from(result.confidence_score))
        .bind(result.metadata.to_string())
        .bind(created_at_ms)
        .execute(&mut **transaction)
        .await
        .map(drop)
        .map_err(StoreError::during("insert result"))
}
