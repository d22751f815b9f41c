//! The control-plane process: what `shield control` runs, and how the command line starts it.

use std::{
    collections::BTreeMap,
    env, fs, io,
    net::SocketAddr,
    path::{Path, PathBuf},
    time::Duration,
};

use shield_runtime::{LaunchError, LaunchOrder, launch};
use shield_types::InstanceId;
use tokio::{
    signal::unix::{SignalKind, signal},
    time::{Instant, sleep},
};

use crate::{
    admin::{AdminClient, AdminState, StatusReport, bind_admin, serve},
    durable::{StateFileError, failed, write_atomically},
    executor::{StartControlError, Started, start},
    layout::Layout,
    manifest::Manifest,
    store::{ArtifactError, artifact_digest},
};

/// Longest wait for a new control plane to answer.
const ANSWER_DEADLINE: Duration = Duration::from_secs(30);

/// Copies of `shield` kept besides a new one.
const BINARIES_KEPT: usize = 3;

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

/// The control plane could not be started from the command line.
#[derive(Debug, thiserror::Error)]
pub enum SpawnControlError {
    /// A file could not be written.
    #[error("prepare the control plane")]
    File {
        /// Which, and why.
        #[source]
        source: StateFileError,
    },
    /// Its binary could not be read.
    #[error("prepare the control plane")]
    Binary {
        /// Why.
        #[source]
        source: ArtifactError,
    },
    /// Its process could not be started.
    #[error("start the control plane")]
    Launch {
        /// Why.
        #[source]
        source: LaunchError,
    },
    /// It ended at once.
    #[error("start the control plane: it ended at once and said:\n{said}")]
    Ended {
        /// What it wrote to its log.
        said: String,
    },
    /// It does not answer.
    #[error("start the control plane: it does not answer within 30s; its log is `{}`", log.display())]
    Silent {
        /// Its log.
        log: PathBuf,
    },
}

/// Runs the control plane of `layout` until everything was taken down, or SIGTERM: then what runs goes on running.
pub async fn run_control(layout: Layout) -> Result<(), RunControlError> {
    let manifest = read_service(&layout)?;
    let binary = env::current_exe()
        .map_err(failed("find", Path::new("the running binary")))
        .map_err(|source| RunControlError::File { source })?;
    let digest =
        artifact_digest(&binary, &Default::default()).map_err(|source| RunControlError::Binary { source })?;
    let started = start(layout.clone(), manifest, binary, digest.0.hex()).await;
    let Started { executor, commands, progress, status, history, ports, lock } =
        started.map_err(|source| RunControlError::Start { source })?;
    let socket = layout.admin_socket();
    let listener = bind_admin(&layout)
        .map_err(failed("bind", &socket))
        .map_err(|source| RunControlError::File { source })?;
    let state = AdminState { layout, commands, progress, status, history, ports };
    tokio::spawn(serve(listener, state));
    let mut terminate = signal(SignalKind::terminate()).expect("SIGTERM can be handled");
    let mut interrupt = signal(SignalKind::interrupt()).expect("SIGINT can be handled");
    tokio::select! {
        () = executor.run() => tracing::info!("down"),
        _ = terminate.recv() => tracing::info!("ending; the edge and the instances go on"),
        _ = interrupt.recv() => tracing::info!("ending; the edge and the instances go on"),
    }
    // A leftover socket would only be in the way of a clear message.
    let _ = fs::remove_file(socket);
    drop(lock);
    Ok(())
}

fn read_service(layout: &Layout) -> Result<Manifest, RunControlError> {
    let path = layout.service_file();
    let bytes =
        fs::read(&path).map_err(failed("read", &path)).map_err(|source| RunControlError::File { source })?;
    serde_json::from_slice(&bytes).map_err(|source| RunControlError::Service { path, source })
}

/// The status of the control plane, starting one if none answers. The flag says whether this call started it.
pub async fn ensure_control(
    layout: &Layout,
    manifest: &Manifest,
) -> Result<(StatusReport, bool), SpawnControlError> {
    let client = AdminClient::new(layout);
    if let Ok(status) = client.status().await {
        return Ok((status, false));
    }
    spawn(layout, manifest, &client).await.map(|status| (status, true))
}

async fn spawn(
    layout: &Layout,
    manifest: &Manifest,
    client: &AdminClient,
) -> Result<StatusReport, SpawnControlError> {
    let file = |source| SpawnControlError::File { source };
    let service = serde_json::to_vec(manifest).expect("a manifest has only text keys");
    write_atomically(&layout.service_file(), &service).map_err(file)?;
    let binary = stored_binary(layout)?;
    let log = layout.control_log();
    let log_start = fs::metadata(&log).map_or(0, |metadata| metadata.len());
    let argv = [binary.clone(), "control".into(), "--root".into(), layout.root().to_owned()];
    let order = LaunchOrder {
        instance: InstanceId::new("control".parse().expect("a constant name"), 0, std::process::id()),
        // Another scope than the instances': the control plane must not find, and stop, itself.
        scope: format!("{}-control", layout.scope()),
        argv: argv.iter().map(|word| word.to_string_lossy().into_owned()).collect(),
        env: passed_on(),
        directory: layout.root().to_owned(),
        address: SocketAddr::from(([127, 0, 0, 1], 0)),
        log: log.clone(),
    };
    let process = launch(&order).map_err(|source| SpawnControlError::Launch { source })?;
    let deadline = Instant::now() + ANSWER_DEADLINE;
    loop {
        if let Ok(status) = client.status().await {
            return Ok(status);
        }
        if !process.is_alive() {
            return Err(SpawnControlError::Ended { said: said_since(&log, log_start) });
        }
        if Instant::now() >= deadline {
            return Err(SpawnControlError::Silent { log });
        }
        sleep(Duration::from_millis(20)).await;
    }
}

/// Variables that change how the control plane itself works.
fn passed_on() -> BTreeMap<String, String> {
    let names = ["SHIELD_LOG", "XDG_RUNTIME_DIR", "SHIELD_FAILPOINT"];
    names.iter().filter_map(|name| Some(((*name).to_owned(), env::var(name).ok()?))).collect()
}

/// A copy of the running binary in the state directory: a rebuild of `shield` must not touch the daemons.
fn stored_binary(layout: &Layout) -> Result<PathBuf, SpawnControlError> {
    let file = |source| SpawnControlError::File { source };
    let running =
        env::current_exe().map_err(failed("find", Path::new("the running binary"))).map_err(file)?;
    let digest = artifact_digest(&running, &Default::default())
        .map_err(|source| SpawnControlError::Binary { source })?;
    let stored = layout.binaries().join(format!("shield-{}", digest.0.short()));
    if !stored.exists() {
        prune_binaries(layout);
        copy_executable(&running, &stored)
            .map_err(failed("copy the running binary to", &stored))
            .map_err(file)?;
    }
    Ok(stored)
}

/// Old binaries go, except the newest few: a process that runs from a removed one runs on.
fn prune_binaries(layout: &Layout) {
    let entries = fs::read_dir(layout.binaries()).into_iter().flatten().flatten();
    let mut binaries: Vec<_> =
        entries.filter_map(|entry| Some((entry.metadata().ok()?.modified().ok()?, entry.path()))).collect();
    binaries.sort();
    for (_, path) in &binaries[..binaries.len().saturating_sub(BINARIES_KEPT)] {
        // What cannot be removed only takes space.
        let _ = fs::remove_file(path);
    }
}

fn copy_executable(from: &Path, to: &Path) -> io::Result<()> {
    use std::os::unix::fs::PermissionsExt;
    let temporary = to.with_extension(format!("tmp-{}", std::process::id()));
    fs::copy(from, &temporary)?;
    fs::set_permissions(&temporary, fs::Permissions::from_mode(0o500))?;
    fs::File::open(&temporary)?.sync_all()?;
    fs::rename(&temporary, to)
}

/// SHA-256 of the running binary, in hex, to compare with a control plane's.
pub fn running_binary_digest() -> Option<String> {
    let running = env::current_exe().ok()?;
    Some(artifact_digest(&running, &Default::default()).ok()?.0.hex())
}

/// What was written to `log` after `start`, without the log lines that are JSON.
fn said_since(log: &Path, start: u64) -> String {
    let bytes = fs::read(log).unwrap_or_default();
    let new = bytes.get(usize::try_from(start).unwrap_or(usize::MAX)..).unwrap_or_default();
    let text = String::from_utf8_lossy(new);
    let lines: Vec<_> = text.lines().filter(|line| !line.starts_with('{')).collect();
    let tail = lines.len().saturating_sub(20);
    lines[tail..].join("\n")
}
