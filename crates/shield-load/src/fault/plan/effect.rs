//! A fault without choices.

use std::fmt;
use std::path::PathBuf;
use std::time::Duration;

use serde::{Deserialize, Serialize};
use shield_types::settings::{Ratio, format_size};

use crate::fault::plan::model::DiskAmount;
use crate::fault::process::finder::TargetFinder;
use crate::fault::process::identity::ProcessTarget;
use crate::fault::proxy::{DnsTrouble, NetworkFault};

/// One fault of a schedule.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ScheduledFault {
    /// Of the fault in its plan.
    pub name: String,
    /// When it begins, from the start of the clock.
    pub from: Duration,
    /// When it is undone.
    pub until: Duration,
    /// What it does.
    pub effect: Effect,
    /// How its process is looked for again.
    pub found_by: Option<TargetFinder>,
}

/// What is done, specific enough to leave the guard no choice. Fields are those of [`crate::Fault`], drawn.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "kebab-case")]
#[expect(missing_docs, reason = "documented once, at `Fault`")]
pub enum Effect {
    Network { proxy: String, fault: NetworkFault },
    ExpiredCertificate { proxy: String, host: String, share: Ratio },
    Dns { proxy: String, trouble: DnsTrouble },
    Kill { target: ProcessTarget, command: Vec<String> },
    Freeze { target: ProcessTarget },
    Restart { target: ProcessTarget, command: Vec<String> },
    Cpu { workers: u32, nice: i32, share_percent: u8 },
    Memory { bytes: u64, share_max_percent: u8 },
    Disk { directory: PathBuf, filesystem: PathBuf, amount: DiskAmount },
    Descriptors { target: ProcessTarget, spare: u32 },
    ClockSkew { target: ProcessTarget, seconds: i64 },
}

// === impl Effect ===

impl Effect {
    /// The process that it is aimed at, if it is aimed at one.
    pub(crate) fn target_mut(&mut self) -> Option<&mut ProcessTarget> {
        match self {
            Self::Freeze { target }
            | Self::Kill { target, .. }
            | Self::Restart { target, .. }
            | Self::Descriptors { target, .. }
            | Self::ClockSkew { target, .. } => Some(target),
            _ => None,
        }
    }
}

impl fmt::Display for Effect {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Network { proxy, fault } => write!(formatter, "network at `{proxy}`: {fault}"),
            Self::ExpiredCertificate { proxy, host, share } => {
                write!(formatter, "network at `{proxy}`: expired certificate of `{host}` for {share}")
            }
            Self::Dns { proxy, trouble } => write!(formatter, "names at `{proxy}`: {trouble}"),
            Self::Kill { target, .. } => write!(formatter, "kill {target}"),
            Self::Freeze { target } => write!(formatter, "freeze {target}"),
            Self::Restart { target, .. } => write!(formatter, "restart {target}"),
            Self::Cpu { workers, nice, share_percent } => {
                write!(formatter, "{workers} threads busy {share_percent} % of the time at nice {nice}")
            }
            Self::Memory { bytes, .. } => write!(formatter, "{} of memory taken", format_size(*bytes)),
            Self::Disk { filesystem, amount: DiskAmount::Take(bytes), .. } => {
                write!(formatter, "{} of {} taken", format_size(*bytes), filesystem.display())
            }
            Self::Disk { filesystem, amount: DiskAmount::Leave(bytes), .. } => {
                write!(formatter, "{} filled but for {}", filesystem.display(), format_size(*bytes))
            }
            Self::Descriptors { target, spare } => {
                write!(formatter, "{target} may open {spare} more descriptors")
            }
            Self::ClockSkew { target, seconds } => {
                write!(formatter, "clock of {target} off by {seconds:+} s")
            }
        }
    }
}
