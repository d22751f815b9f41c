//! The proxy: a listener, a task per connection, and a switch.
//!
//! The switch is a level that every task watches: a fault reaches open and new connections alike as fast as the runtime wakes
//! them, and a connection that was busy elsewhere cannot miss it. Dropped, the proxy and all its connections are gone.

use std::io;
use std::net::SocketAddr;
use std::os::fd::AsFd;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use rustix::net::{Shutdown, listen, shutdown};
use tokio::net::{TcpListener, TcpSocket, TcpStream};
use tokio::sync::watch;
use tokio::task::{JoinHandle, JoinSet};
use tokio::time::sleep;

use crate::fault::proxy::connection::Connection;
use crate::fault::proxy::model::{Luck, NetworkFault};

/// Most connections at once; more wait in the kernel's queue.
const CONNECTIONS_MAX: usize = 16 * 1024;
/// Connections that the kernel keeps until they are accepted.
const BACKLOG: u16 = 1024;
/// Rest after the kernel refused a descriptor or a listening port.
const RETRY_PAUSE: Duration = Duration::from_millis(10);

/// A TCP proxy whose network can be made to misbehave. It knows nothing of what it carries, except for
/// [`NetworkFault::HttpStatus`], so TLS, HTTP/2 and WebSocket pass as well as anything.
///
/// Each connection holds at most 1 MiB (256 KiB while nothing is wrong) per direction; what does not fit stays with the sender.
/// Held back by nothing, what one side does shows at the other: bytes, FIN, and RST, each in its order. When the upstream does
/// not accept a connection, the client's is reset.
#[derive(Debug)]
pub struct FaultProxy {
    address: SocketAddr,
    setting: watch::Sender<Setting>,
    tally: Arc<Tally>,
    task: Option<JoinHandle<()>>,
}

/// What a [`FaultProxy`] did so far.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct ProxyCounts {
    /// Connections accepted.
    pub connections: u64,
    /// Those of them that are open.
    pub open: u64,
    /// Bytes sent to the upstream.
    pub bytes_upstream: u64,
    /// Bytes sent to clients.
    pub bytes_downstream: u64,
    /// Connections that came under a fault, once for each fault that was set.
    pub connections_under_fault: u64,
    /// Requests that the proxy answered itself.
    pub requests_answered: u64,
}

/// The same, counting.
#[derive(Debug, Default)]
pub(crate) struct Tally {
    connections: AtomicU64,
    pub(crate) closed: AtomicU64,
    pub(crate) bytes_upstream: AtomicU64,
    pub(crate) bytes_downstream: AtomicU64,
    pub(crate) under_fault: AtomicU64,
    pub(crate) requests_answered: AtomicU64,
}

/// What is wrong at present.
#[derive(Clone, Debug, Default)]
pub(crate) struct Setting {
    /// How often it was set.
    pub(crate) generation: u64,
    pub(crate) fault: Option<Arc<NetworkFault>>,
}

/// Accepts connections.
struct Acceptor {
    listener: TcpListener,
    listens: bool,
    upstream: SocketAddr,
    seed: u64,
    setting: watch::Receiver<Setting>,
    tally: Arc<Tally>,
    connections: JoinSet<()>,
}

// === impl FaultProxy ===

impl FaultProxy {
    /// Listens on `listen` (port 0 takes any free one) and forwards to `upstream`, with nothing wrong yet. The same seed makes
    /// the same choices for a connection of the same number.
    ///
    /// # Panics
    /// Outside of a tokio runtime.
    pub fn bind(listen: SocketAddr, upstream: SocketAddr, seed: u64) -> io::Result<Self> {
        let listener = bind_for_good(listen)?;
        let address = listener.local_addr()?;
        let (setting, tally) = (watch::Sender::default(), Arc::<Tally>::default());
        let acceptor = Acceptor {
            listener,
            listens: true,
            upstream,
            seed,
            setting: setting.subscribe(),
            tally: tally.clone(),
            connections: JoinSet::new(),
        };
        let task = Some(tokio::spawn(acceptor.run()));
        Ok(Self { address, setting, tally, task })
    }

    /// Where it listens.
    #[must_use]
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Breaks the network in this way and no other, or not at all; open and new connections notice at once.
    ///
    /// Whatever was set before is undone first: bytes that were held are sent in their order; a connection that lost some, or
    /// its upstream, cannot be mended and is reset.
    pub fn set(&self, fault: Option<NetworkFault>) {
        self.setting.send_modify(|setting| {
            setting.generation += 1;
            setting.fault = fault.map(Arc::new);
        });
    }

    /// What it did so far.
    #[must_use]
    pub fn counts(&self) -> ProxyCounts {
        let tally = &self.tally;
        let closed = tally.closed.load(Ordering::Acquire);
        let connections = tally.connections.load(Ordering::Acquire);
        ProxyCounts {
            connections,
            open: connections.saturating_sub(closed),
            bytes_upstream: tally.bytes_upstream.load(Ordering::Relaxed),
            bytes_downstream: tally.bytes_downstream.load(Ordering::Relaxed),
            connections_under_fault: tally.under_fault.load(Ordering::Relaxed),
            requests_answered: tally.requests_answered.load(Ordering::Relaxed),
        }
    }

    /// Closes the listener and every connection; back when they are closed.
    pub async fn shutdown(mut self) {
        if let Some(task) = self.task.take() {
            task.abort();
            // It was cancelled, as it was told.
            let _ = task.await;
        }
    }
}

impl Drop for FaultProxy {
    fn drop(&mut self) {
        self.task.iter().for_each(JoinHandle::abort);
    }
}

/// A listener whose port stays its own while it does not listen: the kernel keeps a port for a socket only if the port was named.
fn bind_for_good(address: SocketAddr) -> io::Result<TcpListener> {
    let bind = |address: SocketAddr| {
        let socket = if address.is_ipv4() { TcpSocket::new_v4() } else { TcpSocket::new_v6() }?;
        socket.set_reuseaddr(true)?;
        socket.bind(address)?;
        Ok::<_, io::Error>(socket)
    };
    let found = bind(address)?;
    if address.port() != 0 {
        return found.listen(u32::from(BACKLOG));
    }
    let named = bind(found.local_addr()?)?;
    drop(found);
    named.listen(u32::from(BACKLOG))
}

// === impl Acceptor ===

impl Acceptor {
    async fn run(mut self) {
        loop {
            let refusing =
                matches!(self.setting.borrow_and_update().fault.as_deref(), Some(NetworkFault::Refuse {}));
            self.listen_unless(refusing);
            let accepting = self.listens && self.connections.len() < CONNECTIONS_MAX;
            tokio::select! {
                changed = self.setting.changed() => if changed.is_err() { return },
                Some(_) = self.connections.join_next() => {}
                accepted = self.listener.accept(), if accepting => match accepted {
                    Ok((client, _)) => self.begin(client),
                    Err(_) => sleep(RETRY_PAUSE).await,
                },
                () = sleep(RETRY_PAUSE), if self.listens == refusing => {}
            }
        }
    }

    /// Opens or closes the port without giving it away. What the kernel refuses is tried again.
    fn listen_unless(&mut self, refusing: bool) {
        if refusing == self.listens {
            let done = if refusing { self.stop_listening() } else { self.listen_again() };
            self.listens ^= done.is_ok();
        }
    }

    fn stop_listening(&self) -> io::Result<()> {
        Ok(shutdown(&self.listener, Shutdown::Read)?)
    }

    fn listen_again(&mut self) -> io::Result<()> {
        listen(&self.listener, i32::from(BACKLOG))?;
        // The runtime never forgets that a descriptor was shut down, so it gets another one of the same socket.
        let again = self.listener.as_fd().try_clone_to_owned()?;
        self.listener = TcpListener::from_std(again.into())?;
        Ok(())
    }

    fn begin(&mut self, client: TcpStream) {
        let number = self.tally.connections.fetch_add(1, Ordering::AcqRel);
        let connection = Connection {
            upstream: self.upstream,
            luck: Luck::new(self.seed, number),
            setting: self.setting.clone(),
            tally: self.tally.clone(),
            counted: 0,
        };
        self.connections.spawn(connection.run(client));
    }
}
