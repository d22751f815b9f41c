//! The accept loop.

use std::future::Future;
use std::io;
use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

use thiserror::Error;
use tokio::net::TcpListener;
use tokio::sync::watch;
use tokio::task::JoinSet;

use super::BackendOptions;
use super::connection::{Phase, serve_connection};
use super::state::BackendState;

/// Pause after a failed accept, so that a shortage of descriptors does not become a spinning loop.
const ACCEPT_PAUSE: Duration = Duration::from_millis(10);

/// Why a backend ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum BackendEnd {
    /// It was told to, and finished what was in flight.
    Stopped,
    /// Its behaviour says that it dies here; the program exits with code 1.
    Died,
}

/// The backend could not begin.
#[derive(Debug, Error)]
pub enum ServeBackendError {
    /// The ledger's file was not made.
    #[error("create the ledger")]
    Ledger {
        /// Why.
        #[source]
        source: io::Error,
    },
}

/// Serves until `stop` is ready (then drains) or the behaviour says to die. Dropping the future ends the backend at
/// once: the listener and every connection close, whatever they were doing (an upgraded connection lives on).
///
/// Behaviours about binding (`never-binds`, `binds-late`, `exits-at-start`) are the caller's: here is a listener already.
pub async fn serve_backend(
    options: BackendOptions,
    listener: TcpListener,
    stop: impl Future<Output = ()>,
) -> Result<BackendEnd, ServeBackendError> {
    let state = Arc::new(BackendState::new(options).map_err(|source| ServeBackendError::Ledger { source })?);
    let phase = watch::Sender::new(Phase::Serving);
    let mut connections = JoinSet::new();
    let mut stop = pin!(stop);
    loop {
        tokio::select! {
            accepted = listener.accept() => match accepted {
                Ok((socket, _)) => {
                    // Without it, small answers wait for the peer's delayed acknowledgement; a refusal costs only that.
                    socket.set_nodelay(true).ok();
                    connections.spawn(serve_connection(state.clone(), socket, phase.subscribe()));
                }
                Err(_) => tokio::time::sleep(ACCEPT_PAUSE).await,
            },
            Some(_) = connections.join_next() => {
                if *state.dying.borrow() {
                    return Ok(BackendEnd::Died);
                }
            }
            () = stop.as_mut() => break,
        }
    }
    drop(listener);
    phase.send_replace(Phase::Draining);
    while connections.join_next().await.is_some() {}
    Ok(BackendEnd::Stopped)
}
