//! The state of one environment of one service, and how it changes.
//!
//! `step` is total: an event that no longer applies (a stale confirmation, a second exit) changes nothing. Effects are
//! level-triggered: [`Environment::outstanding`] derives them from the state alone, so after a crash, replaying the journal
//! and executing what is outstanding resumes or undoes the release that was under way.
//!
//! Promises, each checked by the simulation in `tests/simulation.rs`: the old side is not stopped before it drained (or its
//! deadline passed) and the new side is alive; until then everything is reversible; every release ends; no instance gets
//! weight that never became healthy.

mod rebuild;
mod retire;
mod rollout;
mod step;
mod supervise;
mod view;

use std::{
    collections::{BTreeMap, VecDeque},
    net::SocketAddr,
};

use serde::{Deserialize, Serialize};
use shield_types::{Generation, InstanceId, ReleaseId, Timestamp};

use crate::{FinishedRelease, ReleaseSpec, RouteTable};
pub use rebuild::Remains;
use retire::Retirement;
pub use rollout::{Position, Rollout};
use supervise::Slot;

/// How many finished releases are remembered.
const HISTORY_MAX: usize = 100;

/// Everything known about one environment.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Environment {
    /// The newest table; its number is the newest generation.
    table: RouteTable,
    /// Newest generation the edge confirmed.
    routed: Generation,
    /// The release that carries the traffic (once the newest table is routed).
    live: Option<ReleaseId>,
    /// The release that stays warm while `live` is watched.
    warm: Option<ReleaseId>,
    /// Specs of every release that has, or should have, instances.
    releases: BTreeMap<ReleaseId, ReleaseSpec>,
    /// Every process that runs, or should.
    instances: BTreeMap<InstanceId, Instance>,
    /// Restart bookkeeping of every slot of `releases`.
    slots: BTreeMap<ReleaseId, Vec<Slot>>,
    /// Releases on their way out.
    retiring: BTreeMap<ReleaseId, Retirement>,
    /// The release under way.
    rollout: Option<Rollout>,
    /// Newest last, at most [`HISTORY_MAX`].
    history: VecDeque<FinishedRelease>,
    /// Number of the newest release ever requested.
    newest_number: u64,
    /// False after `down`.
    serving: bool,
    /// Latest time seen; never runs backwards.
    now: Timestamp,
}

/// One process that runs, or should.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Instance {
    /// Where it stands.
    pub phase: InstancePhase,
    /// Where it listens and how it is found again, once started.
    pub process: Option<ProcessRef>,
    /// When the phase began.
    pub since: Timestamp,
}

/// A started process.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ProcessRef {
    /// Where it listens.
    pub address: SocketAddr,
    /// How the runtime finds it again. Opaque here.
    pub identity: serde_json::Value,
}

/// Where an instance stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum InstancePhase {
    /// Waits before it is restarted.
    Waiting {
        /// End of the wait.
        until: Timestamp,
    },
    /// Is to be started.
    Starting,
    /// Runs; not yet healthy.
    Running,
    /// Became healthy. May get traffic.
    Healthy,
    /// Is to be stopped.
    Stopping,
}

impl Default for Environment {
    fn default() -> Self {
        Self {
            table: RouteTable::empty(Generation(0)),
            routed: Generation(0),
            live: None,
            warm: None,
            releases: BTreeMap::new(),
            instances: BTreeMap::new(),
            slots: BTreeMap::new(),
            retiring: BTreeMap::new(),
            rollout: None,
            history: VecDeque::new(),
            newest_number: 0,
            serving: true,
            now: Timestamp(0),
        }
    }
}
