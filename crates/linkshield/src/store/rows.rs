//! Rows as the database has them, and their way into the model. A value that this version does not know is an error,
//! never a guess.
//!
//! Written out instead of derived: sqlx's macros would compile SQLite and half of sqlx a second time, for the compiler.

use jiff::Timestamp;
use serde_json::value::RawValue;
use sqlx::{FromRow, Row, sqlite::SqliteRow};
use uuid::Uuid;

use super::{
    account_rows::account_id,
    error::StoreError,
    model::{CheckId, CheckStatus, ScanType, StoredCheck, StoredScanResult},
};
use crate::analysis::ThreatLevel;

/// A row of `checks`, column for column.
#[derive(Debug)]
pub(super) struct CheckRow {
    account: Option<Vec<u8>>,
    id: String,
    original_url: String,
    normalized_url: String,
    domain: String,
    status: String,
    threat_level: Option<String>,
    confidence_score: Option<i64>,
    scan_started_at: Option<i64>,
    scan_completed_at: Option<i64>,
    analysis_results: Option<String>,
    error_message: Option<String>,
    created_at: i64,
}

/// A row of `scan_results`, column for column.
#[derive(Debug)]
pub(super) struct ScanResultRow {
    id: String,
    scan_type: String,
    provider: String,
    threat_detected: bool,
    threat_types: String,
    confidence_score: i64,
    metadata: String,
    created_at: i64,
}

impl FromRow<'_, SqliteRow> for CheckRow {
    fn from_row(row: &SqliteRow) -> sqlx::Result<Self> {
        Ok(Self {
            account: row.try_get("account")?,
            id: row.try_get("id")?,
            original_url: row.try_get("original_url")?,
            normalized_url: row.try_get("normalized_url")?,
            domain: row.try_get("domain")?,
            status: row.try_get("status")?,
            threat_level: row.try_get("threat_level")?,
            confidence_score: row.try_get("confidence_score")?,
            scan_started_at: row.try_get("scan_started_at")?,
            scan_completed_at: row.try_get("scan_completed_at")?,
            analysis_results: row.try_get("analysis_results")?,
            error_message: row.try_get("error_message")?,
            created_at: row.try_get("created_at")?,
        })
    }
}

impl FromRow<'_, SqliteRow> for ScanResultRow {
    fn from_row(row: &SqliteRow) -> sqlx::Result<Self> {
        Ok(Self {
            id: row.try_get("id")?,
            scan_type: row.try_get("scan_type")?,
            provider: row.try_get("provider")?,
            threat_detected: row.try_get("threat_detected")?,
            threat_types: row.try_get("threat_types")?,
            confidence_score: row.try_get("confidence_score")?,
            metadata: row.try_get("metadata")?,
            created_at: row.try_get("created_at")?,
        })
    }
}

impl TryFrom<CheckRow> for StoredCheck {
    type Error = StoreError;

    fn try_from(row: CheckRow) -> Result<Self, StoreError> {
        let level = |name: String| known("threat_level", name, ThreatLevel::from_name);
        Ok(Self {
            account: row.account.as_deref().map(account_id).transpose()?,
            id: known("id", row.id, CheckId::parse)?,
            original_url: row.original_url,
            normalized_url: row.normalized_url,
            domain: row.domain,
            status: known("status", row.status, CheckStatus::from_name)?,
            threat_level: row.threat_level.map(level).transpose()?,
            confidence_score: row.confidence_score.map(score).transpose()?,
            scan_started_at: row.scan_started_at.map(time).transpose()?,
            scan_completed_at: row.scan_completed_at.map(time).transpose()?,
            analysis_results: row.analysis_results.map(report).transpose()?,
            error_message: row.error_message,
            created_at: time(row.created_at)?,
            broken_links_count: None,
            total_links_checked: None,
            scan_depth_used: None,
            max_links_used: None,
        })
    }
}

impl TryFrom<ScanResultRow> for StoredScanResult {
    type Error = StoreError;

    fn try_from(row: ScanResultRow) -> Result<Self, StoreError> {
        Ok(Self {
            id: known("id", row.id, |text| Uuid::try_parse(text).ok())?,
            scan_type: known("scan_type", row.scan_type, ScanType::from_name)?,
            provider: row.provider,
            threat_detected: row.threat_detected,
            threat_types: json("threat_types", &row.threat_types)?,
            confidence_score: score(row.confidence_score)?,
            metadata: json("metadata", &row.metadata)?,
            created_at: time(row.created_at)?,
        })
    }
}

pub(super) fn known<T>(
    column: &'static str,
    value: String,
    read: impl FnOnce(&str) -> Option<T>,
) -> Result<T, StoreError> {
    read(&value).ok_or(StoreError::Value { column, value })
}

fn score(value: i64) -> Result<u8, StoreError> {
    u8::try_from(value)
        .map_err(|_| StoreError::Value { column: "confidence_score", value: value.to_string() })
}

pub(super) fn time(value_ms: i64) -> Result<Timestamp, StoreError> {
    Timestamp::from_millisecond(value_ms)
        .map_err(|_| StoreError::Value { column: "created_at", value: value_ms.to_string() })
}

/// The stored report as it is: nobody here looks into it, and its fields keep their order.
fn report(text: String) -> Result<Box<RawValue>, StoreError> {
    let start: String = text.chars().take(80).collect();
    RawValue::from_string(text).map_err(|_| StoreError::Value { column: "analysis_results", value: start })
}

fn json<T: serde::de::DeserializeOwned>(column: &'static str, text: &str) -> Result<T, StoreError> {
    serde_json::from_str(text)
        .map_err(|_| StoreError::Value { column, value: text.chars().take(80).collect() })
}
