//! How a process ended, as far as anybody can know.

use std::fmt;

use rustix::process::WaitIdStatus;

/// The end of an instance.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ExitReport {
    /// It ended itself.
    Exited {
        /// What it told its parent; 0 means success.
        code: i32,
    },
    /// A signal ended it.
    Killed {
        /// The number of the signal.
        signal: i32,
        /// Whether the kernel wrote a core file.
        core_dumped: bool,
    },
    /// It is gone, and only its parent was told how: it was started by an earlier control plane.
    NotOurChild,
}

// === impl ExitReport ===

impl ExitReport {
    /// Reads what the kernel answered for a child that ended.
    pub(crate) fn from_status(status: &WaitIdStatus) -> Self {
        if let Some(code) = status.exit_status() {
            Self::Exited { code }
        } else if let Some(signal) = status.terminating_signal() {
            Self::Killed { signal, core_dumped: status.dumped() }
        } else {
            Self::NotOurChild
        }
    }
}

impl fmt::Display for ExitReport {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Exited { code } => write!(formatter, "exited with code {code}"),
            Self::Killed { signal, core_dumped } => {
                write!(formatter, "was killed by signal {signal}")?;
                if let Some(name) = signal_name(*signal) {
                    write!(formatter, " ({name})")?;
                }
                if *core_dumped { formatter.write_str(", core dumped") } else { Ok(()) }
            }
            Self::NotOurChild => formatter.write_str("exited, exit status unknown (not our child)"),
        }
    }
}

/// The signals that end backends in practice; others are shown by number.
fn signal_name(signal: i32) -> Option<&'static str> {
    Some(match signal {
        libc::SIGHUP => "SIGHUP",
        libc::SIGINT => "SIGINT",
        libc::SIGQUIT => "SIGQUIT",
        libc::SIGILL => "SIGILL",
        libc::SIGTRAP => "SIGTRAP",
        libc::SIGABRT => "SIGABRT",
        libc::SIGBUS => "SIGBUS",
        libc::SIGFPE => "SIGFPE",
        libc::SIGKILL => "SIGKILL",
        libc::SIGSEGV => "SIGSEGV",
        libc::SIGPIPE => "SIGPIPE",
        libc::SIGTERM => "SIGTERM",
        libc::SIGXCPU => "SIGXCPU",
        libc::SIGXFSZ => "SIGXFSZ",
        libc::SIGSYS => "SIGSYS",
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn says_how_it_ended() {
        assert_eq!(ExitReport::Exited { code: 3 }.to_string(), "exited with code 3");
        let crash = ExitReport::Killed { signal: 11, core_dumped: true };
        assert_eq!(crash.to_string(), "was killed by signal 11 (SIGSEGV), core dumped");
        let odd = ExitReport::Killed { signal: 40, core_dumped: false };
        assert_eq!(odd.to_string(), "was killed by signal 40");
    }
}
