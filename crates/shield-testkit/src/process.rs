//! Processes that do not outlive the test that started them.
//!
//! A guard holds a pidfd, so a signal can never reach another process that got the same pid later. Dropping the guard
//! kills the process; a child is also reaped. A process that was not started by this one (a daemon) can be guarded by
//! its pid as well.

use std::io;
use std::os::fd::OwnedFd;
use std::process::{Child, ExitStatus};
use std::time::Duration;

use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::process::{Pid, PidfdFlags, Signal, pidfd_open, pidfd_send_signal};
use thiserror::Error;

/// A process that is killed when this is dropped.
#[derive(Debug)]
pub struct ProcessGuard {
    pid: u32,
    pidfd: OwnedFd,
    child: Option<Child>,
}

/// A process could not be guarded, signalled or waited for.
#[derive(Debug, Error)]
pub enum ProcessError {
    /// No such process, or no permission.
    #[error("open process `{pid}`")]
    Open {
        /// Which.
        pid: u32,
        /// Why.
        #[source]
        source: io::Error,
    },
    /// The signal was not delivered.
    #[error("signal process `{pid}`")]
    Signal {
        /// Which.
        pid: u32,
        /// Why.
        #[source]
        source: io::Error,
    },
    /// The process still runs.
    #[error("wait for the end of process `{pid}`: it runs after {limit:?}")]
    StillRuns {
        /// Which.
        pid: u32,
        /// How long was waited.
        limit: Duration,
    },
    /// The wait itself failed.
    #[error("wait for the end of process `{pid}`")]
    Wait {
        /// Which.
        pid: u32,
        /// Why.
        #[source]
        source: io::Error,
    },
}

// === impl ProcessGuard ===

impl ProcessGuard {
    /// Guards a child of this process; kills it if that fails.
    pub fn of_child(mut child: Child) -> Result<Self, ProcessError> {
        let pid = child.id();
        match open(pid) {
            Ok(pidfd) => Ok(Self { pid, pidfd, child: Some(child) }),
            Err(source) => {
                child
                    .kill()
                    .and_then(|()| child.wait())
                    .map_err(|source| ProcessError::Wait { pid, source })?;
                Err(ProcessError::Open { pid, source })
            }
        }
    }

    /// Guards a process that something else started.
    pub fn of_pid(pid: u32) -> Result<Self, ProcessError> {
        let pidfd = open(pid).map_err(|source| ProcessError::Open { pid, source })?;
        Ok(Self { pid, pidfd, child: None })
    }

    /// Its process id.
    #[must_use]
    pub fn pid(&self) -> u32 {
        self.pid
    }

    /// Kills it (`SIGKILL`). One that ended already is no error.
    pub fn kill(&self) -> Result<(), ProcessError> {
        self.signal(Signal::KILL)
    }

    /// Asks it to end (`SIGTERM`).
    pub fn terminate(&self) -> Result<(), ProcessError> {
        self.signal(Signal::TERM)
    }

    /// Stops it (`SIGSTOP`); it stays, and answers nothing.
    pub fn freeze(&self) -> Result<(), ProcessError> {
        self.signal(Signal::STOP)
    }

    /// Lets a stopped one continue (`SIGCONT`).
    pub fn thaw(&self) -> Result<(), ProcessError> {
        self.signal(Signal::CONT)
    }

    /// Blocks until it ended. The status is known for children only.
    pub fn wait(&mut self, limit: Duration) -> Result<Option<ExitStatus>, ProcessError> {
        let (pid, failed) = (self.pid, |pid, source| ProcessError::Wait { pid, source });
        let limit_spec = Timespec::try_from(limit).map_err(|error| failed(pid, io::Error::other(error)))?;
        let mut watched = [PollFd::new(&self.pidfd, PollFlags::IN)];
        let ended = poll(&mut watched, Some(&limit_spec)).map_err(|error| failed(pid, error.into()))?;
        if ended == 0 {
            return Err(ProcessError::StillRuns { pid, limit });
        }
        self.child.as_mut().map(Child::wait).transpose().map_err(|source| failed(pid, source))
    }

    /// Whether it ended (a zombie has ended).
    pub fn ended(&mut self) -> Result<bool, ProcessError> {
        match self.wait(Duration::ZERO) {
            Ok(_) => Ok(true),
            Err(ProcessError::StillRuns { .. }) => Ok(false),
            Err(error) => Err(error),
        }
    }

    fn signal(&self, signal: Signal) -> Result<(), ProcessError> {
        match pidfd_send_signal(&self.pidfd, signal) {
            Ok(()) | Err(rustix::io::Errno::SRCH) => Ok(()),
            Err(error) => Err(ProcessError::Signal { pid: self.pid, source: error.into() }),
        }
    }
}

impl Drop for ProcessGuard {
    fn drop(&mut self) {
        // Nothing can be done about a failure here, and a panic in a drop would hide the test's own.
        if self.kill().is_ok()
            && let Some(child) = &mut self.child
        {
            drop(child.wait());
        }
    }
}

fn open(pid: u32) -> io::Result<OwnedFd> {
    let raw = i32::try_from(pid).ok().and_then(Pid::from_raw);
    let pid =
        raw.ok_or_else(|| io::Error::new(io::ErrorKind::InvalidInput, "a pid is a positive 32-bit number"))?;
    Ok(pidfd_open(pid, PidfdFlags::empty())?)
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "a panic is a test's failure")]
mod tests {
    use std::os::unix::process::ExitStatusExt;
    use std::process::Command;
    use std::time::Duration;

    use super::{ProcessError, ProcessGuard};

    const LIMIT: Duration = Duration::from_secs(30);

    fn sleeper() -> ProcessGuard {
        ProcessGuard::of_child(Command::new("sleep").arg("600").spawn().unwrap()).unwrap()
    }

    #[test]
    fn reports_status_of_killed_child() {
        let mut guard = sleeper();
        assert!(matches!(guard.wait(Duration::ZERO), Err(ProcessError::StillRuns { .. })));
        guard.kill().unwrap();
        assert_eq!(guard.wait(LIMIT).unwrap().unwrap().signal(), Some(9));
        guard.kill().unwrap();
    }

    #[test]
    fn kills_when_dropped() {
        let guard = sleeper();
        let mut watcher = ProcessGuard::of_pid(guard.pid()).unwrap();
        drop(guard);
        watcher.wait(LIMIT).unwrap();
    }
}
