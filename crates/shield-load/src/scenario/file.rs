//! A load file, resolved: what is loaded, how, and what must hold.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::time::Duration;

use crate::engine::arrivals::Schedule;
use crate::plan::model::{ClientGroup, Connection, LoadPlan, Model, Protocol, Scheme, Stop, Target};
use crate::results::abort::AbortRule;
use crate::results::thresholds::Thresholds;
use crate::scenario::faults::FaultsSection;
use crate::scenario::model::Workload;
use crate::session::fetch::{FetchError, resolve};

/// Everything that a load file says. Every default is filled in; where something may be absent, its absence has a meaning.
#[derive(Clone, Debug)]
pub struct LoadFile {
    /// For reports; also the beginning of the ids.
    pub name: String,
    /// What is loaded.
    pub target: FileTarget,
    /// File of the certificates that a `https` target is verified against, PEM; none for `http`.
    pub trust: Option<PathBuf>,
    /// What users speak.
    pub protocol: Protocol,
    /// How long they keep their connection.
    pub connection: Connection,
    /// Who decides when a request is sent.
    pub model: FileModel,
    /// What users do.
    pub workload: Workload,
    /// Longest time for one request.
    pub timeout: Duration,
    /// Rest of a user after a failed request.
    pub failure_pause: Duration,
    /// Seed of every random choice.
    pub seed: u64,
    /// What must hold.
    pub thresholds: Thresholds,
    /// What ends the run early, if anything does.
    pub abort: Option<AbortRule>,
    /// Where the target's own metrics are, if limits on them must hold or its counter must agree.
    pub metrics: Option<MetricsSource>,
    /// What is to break meanwhile.
    pub faults: Option<FaultsSection>,
    /// Path on the target that lists what it applied, one id per line, as often as it was applied.
    pub ledger: Option<String>,
    /// What the target counts of what is sent, if its counter must agree; it is among the metrics.
    pub counter: Option<CounterSource>,
}

/// The target, as written.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FileTarget {
    /// With TLS or without.
    pub scheme: Scheme,
    /// Host, with a port if it was written.
    pub authority: String,
    /// Where to connect; none: what the authority resolves to.
    pub address: Option<SocketAddr>,
}

/// Who decides when a request is sent, with how many users.
#[derive(Clone, Debug, PartialEq)]
pub enum FileModel {
    /// Each user, when it is done with what it did before.
    Closed {
        /// How many.
        users: usize,
        /// How many of them share a connection.
        users_per_connection: usize,
        /// When they end.
        stop: Stop,
    },
    /// The schedule.
    Open {
        /// When iterations are due.
        schedule: Schedule,
        /// How many begin.
        users: usize,
        /// How many there may be.
        users_max: usize,
    },
}

/// The target's own metrics, in Prometheus' text format.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MetricsSource {
    /// Where they are.
    pub url: String,
    /// How often they are read.
    pub every: Duration,
}

/// A counter of the target.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CounterSource {
    /// Name of its samples.
    pub metric: String,
    /// Labels that they have; the samples that have them are summed up.
    pub labels: BTreeMap<String, String>,
    /// Names of the steps whose requests it counts.
    pub steps: Vec<String>,
}

// === impl FileModel ===

impl FileModel {
    /// How long requests become due; none where their number decides.
    #[must_use]
    pub fn lasts(&self) -> Option<Duration> {
        match self {
            Self::Open { schedule, .. } => Some(schedule.duration()),
            Self::Closed { stop: Stop::After(lasts), .. } => Some(*lasts),
            Self::Closed { .. } => None,
        }
    }
}

// === impl FileTarget ===

impl FileTarget {
    /// Where to connect.
    pub async fn resolve(&self) -> Result<SocketAddr, FetchError> {
        match self.address {
            Some(address) => Ok(address),
            None => resolve(self.scheme, &self.authority).await,
        }
    }
}

// === impl LoadFile ===

impl LoadFile {
    /// What the engine runs. `address` is what the target resolved to, `trust_pem` what the file of certificates holds.
    #[must_use]
    pub fn plan(&self, address: SocketAddr, trust_pem: Option<String>) -> LoadPlan {
        let target = Target {
            scheme: self.target.scheme,
            authority: self.target.authority.clone(),
            address: self.target.address.unwrap_or(address),
        };
        let (model, stop) = match &self.model {
            FileModel::Closed { stop, .. } => (Model::Closed, *stop),
            FileModel::Open { schedule, users_max, .. } => {
                (Model::Open { schedule: schedule.clone(), clients_max: *users_max }, Stop::WhenTold)
            }
        };
        LoadPlan {
            trust_pem,
            model,
            clients: vec![self.clients()],
            workload: self.workload.clone(),
            stop,
            request_timeout: self.timeout,
            failure_pause: self.failure_pause,
            seed: self.seed,
            ..LoadPlan::new(target)
        }
    }

    fn clients(&self) -> ClientGroup {
        let (count, streams) = match self.model {
            FileModel::Closed { users, users_per_connection, .. } => {
                (users / users_per_connection, users_per_connection)
            }
            FileModel::Open { users, .. } => (users, 1),
        };
        ClientGroup { streams, ..ClientGroup::new(count, self.protocol, self.connection) }
    }
}
