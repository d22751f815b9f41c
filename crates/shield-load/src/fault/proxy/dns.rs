//! A DNS forwarder that can be made to misbehave.
//!
//! Over UDP only, and it reads no more of a message than the id and the flags (RFC 1035, section 4.1.1): a query gets an id of
//! the forwarder's own on its way up and its old one on its way back, so that clients with the same id are told apart.

use std::collections::VecDeque;
use std::fmt;
use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use serde::{Deserialize, Serialize};
use shield_types::settings::duration_text;
use tokio::net::UdpSocket;
use tokio::sync::watch;
use tokio::task::JoinHandle;
use tokio::time::{Instant, sleep_until};

/// Longest message; EDNS allows no more.
const MESSAGE_BYTES_MAX: usize = 64 * 1024;
/// Id, flags and four counts.
const HEADER_BYTES: usize = 12;
/// Most queries that wait for an answer; the oldest is forgotten first. A power of two, so that ids wrap around with it.
const WAITING_MAX: usize = 4096;
/// Most queries that are held back.
const DELAYED_MAX: usize = 4096;
/// The flag of an answer, in the third byte.
const ANSWER: u8 = 0x80;
/// `RA`, recursion available, in the fourth byte.
const RECURSION_AVAILABLE: u8 = 0x80;
const SERVFAIL: u8 = 2;

/// A forwarder of DNS queries. Dropped, it is gone.
#[derive(Debug)]
pub struct DnsFault {
    address: SocketAddr,
    setting: watch::Sender<Option<DnsTrouble>>,
    tally: Arc<Tally>,
    task: Option<JoinHandle<()>>,
}

/// One way in which name resolution misbehaves.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "kebab-case", deny_unknown_fields)]
pub enum DnsTrouble {
    /// No query is answered.
    Drop {},
    /// Every query is answered SERVFAIL.
    Servfail {},
    /// Queries are forwarded later. 4,096 are held, what comes then is dropped.
    Delay {
        /// How much later.
        #[serde(with = "duration_text")]
        delay: Duration,
    },
}

/// What a [`DnsFault`] did so far.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct DnsCounts {
    /// Queries that came.
    pub queries: u64,
    /// Queries that were forwarded.
    pub forwarded: u64,
    /// Answers of the upstream that were passed on.
    pub answered: u64,
    /// Queries that were answered SERVFAIL here.
    pub servfail: u64,
}

#[derive(Debug, Default)]
struct Tally {
    queries: AtomicU64,
    forwarded: AtomicU64,
    answered: AtomicU64,
    servfail: AtomicU64,
}

/// The task's own.
struct Forwarder {
    clients: UdpSocket,
    upstream: UdpSocket,
    setting: watch::Receiver<Option<DnsTrouble>>,
    tally: Arc<Tally>,
    waiting: Waiting,
    delayed: VecDeque<Delayed>,
}

struct Delayed {
    due: Instant,
    client: SocketAddr,
    message: Vec<u8>,
}

/// Who waits for the answer to which id.
#[derive(Debug)]
struct Waiting {
    next_id: u16,
    slots: Vec<Option<Asked>>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Asked {
    /// Of the query that went up.
    id: u16,
    client: SocketAddr,
    /// Of the query that came.
    client_id: [u8; 2],
}

// === impl DnsTrouble ===

impl fmt::Display for DnsTrouble {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Drop {} => formatter.write_str("drop"),
            Self::Servfail {} => formatter.write_str("servfail"),
            Self::Delay { delay } => write!(formatter, "delay {delay:?}"),
        }
    }
}

// === impl DnsFault ===

impl DnsFault {
    /// Listens on `listen` (port 0 takes any free one) and forwards to `upstream`, with nothing wrong yet.
    ///
    /// # Panics
    /// Outside of a tokio runtime.
    pub fn bind(listen: SocketAddr, upstream: SocketAddr) -> io::Result<Self> {
        let clients = socket(listen)?;
        let address = clients.local_addr()?;
        let any: SocketAddr = if upstream.is_ipv4() { ([0; 4], 0).into() } else { ([0_u16; 8], 0).into() };
        let up = std::net::UdpSocket::bind(any)?;
        up.connect(upstream)?;
        up.set_nonblocking(true)?;
        let (setting, tally) = (watch::Sender::default(), Arc::<Tally>::default());
        let forwarder = Forwarder {
            clients,
            upstream: UdpSocket::from_std(up)?,
            setting: setting.subscribe(),
            tally: tally.clone(),
            waiting: Waiting { next_id: 0, slots: vec![None; WAITING_MAX] },
            delayed: VecDeque::new(),
        };
        let task = Some(tokio::spawn(forwarder.run()));
        Ok(Self { address, setting, tally, task })
    }

    /// Where it listens.
    #[must_use]
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Misbehaves in this way and no other, or not at all, at once. Queries that were held are forwarded in their order.
    pub fn set(&self, trouble: Option<DnsTrouble>) {
        self.setting.send_replace(trouble);
    }

    /// What it did so far.
    #[must_use]
    pub fn counts(&self) -> DnsCounts {
        let load = |counter: &AtomicU64| counter.load(Ordering::Relaxed);
        DnsCounts {
            queries: load(&self.tally.queries),
            forwarded: load(&self.tally.forwarded),
            answered: load(&self.tally.answered),
            servfail: load(&self.tally.servfail),
        }
    }

    /// Closes the socket; back when it is closed.
    pub async fn shutdown(mut self) {
        if let Some(task) = self.task.take() {
            task.abort();
            // It was cancelled, as it was told.
            let _ = task.await;
        }
    }
}

impl Drop for DnsFault {
    fn drop(&mut self) {
        self.task.iter().for_each(JoinHandle::abort);
    }
}

fn socket(address: SocketAddr) -> io::Result<UdpSocket> {
    let socket = std::net::UdpSocket::bind(address)?;
    socket.set_nonblocking(true)?;
    UdpSocket::from_std(socket)
}

// === impl Forwarder ===

impl Forwarder {
    async fn run(mut self) {
        let (mut query, mut answer) = (vec![0; MESSAGE_BYTES_MAX], vec![0; MESSAGE_BYTES_MAX]);
        loop {
            let due = self.delayed.front().map(|first| first.due);
            tokio::select! {
                changed = self.setting.changed() => match changed {
                    Ok(()) => self.flush(None).await,
                    Err(_) => return,
                },
                // An error is an ICMP message about an earlier datagram: that one is lost, no more.
                Ok((length, client)) = self.clients.recv_from(&mut query) => {
                    self.take_query(&mut query[..length], client).await;
                }
                Ok(length) = self.upstream.recv(&mut answer) => self.take_answer(&mut answer[..length]).await,
                () = sleep_until(due.unwrap_or_else(Instant::now)), if due.is_some() => {
                    self.flush(Some(Instant::now())).await;
                }
            }
        }
    }

    async fn take_query(&mut self, message: &mut [u8], client: SocketAddr) {
        if message.len() < HEADER_BYTES || message[2] & ANSWER != 0 {
            return;
        }
        self.tally.queries.fetch_add(1, Ordering::Relaxed);
        let trouble = *self.setting.borrow();
        match trouble {
            None => self.forward(message, client).await,
            Some(DnsTrouble::Drop {}) => {}
            Some(DnsTrouble::Servfail {}) => {
                message[2] |= ANSWER;
                message[3] = RECURSION_AVAILABLE | SERVFAIL;
                self.tally.servfail.fetch_add(1, Ordering::Relaxed);
                // A datagram that is not sent is a datagram that is lost.
                let _ = self.clients.send_to(message, client).await;
            }
            Some(DnsTrouble::Delay { delay }) if self.delayed.len() < DELAYED_MAX => {
                let due = Instant::now() + delay;
                self.delayed.push_back(Delayed { due, client, message: message.to_vec() });
            }
            Some(DnsTrouble::Delay { .. }) => {}
        }
    }

    async fn forward(&mut self, message: &mut [u8], client: SocketAddr) {
        let id = self.waiting.ask(client, [message[0], message[1]]);
        message[..2].copy_from_slice(&id.to_be_bytes());
        self.tally.forwarded.fetch_add(1, Ordering::Relaxed);
        // A datagram that is not sent is a datagram that is lost.
        let _ = self.upstream.send(message).await;
    }

    async fn take_answer(&mut self, message: &mut [u8]) {
        let Some(id) = message.first_chunk::<2>().filter(|_| message.len() >= HEADER_BYTES) else { return };
        let Some(asked) = self.waiting.answered(u16::from_be_bytes(*id)) else { return };
        message[..2].copy_from_slice(&asked.client_id);
        self.tally.answered.fetch_add(1, Ordering::Relaxed);
        // A datagram that is not sent is a datagram that is lost.
        let _ = self.clients.send_to(message, asked.client).await;
    }

    /// Forwards what is due by then, or everything.
    async fn flush(&mut self, by: Option<Instant>) {
        while let Some(mut first) = self.delayed.pop_front_if(|first| by.is_none_or(|by| first.due <= by)) {
            self.forward(&mut first.message, first.client).await;
        }
    }
}

// === impl Waiting ===

impl Waiting {
    /// The id to ask with; whoever asked 4,096 queries ago waits no longer.
    fn ask(&mut self, client: SocketAddr, client_id: [u8; 2]) -> u16 {
        let id = self.next_id;
        self.next_id = id.wrapping_add(1);
        self.slots[usize::from(id) % WAITING_MAX] = Some(Asked { id, client, client_id });
        id
    }

    /// Who asked with this id; only once.
    fn answered(&mut self, id: u16) -> Option<Asked> {
        self.slots[usize::from(id) % WAITING_MAX].take_if(|asked| asked.id == id)
    }
}

#[cfg(test)]
mod tests {
    use std::net::SocketAddr;

    use super::{WAITING_MAX, Waiting};

    #[test]
    fn answer_finds_who_asked() {
        let mut waiting = Waiting { next_id: u16::MAX, slots: vec![None; WAITING_MAX] };
        let client = |port| SocketAddr::from(([127, 0, 0, 1], port));
        let (first, second) = (waiting.ask(client(1), [7, 7]), waiting.ask(client(2), [7, 7]));
        assert_eq!(waiting.answered(second).map(|asked| asked.client), Some(client(2)));
        assert_eq!(waiting.answered(second), None, "an answer is for one query");
        assert_eq!(waiting.answered(first).map(|asked| asked.client_id), Some([7, 7]));
    }

    #[test]
    fn oldest_query_is_forgotten() {
        let mut waiting = Waiting { next_id: 0, slots: vec![None; WAITING_MAX] };
        let client = SocketAddr::from(([127, 0, 0, 1], 1));
        let first = waiting.ask(client, [0, 0]);
        for _ in 0..WAITING_MAX {
            waiting.ask(client, [0, 0]);
        }
        assert_eq!(waiting.answered(first), None);
    }
}
