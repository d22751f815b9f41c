//! What a release is, and how one ended.

use std::time::Duration;

use serde::{Deserialize, Serialize};
use shield_types::{ArtifactDigest, InstanceId, ReleaseDigest, ReleaseId, Timestamp};

/// One artifact and one resolved configuration, ready to run.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ReleaseSpec {
    /// Its id; never used before in this environment.
    pub id: ReleaseId,
    /// Counts the releases of the environment, from 1.
    pub number: u64,
    /// What is run.
    pub artifact: ArtifactDigest,
    /// Artifact, environment and configuration together.
    pub digest: ReleaseDigest,
    /// How many copies run, at least 1.
    pub instances: u16,
    /// Waits and deadlines.
    pub timings: Timings,
    /// Error ratio the service objective tolerates, 0 to 1.
    pub error_ratio_max: f64,
    /// How an instance is launched and probed. Opaque here; the control plane reads it.
    pub launch: serde_json::Value,
    /// Set when this release brings an earlier one back.
    pub restores: Option<ReleaseId>,
    /// Who asked for it, for the history.
    pub requested_by: String,
}

/// Waits and deadlines of a release.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Timings {
    /// Longest time from start to healthy.
    pub start_deadline: Duration,
    /// Longest wait for the edge to confirm the swap.
    pub promote_deadline: Duration,
    /// How long the promoted pool is judged while the old one stays warm.
    pub watch: Duration,
    /// Longest wait for the requests in flight on a pool that lost its traffic.
    pub drain: Duration,
    /// Time between the polite and the final signal to an instance.
    pub stop_grace: Duration,
}

/// How a release ended.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "outcome", rename_all = "kebab-case")]
pub enum ReleaseOutcome {
    /// It carries the traffic.
    Done,
    /// It carries the traffic although its watch failed, because there was nothing to go back to.
    Kept {
        /// What the watch saw.
        reason: String,
    },
    /// It has no traffic and no instance; the release before it carries the traffic, as before.
    RolledBack {
        /// Why.
        reason: String,
    },
}

/// A release that reached its end.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct FinishedRelease {
    /// The release.
    pub spec: ReleaseSpec,
    /// The release that carried the traffic before.
    pub previous: Option<ReleaseId>,
    /// How it ended.
    pub outcome: ReleaseOutcome,
    /// When it was requested.
    pub started_at: Timestamp,
    /// When the edge confirmed the swap.
    pub promoted_at: Option<Timestamp>,
    /// When it ended.
    pub finished_at: Timestamp,
    /// Requests in flight at the moment of the swap, as the edge counted them.
    pub claims_at_swap: Option<u64>,
}

impl FinishedRelease {
    /// Whether the release carries (or carried) the traffic after its end.
    pub fn succeeded(&self) -> bool {
        matches!(self.outcome, ReleaseOutcome::Done)
    }
}

impl ReleaseSpec {
    /// The first process of each slot.
    pub fn first_instances(&self) -> Vec<InstanceId> {
        (0..self.instances).map(|slot| InstanceId::new(self.id.clone(), slot, 0)).collect()
    }
}
