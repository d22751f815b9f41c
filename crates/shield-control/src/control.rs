//! The control-plane process: what `shield control` runs.

use std::{
    env, fs, mem,
    path::{Path, PathBuf},
};

use tokio::signal::unix::{SignalKind, signal};

use crate::{
    admin::{AdminState, bind_admin, serve},
    durable::{StateFileError, failed},
    executor::{StartControlError, Started, start},
    layout::Layout,
    manifest::{Exclusions, Manifest},
    staging::Stagings,
    store::{ArtifactError, artifact_digest},
};

/// The control plane did not run.
#[derive(Debug, thiserror::Error)]
pub enum RunControlError {
    /// It could not start.
    #[error("start the control plane")]
    Start {
        /// Why.
        #[source]
        source: StartControlError,
    },
    /// A file it needs could not be read.
    #[error("start the control plane")]
    File {
        /// Which, and why.
        #[source]
        source: StateFileError,
    },
    /// The service file is not one.
    #[error("read `{}`", path.display())]
    Service {
        /// The file.
        path: PathBuf,
        /// What the parser said.
        #[source]
        source: serde_json::Error,
    },
    /// Its own binary could not be read.
    #[error("read the running binary")]
    Binary {
        /// Why.
        #[source]
        source: ArtifactError,
    },
}

/// Runs the control plane of `layout` until everything was taken down, or SIGTERM: then what runs goes on running.
pub async fn run_control(layout: Layout) -> Result<(), RunControlError> {
    let manifest = read_service(&layout)?;
    let binary = env::current_exe()
        .map_err(failed("find", Path::new("the running binary")))
        .map_err(|source| RunControlError::File { source })?;
    let digest =
        artifact_digest(&binary, &Exclusions::none()).map_err(|source| RunControlError::Binary { source })?;
    let started = start(layout.clone(), manifest, binary, digest.0.hex()).await;
    let Started { executor, commands, progress, status, history, ports, lock } =
        started.map_err(|source| RunControlError::Start { source })?;
    let socket = layout.admin_socket();
    let listener = bind_admin(&layout)
        .map_err(failed("bind", &socket))
        .map_err(|source| RunControlError::File { source })?;
    let stagings = Stagings::new(layout.clone(), ports);
    let state = AdminState { stagings: stagings.clone(), commands, progress, status, history };
    let serving = tokio::spawn(serve(layout, listener, state));
    let mut terminate = signal(SignalKind::terminate()).expect("SIGTERM can be handled");
    let mut interrupt = signal(SignalKind::interrupt()).expect("SIGINT can be handled");
    tokio::select! {
        () = executor.run() => tracing::info!("down"),
        _ = terminate.recv() => tracing::info!("ending; the edge and the instances go on"),
        _ = interrupt.recv() => tracing::info!("ending; the edge and the instances go on"),
    }
    // Whoever asks from now on is not answered by somebody who decides nothing any more.
    serving.abort();
    stagings.end().await;
    // A leftover socket would only be in the way of a clear message.
    let _ = fs::remove_file(socket);
    // Threads may still be at work, on the evidence log too: the lock is free once they are gone with the process.
    mem::forget(lock);
    Ok(())
}

fn read_service(layout: &Layout) -> Result<Manifest, RunControlError> {
    let path = layout.service_file();
    let bytes =
        fs::read(&path).map_err(failed("read", &path)).map_err(|source| RunControlError::File { source })?;
    serde_json::from_slice(&bytes).map_err(|source| RunControlError::Service { path, source })
}
