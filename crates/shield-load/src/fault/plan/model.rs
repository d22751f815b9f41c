//! A plan of faults: what is to break, when and for how long, and what chance may decide.
//!
//! A plan leaves choices open: a shift in time, one of several targets, a parameter in a range. All of them are drawn from its
//! seed when the schedule is made ([`FaultPlan::schedule`]), none later, so that a run can be repeated exactly.

use std::fmt;
use std::net::SocketAddr;
use std::ops::RangeInclusive;
use std::path::PathBuf;
use std::time::Duration;

use serde::{Deserialize, Serialize};
use shield_types::settings::{Ratio, duration_text};

use crate::fault::process::finder::TargetFinder;
use crate::fault::process::identity::ProcessTarget;
use crate::fault::proxy::{DnsTrouble, NetworkFault};

/// Faults on one clock.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct FaultPlan {
    /// Seed of the random choices.
    pub seed: u64,
    /// Proxies that network faults act on; the guard runs them.
    #[serde(default)]
    pub proxies: Vec<PlannedProxy>,
    /// What is to break.
    pub faults: Vec<PlannedFault>,
}

/// A proxy between clients and a service.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PlannedProxy {
    /// What faults call it.
    pub name: String,
    /// What it carries.
    #[serde(default)]
    pub kind: ProxyKind,
    /// Where clients connect; port 0 takes any free one.
    pub listen: SocketAddr,
    /// The service.
    pub upstream: SocketAddr,
}

/// What a proxy carries.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum ProxyKind {
    /// Connections.
    #[default]
    Tcp,
    /// Queries of names, over UDP.
    Dns,
}

/// One fault of a plan.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PlannedFault {
    /// For reports.
    pub name: String,
    /// When it begins, from the start of the clock.
    #[serde(with = "duration_text")]
    pub at: Duration,
    /// How long it lasts.
    #[serde(with = "duration_text")]
    pub lasts: Duration,
    /// It begins up to this much later than `at`, by the seed.
    #[serde(default, with = "duration_text")]
    pub spread: Duration,
    /// What it does.
    pub fault: Fault,
    /// How its process is looked for again, if the one that it is aimed at has ended before its time; none: not at all.
    #[serde(default)]
    pub found_by: Option<TargetFinder>,
}

/// What a fault does. Where several targets are given, one is drawn; where a range is given, a value of it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "kebab-case", deny_unknown_fields)]
pub enum Fault {
    /// The network misbehaves at a proxy.
    Network {
        /// Name of the proxy, one of these.
        proxies: Vec<String>,
        /// How.
        fault: NetworkFault,
    },
    /// New connections reach a TLS server whose certificate has expired in place of the service; open ones stay.
    ExpiredCertificate {
        /// Name of the proxy, one of these.
        proxies: Vec<String>,
        /// Whom the certificate is for: a name or an address.
        host: String,
        /// Of how many connections.
        share: Ratio,
    },
    /// Names are not resolved as they should be.
    Dns {
        /// Name of the proxy, one of these.
        proxies: Vec<String>,
        /// What becomes of queries.
        trouble: DnsTrouble,
    },
    /// `SIGKILL`.
    Kill {
        /// Which process, one of these.
        targets: Vec<ProcessTarget>,
        /// What the guard starts at the end, as for [`Fault::Restart`].
        #[serde(default)]
        command: Vec<String>,
    },
    /// `SIGSTOP`, and `SIGCONT` at the end.
    Freeze {
        /// Which process, one of these.
        targets: Vec<ProcessTarget>,
    },
    /// `SIGTERM`.
    Restart {
        /// Which process, one of these.
        targets: Vec<ProcessTarget>,
        /// What the guard starts at the end, program and arguments, once the process is gone; empty where a supervisor
        /// starts it. A guard that dies at that moment leaves it to the next one to start it again: starting it twice must do
        /// no harm.
        #[serde(default)]
        command: Vec<String>,
    },
    /// Busy threads beside the target.
    Cpu {
        /// How many.
        workers: u32,
        /// Their nice value, -20 to 19; below 0 needs a privilege.
        nice: i32,
        /// How much of its time each is busy, percent.
        share_percent: RangeInclusive<u8>,
    },
    /// Memory that is taken and written to.
    Memory {
        /// How much.
        bytes: RangeInclusive<u64>,
        /// Refused when it were more than this share of the available memory.
        share_max_percent: u8,
    },
    /// A file that fills a filesystem.
    Disk {
        /// Where the file is made; refused if it is not absolute, like `filesystem`.
        directory: PathBuf,
        /// Mount point of the filesystem that may be filled; refused if `directory` lies on another one.
        filesystem: PathBuf,
        /// How much.
        amount: DiskAmount,
    },
    /// Fewer file descriptors than the process would like.
    Descriptors {
        /// Which process, one of these.
        targets: Vec<ProcessTarget>,
        /// How many it may still open.
        spare: RangeInclusive<u32>,
    },
    /// Another time of day. Only for a process that runs under libfaketime, with `FAKETIME_TIMESTAMP_FILE` and
    /// `FAKETIME_NO_CACHE=1` and without `FAKETIME`; refused otherwise: the kernel has one wall clock for all processes, so one
    /// that was started without it cannot be skewed.
    ClockSkew {
        /// Which process, one of these.
        targets: Vec<ProcessTarget>,
        /// By how many seconds, negative for the past.
        seconds: RangeInclusive<i64>,
    },
}

/// How much of a filesystem is taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum DiskAmount {
    /// So many bytes.
    Take(u64),
    /// All but so many bytes.
    Leave(u64),
}

// === impl ProxyKind ===

impl fmt::Display for ProxyKind {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(match self {
            Self::Tcp => "tcp",
            Self::Dns => "dns",
        })
    }
}
