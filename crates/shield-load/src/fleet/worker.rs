//! A worker: waits for coordinators that know its key, and runs one plan at a time.

use std::future::Future;
use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use thiserror::Error;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{Semaphore, watch};
use tokio::task::JoinSet;
use tokio::time::{sleep, timeout};
use tokio_rustls::TlsAcceptor;

use crate::fleet::doorkeeper::Doorkeeper;
use crate::fleet::frames::{
    Bounds, FORMAT, FrameError, HELLO_BYTES_MAX, SILENCE_MAX, ToCoordinator, ToWorker, WORD_BYTES_MAX,
    read_frame, write_frame,
};
use crate::fleet::identity::WorkerIdentity;
use crate::fleet::job;
use crate::fleet::tls::worker_config;

/// Longest TLS handshake.
const HANDSHAKE_MAX: Duration = Duration::from_secs(5);
/// Most connections at once, whoever they come from.
const CONNECTIONS_MAX: usize = 64;
/// Longest time for the last report of a worker that was interrupted.
const LEAVE_MAX: Duration = Duration::from_secs(10);
/// Pause after a connection that could not be accepted: descriptors may be short.
const ACCEPT_PAUSE: Duration = Duration::from_millis(100);

/// A worker that listens.
#[derive(Debug)]
pub struct Worker {
    listener: TcpListener,
    desk: Arc<Desk>,
}

/// A worker cannot be started.
#[derive(Debug, Error)]
pub enum StartWorkerError {
    /// The address is not to be had.
    #[error("listen on `{address}`")]
    Listen {
        /// Which.
        address: SocketAddr,
        /// Why.
        #[source]
        source: io::Error,
    },
    /// The TLS library refused the key.
    #[error("configure TLS with the worker's key")]
    Tls {
        /// Why.
        #[source]
        source: rustls::Error,
    },
}

/// What all connections share.
struct Desk {
    identity: WorkerIdentity,
    acceptor: TlsAcceptor,
    door: Doorkeeper,
    /// One run at a time.
    slot: Arc<Semaphore>,
}

// === impl Worker ===

impl Worker {
    /// Listens; port 0 takes any free one.
    pub async fn bind(listen: SocketAddr, identity: WorkerIdentity) -> Result<Self, StartWorkerError> {
        let config = worker_config(&identity).map_err(|source| StartWorkerError::Tls { source })?;
        let failed = |source| StartWorkerError::Listen { address: listen, source };
        let listener = TcpListener::bind(listen).await.map_err(failed)?;
        let slot = Arc::new(Semaphore::new(1));
        let desk = Desk { identity, acceptor: config.into(), door: Doorkeeper::default(), slot };
        Ok(Self { listener, desk: Arc::new(desk) })
    }

    /// Where it listens.
    pub fn address(&self) -> io::Result<SocketAddr> {
        self.listener.local_addr()
    }

    /// KEY, for the address that coordinators are given.
    #[must_use]
    pub fn key(&self) -> String {
        self.desk.identity.key()
    }

    /// Serves until `interrupted`. A run under way is ended then, and its coordinator told.
    pub async fn serve(self, interrupted: impl Future<Output = ()>) {
        let (leave, leaving) = watch::channel(false);
        let mut connections = JoinSet::new();
        let accept = async {
            loop {
                while connections.try_join_next().is_some() {}
                if connections.len() >= CONNECTIONS_MAX {
                    connections.join_next().await;
                }
                match self.listener.accept().await {
                    Ok((tcp, from)) => {
                        let (desk, leaving) = (self.desk.clone(), leaving.clone());
                        connections.spawn(async move { desk.receive(tcp, from, leaving).await });
                    }
                    Err(_) => sleep(ACCEPT_PAUSE).await,
                }
            }
        };
        tokio::select! {
            () = accept => {}
            () = interrupted => {}
        }
        leave.send_replace(true);
        // Whoever is not served by then is cut off.
        let _ = timeout(LEAVE_MAX, async { while connections.join_next().await.is_some() {} }).await;
    }
}

// === impl Desk ===

impl Desk {
    /// One connection. What goes wrong on it is the other side's to tell: it sees the connection close.
    async fn receive(&self, tcp: TcpStream, from: SocketAddr, leaving: watch::Receiver<bool>) {
        // Without it, words wait for each other; the conversation goes on all the same.
        let _ = tcp.set_nodelay(true);
        let Ok(Ok(mut stream)) = timeout(HANDSHAKE_MAX, self.acceptor.accept(tcp)).await else { return };
        sleep(self.door.delay(from.ip())).await;
        let bounds = Bounds { bytes_max: HELLO_BYTES_MAX, silence_max: SILENCE_MAX };
        let hello = timeout(SILENCE_MAX, read_frame(&mut stream, bounds)).await;
        let format = match hello {
            Ok(Ok(ToWorker::Hello { format, token })) if self.identity.admits(&token) => format,
            // Whatever was wrong, the answer is the same.
            Ok(_) | Err(_) => {
                self.door.failed(from.ip());
                let problem = "the key is not this worker's".to_owned();
                let _ = write_frame(&mut stream, &ToCoordinator::Refused { problem }, WORD_BYTES_MAX).await;
                return;
            }
        };
        self.door.admitted(from.ip());
        let Ok(_turn) = self.slot.try_acquire() else {
            let _ = write_frame(&mut stream, &ToCoordinator::Busy, WORD_BYTES_MAX).await;
            return;
        };
        let answer = if format == FORMAT {
            ToCoordinator::Welcome
        } else {
            let problem = format!("the worker speaks version {FORMAT}, not {format}: use the same `shield`");
            ToCoordinator::Refused { problem }
        };
        let welcome = write_frame(&mut stream, &answer, WORD_BYTES_MAX).await;
        if welcome.is_ok() && format == FORMAT {
            let _: Result<(), FrameError> = job::serve(stream, leaving).await;
        }
    }
}

impl std::fmt::Debug for Desk {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.debug_struct("Desk").field("identity", &self.identity).finish_non_exhaustive()
    }
}
