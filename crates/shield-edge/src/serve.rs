//! The body of the edge process.

use std::{io, path::PathBuf, sync::Arc, time::Duration};

use tokio::{
    signal::unix::{Signal, SignalKind, signal},
    sync::RwLock,
    time::timeout,
};

use crate::{
    edge::Edge,
    limits::Limits,
    protocol::{Answering, BindControlError, ControlSocket},
};

/// How long the end waits for answers on the control socket that are being written.
const LAST_ANSWERS: Duration = Duration::from_secs(1);

/// What an edge process needs to know; the rest comes over its control socket.
#[derive(Clone, Debug)]
pub struct EdgeOptions {
    /// Where to listen for the control plane. The directory is made if it is missing, and must be the owner's alone.
    pub socket: PathBuf,
}

/// The edge could not start.
#[derive(Debug, thiserror::Error)]
pub enum ServeEdgeError {
    /// No control socket.
    #[error("serve the edge")]
    Control(#[source] BindControlError),
    /// No signal handler.
    #[error("handle SIGTERM")]
    Signal(#[source] io::Error),
}

/// Serves until drained: by order of the control plane, or by SIGTERM within 30 s; a second SIGTERM ends it at once.
///
/// Returning drops nothing gently: whatever the drain's deadline cut off ends with the process.
pub async fn serve(options: EdgeOptions) -> Result<(), ServeEdgeError> {
    serve_with(options, Limits::default()).await
}

pub(crate) async fn serve_with(options: EdgeOptions, limits: Limits) -> Result<(), ServeEdgeError> {
    let mut terminate = signal(SignalKind::terminate()).map_err(ServeEdgeError::Signal)?;
    let control = ControlSocket::bind(&options.socket).map_err(ServeEdgeError::Control)?;
    let edge = Edge::new(limits);
    let answering: Answering = Arc::new(RwLock::new(()));
    tracing::info!(socket = %options.socket.display(), "edge waits for its control plane");
    tokio::select! {
        () = control.serve(Arc::clone(&edge), Arc::clone(&answering)) => {}
        cut = edge.drained() => tracing::info!(cut, "edge drained"),
        () = obey_signals(&mut terminate, &edge) => tracing::warn!("edge ended at once by a second signal"),
    }
    // Late answers are no reason to stay.
    let _ = timeout(LAST_ANSWERS, answering.write()).await;
    Ok(())
}

/// Drains on the first signal, ends on the second.
async fn obey_signals(terminate: &mut Signal, edge: &Edge) {
    for _ in 0..2 {
        if terminate.recv().await.is_none() {
            // No more signals can come: leave the end to the control plane.
            std::future::pending::<()>().await;
        }
        edge.drain(edge.limits.signal_drain);
    }
}
