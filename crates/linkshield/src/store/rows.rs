//! Rows as the database has them, and their way into the model. A value that this version does not know is an error,
//! never a guess.

use jiff::Timestamp;
use serde_json::value::RawValue;
use uuid::Uuid;

use super::{
    error::StoreError,
    model::{CheckId, CheckStatus, ScanType, StoredCheck, StoredScanResult},
};
use crate::analysis::ThreatLevel;

/// A row of `checks`, column for column.
#[derive(Debug, sqlx::FromRow)]
pub(super) struct CheckRow {
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
#[derive(Debug, sqlx::FromRow)]
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

impl TryFrom<CheckRow> for StoredCheck {
    type Error = StoreError;

    fn try_from(row: CheckRow) -> Result<Self, StoreError> {
        let level = |name: String| known("threat_level", name, ThreatLevel::from_name);
        Ok(Self {
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

fn known<T>(
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

fn time(value_ms: i64) -> Result<Timestamp, StoreError> {
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
