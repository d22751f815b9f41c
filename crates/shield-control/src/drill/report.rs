//! What a drill found, and what is told while it runs.

use serde::Serialize;
use shield_load::RunResults;
use shield_types::{ArtifactDigest, EnvironmentName, ReleaseId};

use super::model::{Drill, DrillName};

/// What a drill found.
#[derive(Clone, Debug, Serialize)]
pub struct DrillReport {
    /// What was believed, and done.
    pub drill: Drill,
    /// Where.
    pub environment: EnvironmentName,
    /// The release that was live.
    pub release: ReleaseId,
    /// What it runs.
    pub artifact: ArtifactDigest,
    /// Whether the hypothesis held.
    pub outcome: DrillOutcome,
    /// What that rests on, in sentences; empty when it held.
    pub reasons: Vec<String>,
    /// Demand by demand.
    pub checks: Vec<DrillCheck>,
    /// When what was seen.
    pub times: DrillTimes,
    /// What the drill's load saw.
    pub results: RunResults,
    /// Whether the steady state was restored in time.
    pub restored: bool,
    /// The evidence log's checkpoint after the drill was recorded there.
    pub checkpoint: String,
}

/// How a drill ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum DrillOutcome {
    /// Every demand was met.
    Held,
    /// One was not.
    NotHeld,
    /// It cannot be told: the fault did not happen, or the generator was too slow to say.
    Invalid,
    /// It was broken off, since users suffered more than declared, or production changed.
    Aborted,
    /// It was broken off by the operator.
    Interrupted,
}

/// One demand.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct DrillCheck {
    /// What is demanded.
    pub name: String,
    /// The limit, with its direction and unit.
    pub limit: String,
    /// What was measured.
    pub measured: String,
    /// Whether it was met. What was not measured was not met.
    pub held: bool,
}

/// Seconds, from when the disturbance began, but for the last two: from when it ended. Absent when it was not seen.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize)]
pub struct DrillTimes {
    /// Until the control plane reported that something is wrong.
    pub detected_after_s: Option<f64>,
    /// Until clients noticed; to the second.
    pub degraded_after_s: Option<f64>,
    /// Until clients were served as before; to the second.
    pub recovered_after_s: Option<f64>,
    /// Until the control plane reported that everything is as before.
    pub restored_after_s: Option<f64>,
}

/// What is told while a drill runs.
#[derive(Clone, Debug, Serialize)]
#[serde(tag = "event", rename_all = "kebab-case")]
pub enum DrillEvent {
    /// It begins.
    Began {
        /// What it believes, and does.
        drill: Box<Drill>,
    },
    /// Something happened.
    Note {
        /// Whose.
        drill: DrillName,
        /// In plain words.
        text: String,
    },
    /// It is not possible here; only where every drill was asked for.
    Skipped {
        /// Which.
        drill: DrillName,
        /// Why.
        reason: String,
    },
    /// It ended.
    Ended {
        /// What it found.
        report: Box<DrillReport>,
    },
}

// === impl DrillOutcome ===

impl DrillOutcome {
    /// For people.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Held => "held",
            Self::NotHeld => "did not hold",
            Self::Invalid => "invalid",
            Self::Aborted => "aborted",
            Self::Interrupted => "interrupted",
        }
    }
}

// === impl DrillReport ===

impl DrillReport {
    /// The outcome in a line.
    pub fn summary(&self) -> String {
        let name = self.drill.name;
        match (self.outcome, self.reasons.first()) {
            (DrillOutcome::Held, _) => format!("{name} held"),
            (outcome, Some(reason)) => format!("{name}: {}: {reason}", outcome.as_str()),
            (outcome, None) => format!("{name}: {}", outcome.as_str()),
        }
    }
}
