//! Which process, exactly: a pid alone names another process after the next reuse.
//!
//! Every signal goes through a pidfd that was opened first and compared after, so that it reaches this very process or none.

use std::fmt;
use std::os::fd::OwnedFd;

use rustix::process::{Pid, PidfdFlags, pidfd_open};
use serde::{Deserialize, Serialize};
use shield_types::ProcessStat;

use crate::fault::process::procfs;

/// One process.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ProcessIdentity {
    /// The process id, as this pid namespace counts.
    pub pid: i32,
    /// Clock ticks between boot and the start of the process: field 22 of `/proc/<pid>/stat`.
    pub start_ticks: u64,
}

/// What of it a fault reaches.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Reach {
    /// The process alone.
    #[default]
    Process,
    /// Its whole process group.
    Group,
}

/// What a fault is aimed at.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ProcessTarget {
    /// The process.
    pub process: ProcessIdentity,
    /// Whether its group is meant too. Limits of descriptors and clocks are changed for the process alone.
    #[serde(default)]
    pub reach: Reach,
}

/// There is nothing to aim at, or it must not be aimed at.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum TargetError {
    /// It ended, or its pid names another process now.
    #[error("reach {process}: it ended, and whatever has its pid now is not touched")]
    Gone {
        /// Which.
        process: ProcessIdentity,
    },
    /// It is part of the machinery that undoes faults.
    #[error("reach {process}: it runs the faults, or the machine, and would not undo what is done to it")]
    Protected {
        /// Which.
        process: ProcessIdentity,
    },
    /// Its end of the fault would let it run on.
    #[error("freeze {process}: it is stopped already, and would be let go at the end")]
    Stopped {
        /// Which.
        process: ProcessIdentity,
    },
}

// === impl ProcessIdentity ===

impl ProcessIdentity {
    /// The process that has `pid` now; `None` if there is none.
    pub fn of(pid: i32) -> Option<Self> {
        procfs::stat(pid).filter(|stat| !stat.dead()).map(|stat| Self::from(&stat))
    }

    /// Whether this very process runs; a zombie does not.
    pub fn alive(&self) -> bool {
        self.stat().is_some()
    }

    /// Its line in `/proc`, if that is still about this process.
    pub(crate) fn stat(&self) -> Option<ProcessStat> {
        procfs::stat(self.pid).filter(|stat| stat.start_ticks == self.start_ticks && !stat.dead())
    }

    /// A handle that means this very process, or nothing: opened first, checked after, so a reused pid cannot slip in.
    pub(crate) fn open(&self) -> Result<OwnedFd, TargetError> {
        let gone = TargetError::Gone { process: *self };
        // Zero and negative numbers mean groups, or everybody.
        let pid =
            Some(self.pid).filter(|pid| *pid > 0).and_then(Pid::from_raw).ok_or_else(|| gone.clone())?;
        let pidfd = pidfd_open(pid, PidfdFlags::empty()).map_err(|_| gone.clone())?;
        self.stat().map(|_| pidfd).ok_or(gone)
    }
}

impl From<&ProcessStat> for ProcessIdentity {
    fn from(stat: &ProcessStat) -> Self {
        Self { pid: stat.pid, start_ticks: stat.start_ticks }
    }
}

impl fmt::Display for ProcessIdentity {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "pid {} (started at tick {})", self.pid, self.start_ticks)
    }
}

// === impl ProcessTarget ===

impl ProcessTarget {
    /// The process alone.
    pub fn process(process: ProcessIdentity) -> Self {
        Self { process, reach: Reach::Process }
    }

    /// Who is reached now. Refuses `protected` processes and pid 1.
    pub(crate) fn members(&self, protected: &[i32]) -> Result<Vec<ProcessIdentity>, TargetError> {
        let stat = self.process.stat().ok_or(TargetError::Gone { process: self.process })?;
        let members: Vec<ProcessIdentity> = match self.reach {
            Reach::Process => vec![self.process],
            Reach::Group => procfs::group(stat.group).iter().map(ProcessIdentity::from).collect(),
        };
        match members.iter().find(|member| member.pid <= 1 || protected.contains(&member.pid)) {
            Some(process) => Err(TargetError::Protected { process: *process }),
            None => Ok(members),
        }
    }
}

impl fmt::Display for ProcessTarget {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.reach {
            Reach::Process => self.process.fmt(formatter),
            Reach::Group => write!(formatter, "the group of {}", self.process),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn foreign_start_opens_nothing() {
        let own = ProcessIdentity::of(std::process::id().cast_signed()).unwrap();
        assert!(own.open().is_ok() && own.alive());
        for process in [
            ProcessIdentity { start_ticks: own.start_ticks + 1, ..own },
            ProcessIdentity { pid: 0, ..own },
            ProcessIdentity { pid: -1, ..own },
        ] {
            assert_eq!(process.open().unwrap_err(), TargetError::Gone { process });
            assert_eq!(
                ProcessTarget::process(process).members(&[]).unwrap_err(),
                TargetError::Gone { process }
            );
        }
    }

    #[test]
    fn protected_members_are_refused() {
        let own = ProcessIdentity::of(std::process::id().cast_signed()).unwrap();
        let target = ProcessTarget { process: own, reach: Reach::Group };
        assert!(target.members(&[]).unwrap().contains(&own));
        assert_eq!(target.members(&[own.pid]), Err(TargetError::Protected { process: own }));
        let first = ProcessIdentity::of(1).unwrap();
        assert!(matches!(ProcessTarget::process(first).members(&[]), Err(TargetError::Protected { .. })));
    }
}
