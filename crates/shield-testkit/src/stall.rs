//! A server that stands still on a schedule and keeps a diary of it: the truth that a load generator is held against.
//!
//! One thread does everything, so a stall stops everything: no byte is read or written, the kernel alone takes connections
//! and data. Times are of the monotonic clock, which all processes of a machine share.

use std::fs::File;
use std::io::{self, Write};
use std::path::Path;
use std::time::Duration;

use rustix::time::{ClockId, clock_gettime};
use tokio::net::TcpListener;
use tokio::time::sleep;

use crate::quick::answer_http1;

/// A time during which the server stood still.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Stall {
    /// Nanoseconds of the monotonic clock.
    pub began_ns: u64,
    /// The same.
    pub ended_ns: u64,
}

/// Nanoseconds of the monotonic clock.
#[must_use]
pub fn monotonic_ns() -> u64 {
    let now = clock_gettime(ClockId::Monotonic);
    u64::try_from(now.tv_sec).unwrap_or(0) * 1_000_000_000 + u64::try_from(now.tv_nsec).unwrap_or(0)
}

/// Answers every request at once, except that it stands still for `stall` after every `run`. Must be the only task of a
/// current-thread runtime. Each stall is a line of `diary`: its beginning and its end.
pub async fn serve_stalling(
    listener: TcpListener,
    run: Duration,
    stall: Duration,
    diary: File,
) -> io::Result<()> {
    tokio::spawn(async move {
        while let Ok((socket, _)) = listener.accept().await {
            tokio::spawn(answer_http1(socket, None));
        }
    });
    loop {
        sleep(run).await;
        let began = monotonic_ns();
        std::thread::sleep(stall);
        writeln!(&diary, "{began} {}", monotonic_ns())?;
    }
}

/// The diary that [`serve_stalling`] wrote.
pub fn read_stalls(diary: &Path) -> io::Result<Vec<Stall>> {
    let text = std::fs::read_to_string(diary)?;
    let stall = |line: &str| {
        let (began, ended) = line.split_once(' ')?;
        Some(Stall { began_ns: began.parse().ok()?, ended_ns: ended.parse().ok()? })
    };
    let damaged = || io::Error::new(io::ErrorKind::InvalidData, "a line of the diary is no pair of times");
    text.lines().map(|line| stall(line).ok_or_else(damaged)).collect()
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "a panic is a test's failure")]
mod tests {
    use super::{Stall, read_stalls};

    #[test]
    fn diary_reads_back() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("diary");
        std::fs::write(&path, "1 2\n30 40\n").unwrap();
        let stalls = read_stalls(&path).unwrap();
        assert_eq!(stalls, [Stall { began_ns: 1, ended_ns: 2 }, Stall { began_ns: 30, ended_ns: 40 }]);
        std::fs::write(&path, "1\n").unwrap();
        assert!(read_stalls(&path).is_err());
    }
}
