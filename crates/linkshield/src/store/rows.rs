//! Rows as the database has them, and their way into the model. A value that this version does not know is an error,
//! never a guess.
//!
//! A fact is 1 or 0 in both databases.

use jiff::Timestamp;
use serde_json::value::RawValue;
use shield_data::{Row, SqlError};
use uuid::Uuid;

use super::{
    account_rows::account_id,
    error::StoreError,
    model::{CheckId, CheckStatus, NewCheck, ScanType, StoredCheck, StoredScanResult},
};
use crate::analysis::ThreatLevel;

/// A row of `checks`, column for column.
#[derive(Debug)]
struct CheckRow {
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
struct ScanResultRow {
    id: String,
    scan_type: String,
    provider: String,
    threat_detected: bool,
    threat_types: String,
    confidence_score: i64,
    metadata: String,
    created_at: i64,
}

/// A row of `checks` as a check.
pub(super) fn check(row: Row) -> Result<StoredCheck, StoreError> {
    CheckRow::read(&row).map_err(StoreError::during("read check"))?.try_into()
}

/// A row of `scan_results` as a result.
pub(super) fn scan_result(row: Row) -> Result<StoredScanResult, StoreError> {
    ScanResultRow::read(&row).map_err(StoreError::during("read scan result"))?.try_into()
}

impl NewCheck {
    /// What would be read once this is stored.
    pub(super) fn stored(&self) -> Result<StoredCheck, StoreError> {
        CheckRow {
            account: self.account.map(|account| account.uuid().as_bytes().to_vec()),
            id: self.id.to_string(),
            original_url: self.original_url.clone(),
            normalized_url: self.normalized_url.clone(),
            domain: self.domain.clone(),
            status: CheckStatus::Completed.as_str().to_owned(),
            threat_level: Some(self.threat_level.as_str().to_owned()),
            confidence_score: Some(self.confidence_score.into()),
            scan_started_at: Some(self.scan_started_at.as_millisecond()),
            scan_completed_at: Some(self.scan_completed_at.as_millisecond()),
            analysis_results: Some(self.analysis_results.clone()),
            error_message: None,
            created_at: self.scan_started_at.as_millisecond(),
        }
        .try_into()
    }
}

/// Whether a column that is 1 or 0 is 1.
pub(super) fn fact(row: &Row, column: &'static str) -> Result<bool, SqlError> {
    row.get::<i64>(column).map(|number| number != 0)
}

impl CheckRow {
    fn read(row: &Row) -> Result<Self, SqlError> {
        Ok(Self {
            account: row.get("account")?,
            id: row.get("id")?,
            original_url: row.get("original_url")?,
            normalized_url: row.get("normalized_url")?,
            domain: row.get("domain")?,
            status: row.get("status")?,
            threat_level: row.get("threat_level")?,
            confidence_score: row.get("confidence_score")?,
            scan_started_at: row.get("scan_started_at")?,
            scan_completed_at: row.get("scan_completed_at")?,
            analysis_results: row.get("analysis_results")?,
            error_message: row.get("error_message")?,
            created_at: row.get("created_at")?,
        })
    }
}

impl ScanResultRow {
    fn read(row: &Row) -> Result<Self, SqlError> {
        Ok(Self {
            id: row.get("result")?,
            scan_type: row.get("scan_type")?,
            provider: row.get("provider")?,
            threat_detected: fact(row, "threat_detected")?,
            threat_types: row.get("threat_types")?,
            confidence_score: row.get("confidence_score")?,
            metadata: row.get("metadata")?,
            created_at: row.get("created_at")?,
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
