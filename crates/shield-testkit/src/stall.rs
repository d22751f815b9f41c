//! A server that stands still on a schedule and keeps a diary of it: the truth that a load generator is held against.
//!
//! One thread does everything, so a stall stops everything: no byte is read or written, the kernel alone takes connections
//! and data. What it found at the end of a stall is answered before anything else, connections that wait to be accepted first,
//! and the diary says when each answer left: that time is the server's, whoever measures. Times are of the monotonic clock,
//! which all processes of a machine share.

use std::collections::HashMap;
use std::fs::File;
use std::io::{self, ErrorKind, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::path::Path;
use std::time::{Duration, Instant};

use rustix::buffer::spare_capacity;
use rustix::event::{Timespec, epoll};
use rustix::fd::OwnedFd;
use rustix::net::listen;
use rustix::time::{ClockId, clock_gettime};

use crate::quick::{answer, request_length};

/// Connections that the kernel takes during a stall.
const BACKLOG: i32 = 4096;
/// Most sockets that are told to be ready at once.
const READY_MAX: usize = 8192;
/// Longest head of a request.
const HEAD_BYTES_MAX: usize = 16 * 1024;
/// What the kernel calls the listener; connections count from one.
const LISTENER: u64 = 0;

/// A time during which the server stood still.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Stall {
    /// Nanoseconds of the monotonic clock.
    pub began_ns: u64,
    /// The same.
    pub ended_ns: u64,
    /// When each request that it found at the end was answered, in that order.
    pub answered_ns: Vec<u64>,
}

/// Answers every request at once, but for its stalls.
#[derive(Debug)]
pub struct StallServer {
    epoll: OwnedFd,
    listener: TcpListener,
    connections: HashMap<u64, Connection>,
    /// What the kernel calls the next connection.
    next: u64,
    answer: String,
}

#[derive(Debug)]
struct Connection {
    socket: TcpStream,
    /// Of a request that is not whole yet.
    seen: Vec<u8>,
}

/// Nanoseconds of the monotonic clock.
#[must_use]
pub fn monotonic_ns() -> u64 {
    let now = clock_gettime(ClockId::Monotonic);
    u64::try_from(now.tv_sec).unwrap_or(0) * 1_000_000_000 + u64::try_from(now.tv_nsec).unwrap_or(0)
}

/// The diary that [`StallServer::serve`] wrote.
pub fn read_stalls(diary: &Path) -> io::Result<Vec<Stall>> {
    let text = std::fs::read_to_string(diary)?;
    let stall = |line: &str| {
        let times = line.split(' ').map(str::parse).collect::<Result<Vec<u64>, _>>().ok()?;
        let [began_ns, ended_ns, answered_ns @ ..] = times.as_slice() else { return None };
        Some(Stall { began_ns: *began_ns, ended_ns: *ended_ns, answered_ns: answered_ns.to_vec() })
    };
    let damaged = || io::Error::new(ErrorKind::InvalidData, "a line of the diary is not made of times");
    text.lines().map(|line| stall(line).ok_or_else(damaged)).collect()
}

// === impl StallServer ===

impl StallServer {
    /// Answers what comes to `listener`.
    pub fn new(listener: TcpListener) -> io::Result<Self> {
        listener.set_nonblocking(true)?;
        listen(&listener, BACKLOG)?;
        let epoll = epoll::create(epoll::CreateFlags::CLOEXEC)?;
        epoll::add(&epoll, &listener, epoll::EventData::new_u64(LISTENER), epoll::EventFlags::IN)?;
        Ok(Self { epoll, listener, connections: HashMap::new(), next: LISTENER + 1, answer: answer() })
    }

    /// Stands still for `stall` after every `run`. Each stall is a line of `diary`: its beginning, its end, and when each
    /// request that was there by then was answered.
    pub fn serve(mut self, run: Duration, stall: Duration, mut diary: File) -> io::Result<()> {
        loop {
            let until = Instant::now() + run;
            let left = || until.checked_duration_since(Instant::now()).filter(|left| !left.is_zero());
            while let Some(left) = left() {
                self.answer_ready(left)?;
            }
            let began = monotonic_ns();
            std::thread::sleep(stall);
            let ended = monotonic_ns();
            self.accept_all()?;
            let answered = self.answer_ready(Duration::ZERO)?;
            let answered: String = answered.iter().map(|time| format!(" {time}")).collect();
            writeln!(diary, "{began} {ended}{answered}")?;
        }
    }

    /// Waits until some sockets are ready, `limit` at most, and answers what they brought. Says when.
    fn answer_ready(&mut self, limit: Duration) -> io::Result<Vec<u64>> {
        let limit = Timespec::try_from(limit).map_err(io::Error::other)?;
        let mut events = Vec::with_capacity(READY_MAX);
        epoll::wait(&self.epoll, spare_capacity(&mut events), Some(&limit))?;
        let mut answered = Vec::new();
        for event in events {
            match event.data.u64() {
                LISTENER => self.accept_all()?,
                number => {
                    let connection = self.connections.get_mut(&number);
                    let open = connection
                        .is_some_and(|connection| connection.answer(&self.answer, &mut answered).is_ok());
                    if !open {
                        self.connections.remove(&number);
                    }
                }
            }
        }
        Ok(answered)
    }

    fn accept_all(&mut self) -> io::Result<()> {
        loop {
            let socket = match self.listener.accept() {
                Ok((socket, _)) => socket,
                Err(error) if error.kind() == ErrorKind::WouldBlock => return Ok(()),
                Err(error) => return Err(error),
            };
            socket.set_nonblocking(true)?;
            socket.set_nodelay(true)?;
            epoll::add(&self.epoll, &socket, epoll::EventData::new_u64(self.next), epoll::EventFlags::IN)?;
            self.connections.insert(self.next, Connection { socket, seen: Vec::new() });
            self.next += 1;
        }
    }
}

// === impl Connection ===

impl Connection {
    /// Answers what is there; an error is the end of the connection.
    fn answer(&mut self, answer: &str, answered: &mut Vec<u64>) -> io::Result<()> {
        let mut piece = [0; HEAD_BYTES_MAX];
        let read = self.socket.read(&mut piece)?;
        self.seen.extend_from_slice(&piece[..read]);
        if read == 0 || self.seen.len() > HEAD_BYTES_MAX {
            return Err(ErrorKind::UnexpectedEof.into());
        }
        while let Some(length) = request_length(&self.seen).filter(|length| *length <= self.seen.len()) {
            self.seen.drain(..length);
            self.socket.write_all(answer.as_bytes())?;
            answered.push(monotonic_ns());
        }
        Ok(())
    }
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "a panic is a test's failure")]
mod tests {
    use std::fs::File;
    use std::io::{Read, Write};
    use std::net::{TcpListener, TcpStream};
    use std::time::Duration;

    use super::{Stall, StallServer, monotonic_ns, read_stalls};
    use crate::quick::answer;
    use crate::wait_for_sync;

    #[test]
    fn diary_reads_back() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("diary");
        std::fs::write(&path, "1 2\n30 40 41 42\n").unwrap();
        let stalls = read_stalls(&path).unwrap();
        let stall = |began_ns, ended_ns, answered_ns| Stall { began_ns, ended_ns, answered_ns };
        assert_eq!(stalls, [stall(1, 2, vec![]), stall(30, 40, vec![41, 42])]);
        std::fs::write(&path, "1\n").unwrap();
        assert!(read_stalls(&path).is_err());
    }

    #[test]
    fn diary_tells_who_waited() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("diary");
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        let (server, diary) = (StallServer::new(listener).unwrap(), File::create(&path).unwrap());
        // Ends with the test's process.
        std::thread::spawn(|| server.serve(Duration::ZERO, Duration::from_millis(20), diary));
        let mut client = TcpStream::connect(address).unwrap();
        let asked = monotonic_ns();
        client.write_all(b"GET / HTTP/1.1\r\n\r\n").unwrap();
        let mut answered = vec![0; answer().len()];
        client.read_exact(&mut answered).unwrap();
        assert_eq!(answered, answer().as_bytes());
        let stall = wait_for_sync("the answer in the diary", Duration::from_secs(60), || {
            read_stalls(&path).ok()?.into_iter().find(|stall| !stall.answered_ns.is_empty())
        });
        let stall = stall.unwrap();
        assert!(asked < stall.ended_ns && stall.ended_ns <= stall.answered_ns[0], "{stall:?}");
    }
}
