//! A backend inside the test's own process.

use std::io;
use std::net::{Ipv4Addr, SocketAddr};

use thiserror::Error;
use tokio::net::TcpListener;
use tokio::sync::oneshot;
use tokio::task::JoinHandle;

use super::{BackendEnd, BackendOptions, ServeBackendError, serve_backend};

/// A backend that runs as a task of the current runtime and ends, connections included, when this is dropped.
#[derive(Debug)]
pub struct RunningBackend {
    address: SocketAddr,
    stop: Option<oneshot::Sender<()>>,
    task: JoinHandle<Result<BackendEnd, ServeBackendError>>,
}

/// The backend did not start.
#[derive(Debug, Error)]
#[error("listen on `{address}`")]
pub struct StartBackendError {
    /// Where.
    pub address: SocketAddr,
    /// Why.
    #[source]
    pub source: io::Error,
}

// === impl RunningBackend ===

impl RunningBackend {
    /// Binds `options.port` on loopback and serves.
    pub async fn start(options: BackendOptions) -> Result<Self, StartBackendError> {
        let address = SocketAddr::from((Ipv4Addr::LOCALHOST, options.port));
        let failed = |source| StartBackendError { address, source };
        let listener = TcpListener::bind(address).await.map_err(failed)?;
        let address = listener.local_addr().map_err(failed)?;
        let (stop, stopped) = oneshot::channel();
        let task = tokio::spawn(serve_backend(options, listener, async move {
            // A dropped sender is a stop as well.
            stopped.await.unwrap_or_default();
        }));
        Ok(Self { address, stop: Some(stop), task })
    }

    /// Where it listens.
    #[must_use]
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Ends it at once, as a kill would: returns when the listener and all connections are closed.
    pub async fn kill(mut self) {
        self.task.abort();
        // The error says that the task was aborted, which is what was asked.
        drop((&mut self.task).await);
    }

    /// Lets it finish what is in flight. A backend that cannot drain (a hanging one) must be killed instead.
    pub async fn drain(mut self) -> Result<BackendEnd, ServeBackendError> {
        drop(self.stop.take());
        (&mut self.task)
            .await
            .expect("the backend's task neither panics nor is aborted while it is owned here")
    }
}

impl Drop for RunningBackend {
    fn drop(&mut self) {
        self.task.abort();
    }
}
