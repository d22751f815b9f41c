//! Processor time of the process that answers, while it is one on this machine.

use std::fs;
use std::net::SocketAddr;
use std::time::Duration;

use rustix::param::clock_ticks_per_second;

use crate::fault::process::finder::TargetFinder;
use crate::fault::process::identity::ProcessIdentity;

/// The process behind an address.
#[derive(Clone, Copy, Debug)]
pub(crate) struct ServiceProcess(ProcessIdentity);

// === impl ServiceProcess ===

impl ServiceProcess {
    /// Who listens there, or why that is not known.
    pub(crate) fn at(address: SocketAddr) -> Result<Self, String> {
        if !address.ip().is_loopback() {
            return Err("the service is not on this machine".to_owned());
        }
        TargetFinder::Listens(address.port()).find().map(Self).map_err(|error| format!("failed to {error}"))
    }

    /// What it used since its start, of all threads, in user and kernel mode; none once it is gone.
    pub(crate) fn used(self) -> Option<Duration> {
        let stat = fs::read(format!("/proc/{}/stat", self.0.pid)).ok()?;
        let ticks = ticks_of(&stat)?;
        let seconds = ticks as f64 / clock_ticks_per_second() as f64;
        self.0.alive().then(|| Duration::from_secs_f64(seconds))
    }
}

/// Fields 14 and 15 of `/proc/<pid>/stat`; the name before may hold anything.
fn ticks_of(stat: &[u8]) -> Option<u64> {
    let close = stat.iter().rposition(|byte| *byte == b')')?;
    let mut fields = str::from_utf8(stat.get(close + 1..)?).ok()?.split_ascii_whitespace();
    let user: u64 = fields.nth(11)?.parse().ok()?;
    let system: u64 = fields.next()?.parse().ok()?;
    user.checked_add(system)
}

#[cfg(test)]
mod tests {
    use std::net::TcpListener;

    use super::{ServiceProcess, ticks_of};

    #[test]
    fn ticks_stand_behind_the_name() {
        let stat = b"42 (a) R 1 (b) S 1 41 40 0 -1 4194304 1 2 3 4 500 66 7 8 20 0 1 0 12345\n";
        assert_eq!(ticks_of(stat), Some(566));
        assert_eq!(ticks_of(b"42 (cut"), None);
    }

    #[test]
    fn listener_is_found_by_its_port() {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let process = ServiceProcess::at(listener.local_addr().unwrap()).unwrap();
        assert_eq!(process.0.pid, std::process::id().cast_signed());
        assert!(process.used().is_some());
        assert!(ServiceProcess::at("192.0.2.1:80".parse().unwrap()).is_err());
    }
}
