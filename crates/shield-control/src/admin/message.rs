//! The messages of the admin API.

use std::{net::SocketAddr, time::Duration};

use serde::{Deserialize, Serialize};
use shield_release::{FinishedRelease, InstancePhase, Position, Timings};
use shield_types::{ArtifactDigest, Generation, InstanceId, ReleaseId, ServiceName, Timestamp};

use crate::{launch::LaunchSettings, manifest::Manifest};

/// Asks for the release of a stored artifact.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ReleaseOrder {
    /// What is run; it lies in the store.
    pub artifact: ArtifactDigest,
    /// How it is run.
    pub launch: LaunchSettings,
    /// How many copies.
    pub instances: u16,
    /// Waits and deadlines.
    pub timings: Timings,
    /// Error ratio that the watch tolerates, 0 to 1.
    pub error_ratio_max: f64,
    /// Who asks.
    pub requested_by: String,
}

/// Asks for the way back.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RollbackOrder {
    /// The finished release to bring back; `None` takes back what is under way, else brings back the one before.
    pub to: Option<ReleaseId>,
    /// What the operator saw under way, else live. Without `to`, the order is refused when that has changed since.
    pub seen: Option<ReleaseId>,
    /// Who asks.
    pub requested_by: String,
}

/// Asks for one instance outside production. It is stopped when the connection that asked is closed.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct StagingOrder {
    /// What is run; it lies in the store.
    pub artifact: ArtifactDigest,
    /// How it is run.
    pub launch: LaunchSettings,
    /// Waits and deadlines.
    pub timings: Timings,
}

/// What becomes of a staging instance.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "staging", rename_all = "kebab-case")]
pub enum StagingReport {
    /// What the last probe said.
    Note {
        /// It.
        text: String,
    },
    /// It is healthy.
    Ready {
        /// Where it listens.
        address: SocketAddr,
        /// Its log.
        log: String,
    },
    /// It is not, and was stopped.
    Failed {
        /// Why.
        reason: String,
        /// What it printed last.
        log_tail: Vec<String>,
    },
}

/// What happens in the control plane.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "progress", rename_all = "kebab-case")]
pub enum Progress {
    /// The release reached a new position.
    Moved {
        /// Which.
        release: ReleaseId,
        /// Where it stands.
        position: Position,
        /// In plain words.
        text: String,
        /// When.
        at: Timestamp,
    },
    /// Something was seen that explains a wait.
    Note {
        /// Which.
        release: ReleaseId,
        /// In plain words.
        text: String,
        /// When.
        at: Timestamp,
    },
    /// The release ended.
    Finished {
        /// How.
        finished: Box<FinishedRelease>,
        /// The evidence log's checkpoint after it was recorded there; `None` when it could not be recorded yet.
        checkpoint: Option<String>,
    },
    /// The request was refused, before or while it ran; nothing follows.
    Refused {
        /// Why.
        refusal: Refusal,
    },
}

/// Why a request was refused.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, thiserror::Error)]
#[error("{message}")]
pub struct Refusal {
    /// What kind of refusal, for exit codes.
    pub kind: RefusalKind,
    /// A lowercase fragment that fits after "failed to".
    pub message: String,
    /// What was underneath, outermost first.
    pub causes: Vec<String>,
    /// What to do next.
    pub hints: Vec<String>,
}

/// Kinds of refusals.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum RefusalKind {
    /// Another release is under way.
    Busy,
    /// The request makes no sense now, or at all.
    Invalid,
    /// State could not be recorded; nothing was done.
    NotRecorded,
    /// State was damaged and has been rebuilt; the same request works now.
    Recovered,
}

/// The state of production, for people and scripts.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct StatusReport {
    /// The service.
    pub service: ServiceName,
    /// Version of the control plane.
    pub version: String,
    /// SHA-256 of the binary it runs from, in hex.
    pub binary: String,
    /// Its process.
    pub pid: u32,
    /// The release that carries the traffic.
    pub live: Option<ReleaseId>,
    /// The release under way.
    pub underway: Option<UnderwayReport>,
    /// Newest table.
    pub generation: Generation,
    /// Newest table the edge confirmed.
    pub routed: Generation,
    /// False after `shield down`.
    pub serving: bool,
    /// Every process that runs, or should.
    pub instances: Vec<InstanceReport>,
    /// The edge; `None` while it is being started.
    pub edge: Option<EdgeReport>,
    /// Addresses that clients connect to.
    pub https: Option<SocketAddr>,
    /// Plain HTTP, if offered.
    pub http: Option<SocketAddr>,
    /// What the edge's certificate names.
    pub hostnames: Vec<String>,
    /// What a person should know: damage found, statements not yet recorded.
    pub warnings: Vec<String>,
}

/// A release under way.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct UnderwayReport {
    /// Which.
    pub release: ReleaseId,
    /// Where it stands.
    pub position: Position,
    /// Who asked.
    pub requested_by: String,
    /// Whether one swap takes it back.
    pub reversible: bool,
}

/// One process.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct InstanceReport {
    /// Which.
    pub instance: InstanceId,
    /// Where it stands.
    pub phase: InstancePhase,
    /// Where it listens.
    pub address: Option<SocketAddr>,
    /// Its process id.
    pub pid: Option<i64>,
}

/// The edge.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct EdgeReport {
    /// Its process id.
    pub pid: u32,
    /// Client connections.
    pub connections: u64,
    /// Requests in flight, requests and errors of each pool.
    pub pools: Vec<shield_edge::protocol::PoolStatus>,
}

// === impl Progress ===

impl Progress {
    /// Which release this is about.
    pub fn release(&self) -> Option<&ReleaseId> {
        match self {
            Self::Moved { release, .. } | Self::Note { release, .. } => Some(release),
            Self::Finished { finished, .. } => Some(&finished.spec.id),
            Self::Refused { .. } => None,
        }
    }
}

/// Longest wait for the edge to confirm a swap.
const PROMOTE_DEADLINE: Duration = Duration::from_secs(15);

// === impl ReleaseOrder ===

impl ReleaseOrder {
    /// Asks for the release of `artifact` into production as `manifest` describes it.
    pub fn new(manifest: &Manifest, artifact: ArtifactDigest, requested_by: String) -> Self {
        Self {
            artifact,
            launch: LaunchSettings::production(manifest),
            instances: manifest.service.instances,
            timings: timings(manifest),
            error_ratio_max: manifest.release.error_ratio_max.as_f64(),
            requested_by,
        }
    }
}

// === impl StagingOrder ===

impl StagingOrder {
    /// Asks for one instance of `artifact` as `manifest` describes it.
    pub fn new(manifest: &Manifest, artifact: ArtifactDigest) -> Self {
        Self { artifact, launch: LaunchSettings::staging(manifest), timings: timings(manifest) }
    }
}

fn timings(manifest: &Manifest) -> Timings {
    let release = &manifest.release;
    Timings {
        start_deadline: release.start_deadline,
        promote_deadline: PROMOTE_DEADLINE,
        watch: release.watch,
        drain: release.drain,
        stop_grace: release.stop_grace,
    }
}
