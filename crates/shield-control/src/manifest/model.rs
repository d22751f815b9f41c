//! The resolved form of `shield.toml`.

use std::{collections::BTreeMap, net::SocketAddr, time::Duration};

use serde::{Deserialize, Serialize};
use shield_audit::{
    audit::HistoryOf,
    finding::Severity,
    foreign::{Import, Permission, Wanted},
    imports::PythonVersion,
    report::Criteria,
};
use shield_load::BenchComponent;
use shield_types::{
    EnvironmentName, ServiceName,
    settings::{Ratio, duration_text},
};

use super::{
    exclusions::Exclusions,
    status::StatusRange,
    template::{StartCommand, Variables},
};
use crate::drill::DrillName;

/// A service, as its `shield.toml` describes it, with every default filled in.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Manifest {
    /// Name of the service.
    pub name: ServiceName,
    /// How instances start and when they are ready.
    pub service: ServiceSettings,
    /// What happens to a release before production.
    pub stages: Stages,
    /// How a release takes over.
    pub release: ReleaseSettings,
    /// Where clients connect.
    pub edge: EdgeSettings,
    /// What may be broken on purpose. Absent in what an earlier shield wrote down: nothing may.
    #[serde(default)]
    pub drill: DrillSettings,
    /// What its security components may cost; `None` when nothing is said about that.
    #[serde(default)]
    pub bench: Option<BenchSettings>,
    /// What an audit of it looks at, and what it is held against.
    #[serde(default)]
    pub audit: AuditSettings,
}

/// How instances start and when they are ready.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ServiceSettings {
    /// Program and arguments.
    pub start: StartCommand,
    /// Instances of a release in production, 1 to 32.
    pub instances: u16,
    /// Environment variables of every instance.
    pub env: Variables,
    /// What tells that an instance can take requests.
    pub ready: ReadyProbe,
}

/// A GET that a ready instance answers.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ReadyProbe {
    /// Path and query, from `/`.
    pub path: String,
    /// Statuses that mean ready.
    pub status: StatusRange,
    /// Time between probes.
    #[serde(with = "duration_text")]
    pub interval: Duration,
    /// How long an answer may take.
    #[serde(with = "duration_text")]
    pub timeout: Duration,
}

/// What happens to a release before production.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Stages {
    /// Makes the artifact.
    pub build: BuildStage,
    /// Tests the project; `None` when the service has no test command.
    pub test: Option<CommandStage>,
    /// Audits the project; `None` when the service has no such stage.
    #[serde(default)]
    pub audit: Option<AuditStage>,
    /// Measures the security components; `None` when the service has no such stage.
    #[serde(default)]
    pub bench: Option<BenchStage>,
    /// Environment variables of the staging instance that differ from production.
    pub staging_env: Variables,
    /// Requests to the staging instance, in order.
    pub smoke: Vec<SmokeRequest>,
    /// Loads the staging instance; `None` when the service has no such stage.
    #[serde(default)]
    pub load: Option<LoadStage>,
    /// Drills what is live; `None` when the service has no such stage.
    #[serde(default)]
    pub drill: Option<DrillStage>,
}

/// A load that the staging instance must hold.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct LoadStage {
    /// The load file or another tool's script, relative to the project.
    pub file: String,
}

/// Drills that what is live must hold before it is replaced.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct DrillStage {
    /// Which, in order.
    pub drills: Vec<DrillName>,
}

/// Audits the project: what `[audit]` says counts.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct AuditStage {
    /// Findings stop a release from this severity; `None`: from that of `[audit]`.
    pub fail_on: Option<Severity>,
    /// What other scanners may do.
    #[serde(default)]
    pub allow: Vec<Permission>,
}

/// What an audit looks at, and what it is held against.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct AuditSettings {
    /// From which severity findings count, and whose gaps do not.
    pub criteria: Criteria,
    /// Names of directories that are not entered.
    pub exclude: Vec<String>,
    /// Where secrets are looked for.
    pub history: HistoryOf,
    /// Directories of installed packages beside those in the project, relative to it.
    pub site_packages: Vec<String>,
    /// The Python that runs the project; `None`: what its environment says.
    pub python: Option<PythonVersion>,
    /// The file of accepted findings, relative to the project; `None`: `audit-baseline.txt` if there is one.
    pub baseline: Option<String>,
    /// Other scanners that are run too.
    #[serde(default)]
    pub scanners: Vec<Wanted>,
    /// What these may do. Never from `[audit]`: whoever audits a tree of strangers decides, not the tree.
    #[serde(skip)]
    pub allow: Vec<Permission>,
    /// Files with what scanners said elsewhere; from the command line only.
    #[serde(skip)]
    pub imports: Vec<Import>,
    /// Rule files, relative to the project.
    pub rules: Vec<String>,
}

/// Holds the security components against what they may cost.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct BenchStage {
    /// How long the measurement may take, about.
    #[serde(with = "duration_text")]
    pub budget: Duration,
}

/// What security components may cost, and how that is seen.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct BenchSettings {
    /// The load file with their requests, relative to the project.
    pub load: String,
    /// Run by `sh -c` in the project directory before it: prints what the load file takes from the environment.
    pub prepare: Option<String>,
    /// Path of the service's metrics; `None`: it is measured from outside alone.
    pub metrics: Option<String>,
    /// How long a measurement may take, about.
    #[serde(with = "duration_text")]
    pub budget: Duration,
    /// What is measured; at least one.
    pub components: Vec<BenchComponent>,
}

/// What may be drilled, and how.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct DrillSettings {
    /// Environments that may be broken on purpose.
    pub environments: Vec<EnvironmentName>,
    /// The load file of the drills, relative to the project; `None` sends GETs of the readiness path.
    pub load: Option<String>,
    /// Iterations of the load per second.
    pub rate: u32,
    /// Mount point of the filesystem that may be filled.
    pub disk: Option<String>,
    /// How long the steady state is measured before anything is broken.
    #[serde(with = "duration_text")]
    pub before: Duration,
    /// How long what is broken stays broken.
    #[serde(with = "duration_text")]
    pub lasts: Duration,
    /// How long the load goes on afterwards.
    #[serde(with = "duration_text")]
    pub after: Duration,
}

/// Makes the artifact.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct BuildStage {
    /// Run by `sh -c` in the project directory; `None` takes the artifact as it lies there.
    pub command: Option<String>,
    /// File or directory inside the project, relative to it; `.` is the project itself.
    pub artifact: String,
    /// What an artifact directory leaves out.
    pub exclude: Exclusions,
    /// How long the command may run.
    #[serde(with = "duration_text")]
    pub deadline: Duration,
}

/// A command that must exit with 0.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct CommandStage {
    /// Run by `sh -c` in the project directory.
    pub command: String,
    /// How long the command may run.
    #[serde(with = "duration_text")]
    pub deadline: Duration,
}

/// One request and what its answer must be.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct SmokeRequest {
    /// What people call it.
    pub name: String,
    /// HTTP method in upper case.
    pub method: String,
    /// Path and query, from `/`.
    pub path: String,
    /// Request headers; the names are in lower case.
    pub headers: BTreeMap<String, String>,
    /// Request body; `None` sends none.
    pub body: Option<String>,
    /// Statuses that pass.
    pub status: StatusRange,
    /// Texts that the answer's body must hold.
    pub contains: Vec<String>,
    /// How long the answer may take.
    #[serde(with = "duration_text")]
    pub timeout: Duration,
}

/// How a new release takes over from the one that serves.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Strategy {
    /// All traffic moves at once, to a pool that is healthy beside the old one.
    BlueGreen,
}

/// How a release takes over.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ReleaseSettings {
    /// How traffic moves.
    pub strategy: Strategy,
    /// How long an instance must stay ready before it gets traffic.
    #[serde(with = "duration_text")]
    pub min_healthy: Duration,
    /// How long an instance may take until then.
    #[serde(with = "duration_text")]
    pub start_deadline: Duration,
    /// How long requests to the old pool may take to end.
    #[serde(with = "duration_text")]
    pub drain: Duration,
    /// How long the old pool stays warm after promotion.
    #[serde(with = "duration_text")]
    pub watch: Duration,
    /// How long an instance may take to exit after SIGTERM.
    #[serde(with = "duration_text")]
    pub stop_grace: Duration,
    /// Share of failed requests that the watch tolerates.
    pub error_ratio_max: Ratio,
}

/// Where clients connect.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct EdgeSettings {
    /// Address of HTTPS (HTTP/1.1 and HTTP/2).
    pub https: SocketAddr,
    /// Address of plain HTTP/1.1; `None` when the edge does not offer it.
    pub http: Option<SocketAddr>,
    /// Names in the certificate besides 127.0.0.1 and ::1.
    pub hostnames: Vec<String>,
    /// Largest request body.
    pub request_body_bytes_max: u64,
    /// How long an instance may take until its answer starts.
    #[serde(with = "duration_text")]
    pub response_timeout: Duration,
}

// === impl DrillSettings ===

impl Default for DrillSettings {
    fn default() -> Self {
        Self {
            environments: Vec::new(),
            load: None,
            rate: 20,
            disk: None,
            before: Duration::from_secs(5),
            lasts: Duration::from_secs(10),
            after: Duration::from_secs(10),
        }
    }
}

// === impl Manifest ===

impl Manifest {
    /// The environment variables of the staging instance.
    pub fn staging_variables(&self) -> Variables {
        self.service.env.overridden_by(&self.stages.staging_env)
    }
}

// === impl AuditSettings ===

impl Default for AuditSettings {
    fn default() -> Self {
        Self {
            criteria: Criteria::default(),
            exclude: Vec::new(),
            history: HistoryOf::Tree,
            site_packages: Vec::new(),
            python: None,
            baseline: None,
            scanners: Vec::new(),
            allow: Vec::new(),
            imports: Vec::new(),
            rules: Vec::new(),
        }
    }
}
