//! Plain HTTP/1.1 clients of the edge.

use std::{
    collections::BTreeMap,
    io::{Read, Write},
    net::{SocketAddr, TcpStream},
    sync::{
        Arc, Mutex,
        atomic::{AtomicBool, Ordering},
    },
    thread::JoinHandle,
    time::Duration,
};

/// Longest wait for one answer.
const ANSWER_LIMIT: Duration = Duration::from_secs(20);

/// Status and whole answer of one GET on a connection of its own; `None` when the connection fails.
pub(crate) fn get(port: u16, path: &str) -> Option<(u16, String)> {
    let address = SocketAddr::from(([127, 0, 0, 1], port));
    let mut stream = TcpStream::connect_timeout(&address, ANSWER_LIMIT).ok()?;
    stream.set_read_timeout(Some(ANSWER_LIMIT)).ok()?;
    let request = format!("GET {path} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n");
    stream.write_all(request.as_bytes()).ok()?;
    let mut answer = String::new();
    stream.read_to_string(&mut answer).ok()?;
    let status = answer.split(' ').nth(1)?.parse().ok()?;
    Some((status, answer))
}

/// Clients that ask again and again until this is dropped.
pub(crate) struct Traffic {
    ended: Arc<AtomicBool>,
    /// How often each status was seen; 0 stands for a connection that failed.
    seen: Arc<Mutex<BTreeMap<u16, u64>>>,
    clients: Vec<JoinHandle<()>>,
}

// === impl Traffic ===

impl Traffic {
    /// Four clients that ask for `path`.
    pub(crate) fn start(port: u16, path: &'static str) -> Self {
        let ended = Arc::new(AtomicBool::new(false));
        let seen = Arc::new(Mutex::new(BTreeMap::new()));
        let client = |_| {
            let (ended, seen) = (ended.clone(), seen.clone());
            std::thread::spawn(move || {
                while !ended.load(Ordering::Relaxed) {
                    let status = get(port, path).map_or(0, |(status, _)| status);
                    *seen.lock().unwrap().entry(status).or_default() += 1;
                }
            })
        };
        let clients = (0..4).map(client).collect();
        Self { ended, seen, clients }
    }

    /// How often each status was seen.
    pub(crate) fn finish(mut self) -> BTreeMap<u16, u64> {
        self.join();
        self.seen.lock().unwrap().clone()
    }

    fn join(&mut self) {
        self.ended.store(true, Ordering::Relaxed);
        for client in self.clients.drain(..) {
            // A panic of a client shows in the counts; one in a drop would hide the test's own.
            drop(client.join());
        }
    }
}

impl Drop for Traffic {
    fn drop(&mut self) {
        self.join();
    }
}
