//! What the machine is told, and what it asks for.

use std::{net::SocketAddr, time::Duration};

use serde::{Deserialize, Serialize};
use shield_types::{Generation, InstanceId, ReleaseId};

use crate::{Plan, RouteTable};

/// Something that happened outside. Journaled, with its time, before it takes effect.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "event", rename_all = "kebab-case", deny_unknown_fields)]
pub enum Event {
    /// An operator or the pipeline asks for a release.
    Requested {
        /// What will be done.
        plan: Box<Plan>,
    },
    /// An instance's process runs.
    Started {
        /// Which.
        instance: InstanceId,
        /// Where it will listen.
        address: SocketAddr,
        /// How the runtime finds the process again. Opaque here.
        process: serde_json::Value,
    },
    /// An instance passed enough probes for long enough.
    Healthy {
        /// Which.
        instance: InstanceId,
    },
    /// An instance could not be started or did not become healthy; it may still run.
    StartFailed {
        /// Which.
        instance: InstanceId,
        /// What was seen.
        reason: String,
    },
    /// An instance's process is gone.
    Exited {
        /// Which.
        instance: InstanceId,
        /// Exit status and what it last said.
        reason: String,
    },
    /// The edge routes by this table, or a newer one.
    Routed {
        /// Its generation.
        generation: Generation,
        /// Requests in flight at the swap.
        claims: u64,
    },
    /// No edge process has a request in flight on this release.
    Drained {
        /// Which.
        release: ReleaseId,
    },
    /// The edge found the watched release failing, and sent its traffic back if it could.
    Judged {
        /// Which.
        release: ReleaseId,
        /// What it saw.
        reason: String,
    },
    /// An operator wants the release under way taken back.
    RollbackRequested {
        /// Who and why.
        reason: String,
    },
    /// An operator takes the environment down; the live release is remembered.
    DownRequested,
    /// An operator brings the environment up again.
    UpRequested,
    /// Time passed.
    Tick,
}

/// Something to be done outside. Idempotent: doing it again changes nothing.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "effect", rename_all = "kebab-case", deny_unknown_fields)]
pub enum Effect {
    /// Start the process, unless one with this id runs. Answered by `Started` or `StartFailed`.
    Start {
        /// Which.
        instance: InstanceId,
    },
    /// Probe the process until it is healthy. Answered by `Healthy`, `StartFailed` or `Exited`.
    AwaitHealthy {
        /// Which.
        instance: InstanceId,
    },
    /// Stop the process and all it started. Answered by `Exited`.
    Stop {
        /// Which.
        instance: InstanceId,
        /// Time between the polite and the final signal.
        grace: Duration,
    },
    /// Bring the table into force. Answered by `Routed`.
    Route {
        /// The newest table.
        table: Box<RouteTable>,
    },
    /// Report when the release has no request in flight. Answered by `Drained`.
    AwaitDrained {
        /// Which.
        release: ReleaseId,
    },
}
