//! Which process, for ever: a pid alone names a different process after the next reboot or wrap-around.

use std::{fmt, fs, os::fd::OwnedFd, sync::LazyLock};

use rustix::process::{Pid, PidfdFlags, Signal, pidfd_open, pidfd_send_signal};
use serde::{Deserialize, Serialize};
use shield_types::ProcessStat;

use crate::procfs;

/// Names one process across restarts of the control plane and of the machine.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Identity {
    /// The kernel's random id of this boot.
    pub boot_id: String,
    /// The process id, as this pid namespace counts.
    pub pid: i32,
    /// Clock ticks between boot and the start of the process.
    pub start_ticks: u64,
}

/// `None` where `/proc` is not mounted; nothing can be identified there, and a launch says so.
static BOOT_ID: LazyLock<Option<String>> =
    LazyLock::new(|| Some(fs::read_to_string("/proc/sys/kernel/random/boot_id").ok()?.trim().to_owned()));

// === impl Identity ===

impl Identity {
    /// The process that has `pid` now, dead or alive.
    pub(crate) fn of(pid: i32) -> Option<Self> {
        procfs::stat(pid).and_then(|stat| Self::from_stat(&stat))
    }

    pub(crate) fn from_stat(stat: &ProcessStat) -> Option<Self> {
        Some(Self { boot_id: BOOT_ID.clone()?, pid: stat.pid, start_ticks: stat.start_ticks })
    }

    /// A process of an earlier boot is gone, whatever has its pid.
    pub(crate) fn of_this_boot(&self) -> bool {
        BOOT_ID.as_ref() == Some(&self.boot_id)
    }

    /// Whether `stat` was read from this process.
    pub(crate) fn matches(&self, stat: &ProcessStat) -> bool {
        self.of_this_boot() && stat.pid == self.pid && stat.start_ticks == self.start_ticks
    }

    /// Whether this very process runs; a zombie does not.
    pub fn is_alive(&self) -> bool {
        self.open().is_some()
    }

    /// A handle that means this very process, or nothing: opened first, checked after, so a reused pid cannot slip in.
    pub(crate) fn open(&self) -> Option<OwnedFd> {
        let pidfd = pidfd_open(process_id(self.pid)?, PidfdFlags::empty()).ok()?;
        procfs::stat(self.pid).is_some_and(|stat| self.matches(&stat) && !stat.dead()).then_some(pidfd)
    }

    /// Sends `signal` unless the process is gone; says whether it was sent.
    pub(crate) fn signal(&self, signal: Signal) -> bool {
        self.open().is_some_and(|pidfd| pidfd_send_signal(pidfd, signal).is_ok())
    }
}

/// A number that can name one process; zero and negative numbers mean groups, or everybody.
pub(crate) fn process_id(pid: i32) -> Option<Pid> {
    if pid > 0 { Pid::from_raw(pid) } else { None }
}

impl fmt::Display for Identity {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let boot: String = self.boot_id.chars().take(8).collect();
        write!(formatter, "pid {} (boot {boot}, started at tick {})", self.pid, self.start_ticks)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn foreign_boot_opens_nothing() {
        let own = Identity::of(std::process::id().cast_signed()).unwrap();
        assert!(own.open().is_some());
        assert!(Identity { boot_id: "other".to_owned(), ..own.clone() }.open().is_none());
        assert!(Identity { start_ticks: own.start_ticks + 1, ..own.clone() }.open().is_none());
        assert!(Identity { pid: -1, ..own.clone() }.open().is_none());
        assert!(Identity { pid: 0, ..own }.open().is_none());
    }

    #[test]
    fn journal_form_round_trips() {
        let own = Identity::of(std::process::id().cast_signed()).unwrap();
        let text = serde_json::to_string(&own).unwrap();
        assert_eq!(serde_json::from_str::<Identity>(&text).unwrap(), own);
    }
}
