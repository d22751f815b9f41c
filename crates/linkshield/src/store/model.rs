//! Rows as types: what goes into the database and what comes out.

use std::fmt;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;
use shield_guard::AccountId;
use utoipa::ToSchema;
use uuid::Uuid;

use crate::analysis::ThreatLevel;

/// Identifies one check; sortable by creation time.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, ToSchema)]
#[serde(transparent)]
#[schema(value_type = String, format = "uuid")]
pub struct CheckId(Uuid);

/// How far a check has come.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum CheckStatus {
    /// Accepted, not begun.
    Pending,
    /// Being analysed.
    InProgress,
    /// Has a verdict.
    Completed,
    /// Ended without a verdict.
    Failed,
    /// Ran out of time.
    Timeout,
}

/// A kind of scan, spelled as the original does.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub enum ScanType {
    /// Threat lists.
    Security,
    /// What is known about the domain.
    Reputation,
    /// What the page contains.
    Content,
    /// The structure of the URL.
    Technical,
    /// The page's links.
    #[serde(rename = "broken_links")]
    BrokenLinks,
}

/// A finished check on its way into the database.
#[derive(Debug, Clone)]
pub struct NewCheck {
    /// Whose it is; None for a client that did not say.
    pub account: Option<AccountId>,
    /// Fresh id.
    pub id: CheckId,
    /// The text as submitted.
    pub original_url: String,
    /// Its normal form.
    pub normalized_url: String,
    /// Host.
    pub domain: String,
    /// Registrable domain, or the host.
    pub registrable_domain: String,
    /// The verdict.
    pub threat_level: ThreatLevel,
    /// 0 to 100.
    pub confidence_score: u8,
    /// When the analysis began.
    pub scan_started_at: Timestamp,
    /// When the analysis ended.
    pub scan_completed_at: Timestamp,
    /// The report as JSON.
    pub analysis_results: String,
    /// Name and version of the rules and lists used.
    pub analyzer: String,
    /// Whether the verdict holds for every spelling of the normal form.
    pub reusable: bool,
    /// What each scan found.
    pub scan_results: Vec<NewScanResult>,
}

/// What one scan found, on its way into the database.
#[derive(Debug, Clone)]
pub struct NewScanResult {
    /// The kind of scan.
    pub scan_type: ScanType,
    /// Who scanned.
    pub provider: &'static str,
    /// Whether it found a threat.
    pub threat_detected: bool,
    /// Ids of the findings behind it.
    pub threat_types: Vec<&'static str>,
    /// 0 to 100.
    pub confidence_score: u8,
    /// Versions and counts.
    pub metadata: serde_json::Value,
}

/// A check as the API answers it.
#[derive(Debug, Clone, Serialize, ToSchema)]
#[schema(as = URLCheckResponse)]
pub struct StoredCheck {
    /// Whose it is; None for a client that did not say. Not shown: whoever sees a check owns it, or nobody does.
    #[serde(skip)]
    #[schema(ignore)]
    pub account: Option<AccountId>,
    /// Id of the check.
    pub id: CheckId,
    /// The text as it was submitted first.
    pub original_url: String,
    /// Its normal form: scheme added, host lower-cased, fragment dropped.
    pub normalized_url: String,
    /// Host of the URL; empty when the scheme has none.
    pub domain: String,
    /// How far the check has come.
    pub status: CheckStatus,
    /// The verdict.
    pub threat_level: Option<ThreatLevel>,
    /// How sure the analysis is of the level, 0 to 100.
    pub confidence_score: Option<u8>,
    /// When the analysis began.
    #[schema(value_type = Option<String>, format = DateTime)]
    pub scan_started_at: Option<Timestamp>,
    /// When the analysis ended.
    #[schema(value_type = Option<String>, format = DateTime)]
    pub scan_completed_at: Option<Timestamp>,
    /// Score, verdict and findings.
    #[schema(value_type = Option<crate::service::AnalysisResults>)]
    pub analysis_results: Option<Box<RawValue>>,
    /// Why there is no verdict.
    pub error_message: Option<String>,
    /// When the check was submitted.
    #[schema(value_type = String, format = DateTime)]
    pub created_at: Timestamp,
    /// Broken links found; null, since no release follows links yet.
    pub broken_links_count: Option<u32>,
    /// Links looked at; null, since no release follows links yet.
    pub total_links_checked: Option<u32>,
    /// Depth of the link scan; null, since no release follows links yet.
    pub scan_depth_used: Option<u32>,
    /// Bound of the link scan; null, since no release follows links yet.
    pub max_links_used: Option<u32>,
}

/// What one scan of a check found, as the API answers it.
#[derive(Debug, Clone, Serialize, ToSchema)]
#[schema(as = ScanResultResponse)]
pub struct StoredScanResult {
    /// Id of the result.
    #[schema(value_type = String, format = "uuid")]
    pub id: Uuid,
    /// The kind of scan.
    pub scan_type: ScanType,
    /// Who scanned.
    pub provider: String,
    /// Whether it found a threat.
    pub threat_detected: bool,
    /// Ids of the findings behind it.
    pub threat_types: Vec<String>,
    /// How sure the scan is, 0 to 100.
    pub confidence_score: u8,
    /// Versions and counts.
    #[schema(value_type = Object)]
    pub metadata: serde_json::Value,
    /// When it was made.
    #[schema(value_type = String, format = DateTime)]
    pub created_at: Timestamp,
}

// === impl CheckId ===

impl CheckId {
    /// A fresh id.
    pub fn new() -> Self {
        Self(Uuid::now_v7())
    }

    /// Reads an id as the API prints it.
    pub fn parse(text: &str) -> Option<Self> {
        Uuid::try_parse(text).ok().map(Self)
    }
}

impl Default for CheckId {
    fn default() -> Self {
        Self::new()
    }
}

impl fmt::Display for CheckId {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(formatter)
    }
}

// === impl CheckStatus ===

impl CheckStatus {
    /// All states.
    pub const ALL: [Self; 5] =
        [Self::Pending, Self::InProgress, Self::Completed, Self::Failed, Self::Timeout];

    /// The name used in JSON and the database.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Pending => "pending",
            Self::InProgress => "in_progress",
            Self::Completed => "completed",
            Self::Failed => "failed",
            Self::Timeout => "timeout",
        }
    }

    /// The state with this name.
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|status| status.as_str() == name)
    }
}

// === impl ScanType ===

impl ScanType {
    /// All kinds.
    pub const ALL: [Self; 5] =
        [Self::Security, Self::Reputation, Self::Content, Self::Technical, Self::BrokenLinks];

    /// The name used in JSON and the database.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Security => "Security",
            Self::Reputation => "Reputation",
            Self::Content => "Content",
            Self::Technical => "Technical",
            Self::BrokenLinks => "broken_links",
        }
    }

    /// The kind with this name.
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.as_str() == name)
    }
}
