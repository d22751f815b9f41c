//! The listening socket and the loop that takes connections from it.

use std::{io, net::SocketAddr, sync::Arc, time::Duration};

use axum::Router;
use thiserror::Error;
use tokio::{
    net::{TcpListener, TcpStream},
    sync::{OwnedSemaphorePermit, Semaphore, watch},
    task::JoinSet,
    time::sleep,
};

use super::{
    connection::{Phase, serve},
    drain::{DrainReport, finish, finish_changes},
};
use crate::api::{App, router};

/// Pause after a failed accept, such as one for want of file descriptors.
const ACCEPT_PAUSE: Duration = Duration::from_millis(50);
/// Connections taken from the backlog at the very end, so that none that was made is left without an answer.
const BACKLOG_MAX: usize = 4096;

/// Why the port could not be taken.
#[derive(Debug, Error)]
#[error("address `{address}` cannot be listened on")]
pub struct BindError {
    /// The address.
    pub address: SocketAddr,
    /// The system's reason.
    #[source]
    pub source: io::Error,
}

/// A server with its port taken.
#[derive(Debug)]
pub struct Server {
    app: App,
    listener: TcpListener,
    slots: Arc<Semaphore>,
    spawner: Spawner,
}

/// What a connection's task is made of.
#[derive(Debug)]
struct Spawner {
    app: App,
    router: Router,
    phase: watch::Sender<Phase>,
}

// === impl Server ===

impl Server {
    /// Takes the port.
    ///
    /// # Errors
    /// When the address is in use, not ours, or not allowed.
    pub async fn bind(app: App, address: SocketAddr, connections_max: usize) -> Result<Self, BindError> {
        let listener = TcpListener::bind(address).await.map_err(|source| BindError { address, source })?;
        let phase = watch::Sender::new(Phase::Serving);
        let spawner = Spawner { router: router(app.clone()), app: app.clone(), phase };
        Ok(Self { app, listener, slots: Arc::new(Semaphore::new(connections_max)), spawner })
    }

    /// The address that was really taken.
    ///
    /// # Errors
    /// When the system does not tell.
    pub fn address(&self) -> io::Result<SocketAddr> {
        self.listener.local_addr()
    }

    /// Serves until `shutdown` ends, then drains for at most `drain_timeout` and reports what was cut.
    ///
    /// While requests that began before are being finished, new connections are still answered (and told to close), so
    /// that a load balancer can see readiness turn false. Then the port is closed, and what came in last is finished.
    pub async fn run(self, shutdown: impl Future<Output = ()>, drain_timeout: Duration) -> DrainReport {
        let mut connections = JoinSet::new();
        let mut shutdown = std::pin::pin!(shutdown);
        loop {
            tokio::select! {
                () = shutdown.as_mut() => break,
                (stream, slot) = self.accept() => self.spawner.spawn(&mut connections, stream, slot),
                Some(_ended) = connections.join_next() => {}
            }
        }
        self.app.start_draining();
        self.spawner.phase.send_replace(Phase::Draining);
        tracing::info!(in_flight = self.app.in_flight().len(), connections = connections.len(), "draining");
        let deadline = tokio::time::Instant::now() + drain_timeout;
        let mut late = JoinSet::new();
        let finished = tokio::time::timeout_at(deadline, self.serve_until_ended(&mut connections, &mut late));
        let _finish_cuts_what_is_left = finished.await;
        let app = self.app.clone();
        self.close(&mut late);
        let all_ended = finish(&mut connections, &mut late, deadline).await;
        let report = if all_ended { DrainReport::default() } else { DrainReport::of(&app) };
        connections.shutdown().await;
        late.shutdown().await;
        finish_changes(&app, deadline).await;
        report
    }

    /// Takes connections until all of `earlier` have ended.
    async fn serve_until_ended(&self, earlier: &mut JoinSet<()>, late: &mut JoinSet<()>) {
        loop {
            tokio::select! {
                biased;
                ended = earlier.join_next() => if ended.is_none() { return },
                Some(_ended) = late.join_next() => {}
                (stream, slot) = self.accept() => self.spawner.spawn(late, stream, slot),
            }
        }
    }

    /// Closes the port, after taking the connections that the system has already made on our behalf.
    fn close(self, late: &mut JoinSet<()>) {
        let unbound = self.listener.into_std();
        let Ok(listener) = unbound.inspect_err(|error| tracing::warn!(error = %error, "backlog is lost"))
        else {
            return;
        };
        for _ in 0..BACKLOG_MAX {
            let stream = listener.accept().and_then(|(stream, _peer)| {
                stream.set_nonblocking(true)?;
                TcpStream::from_std(stream)
            });
            let (Ok(stream), Ok(slot)) = (stream, Arc::clone(&self.slots).try_acquire_owned()) else {
                return;
            };
            self.spawner.spawn(late, stream, slot);
        }
    }

    /// The next connection, once there is a slot for it.
    async fn accept(&self) -> (TcpStream, OwnedSemaphorePermit) {
        let slot = Arc::clone(&self.slots).acquire_owned().await.expect("nothing closes the semaphore");
        loop {
            match self.listener.accept().await {
                Ok((stream, _peer)) => return (stream, slot),
                Err(error) => {
                    tracing::warn!(error = %error, "accept failed");
                    sleep(ACCEPT_PAUSE).await;
                }
            }
        }
    }
}

// === impl Spawner ===

impl Spawner {
    fn spawn(&self, connections: &mut JoinSet<()>, stream: TcpStream, slot: OwnedSemaphorePermit) {
        let (app, router, phase) = (self.app.clone(), self.router.clone(), self.phase.subscribe());
        let unsent = self.app.metrics().answers_unsent();
        connections.spawn(async move {
            let _open = OpenConnection::new(app);
            serve(stream, router, phase, unsent).await;
            drop(slot);
        });
    }
}

/// Counts a connection while it lives, however it ends.
struct OpenConnection {
    app: App,
}

impl OpenConnection {
    fn new(app: App) -> Self {
        app.metrics().connection_opened();
        Self { app }
    }
}

impl Drop for OpenConnection {
    fn drop(&mut self) {
        self.app.metrics().connection_closed();
    }
}
