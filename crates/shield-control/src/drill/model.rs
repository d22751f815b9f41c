//! The words of drills: their names, what they believe, what they do.

use std::{fmt, str::FromStr, time::Duration};

use serde::{Deserialize, Serialize};
use shield_types::{
    format_duration,
    settings::{Ratio, duration_text},
};

/// A drill.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
#[expect(missing_docs, reason = "the catalogue says of each what it does")]
pub enum DrillName {
    InstanceKill,
    InstanceFreeze,
    EdgeKill,
    ControlKill,
    SlowNetwork,
    CpuPressure,
    DiskFull,
    ThunderingHerd,
}

/// Text that names no drill.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("find drill `{text}`: expected one of {}", DrillName::listed())]
pub struct ParseDrillNameError {
    /// What was given, cut at 80 characters.
    pub text: String,
}

/// What is believed, and how it is put to the test.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Drill {
    /// Which.
    pub name: DrillName,
    /// What is believed, in a sentence.
    pub hypothesis: String,
    /// Who may be hurt, in a sentence.
    pub blast_radius: String,
    /// What is undone, and by whom, in a sentence.
    pub undo: String,
    /// What breaks.
    pub disturbance: Disturbance,
    /// How long it stays broken.
    #[serde(with = "duration_text")]
    pub lasts: Duration,
    /// How many requests of the drill's load may fail.
    pub failures: FailuresAllowed,
    /// No request of the drill's load may take longer, from the moment it was due.
    #[serde(with = "duration_text")]
    pub longest: Duration,
    /// Everything is as before within this time after the disturbance ended.
    #[serde(with = "duration_text")]
    pub restored_within: Duration,
    /// The share of failed requests within [`Self::abort_over`] above which the drill is broken off.
    pub abort_share: Ratio,
    /// See [`Self::abort_share`]; also broken off when every second of it was slower than [`Self::longest`] at the 99th percentile.
    #[serde(with = "duration_text")]
    pub abort_over: Duration,
}

/// What breaks.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Disturbance {
    /// One instance gets SIGKILL.
    KillInstance,
    /// One instance is stopped, and let go at the end.
    FreezeInstance,
    /// The edge gets SIGKILL.
    KillEdge,
    /// The control plane gets SIGKILL; the drill starts another one at the end.
    KillControl,
    /// The drill's own clients are far away.
    SlowClients,
    /// As many busy threads as there are processors.
    Cpu,
    /// The filesystem of the state directory is full.
    FillDisk,
    /// So many times the usual rate of requests.
    Herd {
        /// How many times.
        times: u32,
    },
}

/// How many requests may fail.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum FailuresAllowed {
    /// None.
    None,
    /// Those in flight when it happened; none whose connection was refused.
    InFlight,
    /// A share of all.
    Share(Ratio),
}

// === impl DrillName ===

impl DrillName {
    /// Every drill, in the order in which `--all` runs them.
    pub const ALL: [Self; 8] = [
        Self::InstanceKill,
        Self::InstanceFreeze,
        Self::EdgeKill,
        Self::ControlKill,
        Self::SlowNetwork,
        Self::CpuPressure,
        Self::DiskFull,
        Self::ThunderingHerd,
    ];

    /// As people write it.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::InstanceKill => "instance-kill",
            Self::InstanceFreeze => "instance-freeze",
            Self::EdgeKill => "edge-kill",
            Self::ControlKill => "control-kill",
            Self::SlowNetwork => "slow-network",
            Self::CpuPressure => "cpu-pressure",
            Self::DiskFull => "disk-full",
            Self::ThunderingHerd => "thundering-herd",
        }
    }

    /// All names, for messages.
    pub fn listed() -> String {
        Self::ALL.map(Self::as_str).join(", ")
    }
}

impl fmt::Display for DrillName {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.pad(self.as_str())
    }
}

impl FromStr for DrillName {
    type Err = ParseDrillNameError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let found = Self::ALL.into_iter().find(|name| name.as_str() == text);
        found.ok_or_else(|| ParseDrillNameError { text: text.chars().take(80).collect() })
    }
}

// === impl Disturbance ===

impl Disturbance {
    /// A process gets SIGKILL.
    pub(super) fn kills(self) -> bool {
        matches!(self, Self::KillInstance | Self::KillEdge | Self::KillControl)
    }
}

// === impl Drill ===

impl Drill {
    /// The abort condition, in a sentence.
    pub fn abort_condition(&self) -> String {
        format!(
            "more than {} of its requests fail within {}, or the 99th percentile stays above {} for as long",
            self.abort_share,
            format_duration(self.abort_over),
            format_duration(self.longest)
        )
    }
}

// === impl FailuresAllowed ===

impl fmt::Display for FailuresAllowed {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::None => write!(formatter, "no request fails"),
            Self::InFlight => write!(formatter, "only requests that were in flight fail"),
            Self::Share(share) => write!(formatter, "at most {share} of the requests fail"),
        }
    }
}
