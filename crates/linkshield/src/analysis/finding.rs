//! The vocabulary of a verdict: severities, levels, rules and the findings they raise.
//!
//! A rule is a constant with a stable id, so that a client can match on it for years; a finding is one rule applied to
//! one URL, with a sentence that names the part of the URL it is about.

use std::fmt;

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// How much one finding weighs on its own.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "lowercase")]
pub enum Severity {
    /// Worth knowing, ordinary on honest sites.
    Info,
    /// Unusual on honest sites.
    Low,
    /// Seldom seen on honest sites.
    Medium,
    /// A known trick, almost never honest.
    High,
    /// Dangerous whatever else is true.
    Critical,
}

/// The level of a whole URL.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "lowercase")]
pub enum ThreatLevel {
    /// Risk score 0 to 19.
    Safe,
    /// Risk score 20 to 39.
    Low,
    /// Risk score 40 to 69.
    Medium,
    /// Risk score 70 to 89.
    High,
    /// Risk score 90 to 100.
    Critical,
}

/// A rule: what a finding of this kind is called and how much it counts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Rule {
    /// Stable name that clients may match on.
    pub id: &'static str,
    /// Lower bound of the level of a URL with this finding.
    pub severity: Severity,
    /// Points this finding adds to the risk score.
    pub points: u8,
    /// Short heading for a person.
    pub title: &'static str,
}

/// One rule applied to one URL.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
pub struct Finding {
    /// Stable name of the rule.
    #[schema(value_type = String, example = "deceptive-userinfo")]
    pub id: &'static str,
    /// How much this finding weighs on its own.
    pub severity: Severity,
    /// Short heading for a person.
    #[schema(value_type = String)]
    pub title: &'static str,
    /// One sentence that names the part of the URL and says why it matters.
    pub explanation: String,
    /// Points this finding adds to the risk score.
    pub points: u8,
    /// The part of the URL, with invisible characters made visible, at most 80 characters.
    pub evidence: String,
}

// === impl Severity ===

impl Severity {
    /// The level that a single finding of this severity gives a URL.
    pub fn level(self) -> ThreatLevel {
        match self {
            Self::Info => ThreatLevel::Safe,
            Self::Low => ThreatLevel::Low,
            Self::Medium => ThreatLevel::Medium,
            Self::High => ThreatLevel::High,
            Self::Critical => ThreatLevel::Critical,
        }
    }
}

// === impl ThreatLevel ===

impl ThreatLevel {
    /// All levels, from harmless to worst.
    pub const ALL: [Self; 5] = [Self::Safe, Self::Low, Self::Medium, Self::High, Self::Critical];

    /// The name used in JSON, the database and metrics.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Safe => "safe",
            Self::Low => "low",
            Self::Medium => "medium",
            Self::High => "high",
            Self::Critical => "critical",
        }
    }

    /// The level with this name.
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|level| level.as_str() == name)
    }

    /// The lowest risk score of this level.
    pub fn score_min(self) -> u8 {
        match self {
            Self::Safe => 0,
            Self::Low => 20,
            Self::Medium => 40,
            Self::High => 70,
            Self::Critical => 90,
        }
    }

    /// The highest risk score of this level.
    pub fn score_max(self) -> u8 {
        match self {
            Self::Safe => 19,
            Self::Low => 39,
            Self::Medium => 69,
            Self::High => 89,
            Self::Critical => 100,
        }
    }

    /// The level one step worse, or the worst.
    pub fn next(self) -> Self {
        match self {
            Self::Safe => Self::Low,
            Self::Low => Self::Medium,
            Self::Medium => Self::High,
            Self::High | Self::Critical => Self::Critical,
        }
    }
}

impl fmt::Display for ThreatLevel {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(self.as_str())
    }
}

// === impl Rule ===

impl Rule {
    /// A finding of this rule. `evidence` is the part of the URL it is about.
    pub(crate) fn found(&self, explanation: String, evidence: &str) -> Finding {
        Finding {
            id: self.id,
            severity: self.severity,
            title: self.title,
            explanation,
            points: self.points,
            evidence: super::shown::shown(evidence),
        }
    }
}
