//! How the command line starts a control plane, and what it can tell of one that does not answer.

use std::{
    collections::BTreeMap,
    env, fs, io,
    net::SocketAddr,
    path::{Path, PathBuf},
    time::Duration,
};

use shield_runtime::{LaunchError, LaunchOrder, find, launch};
use shield_types::InstanceId;
use tokio::time::{Instant, sleep};

use crate::{
    admin::{AdminClient, StatusReport},
    durable::{StateFileError, failed, write_atomically},
    layout::Layout,
    manifest::{Exclusions, Manifest},
    store::{ArtifactError, artifact_digest},
};

/// Longest wait for a new control plane to answer.
const ANSWER_DEADLINE: Duration = Duration::from_secs(30);

/// Longest wait for a control plane that is there and does not answer yet.
const TRANSITION: Duration = Duration::from_secs(8);
/// Time between looks.
const LOOK: Duration = Duration::from_millis(50);

/// Copies of `shield` kept besides a new one.
const BINARIES_KEPT: usize = 3;

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

/// The status of the control plane, starting one if none answers. The flag says whether this call started it.
pub async fn ensure_control(
    layout: &Layout,
    manifest: &Manifest,
) -> Result<(StatusReport, bool), SpawnControlError> {
    let client = AdminClient::new(layout);
    let deadline = Instant::now() + TRANSITION;
    loop {
        if let Ok(status) = client.status().await {
            return Ok((status, false));
        }
        // One that starts, or makes its socket again, answers in a moment.
        if control_holder(layout).is_none() || Instant::now() >= deadline {
            break;
        }
        sleep(LOOK).await;
    }
    let service = serde_json::to_vec(manifest).expect("a manifest has only text keys");
    write_atomically(&layout.service_file(), &service)
        .map_err(|source| SpawnControlError::File { source })?;
    spawn(layout, &client).await.map(|status| (status, true))
}

/// Starts a control plane as the last one was started, to take over what it left running.
pub async fn revive_control(layout: &Layout) -> Result<StatusReport, SpawnControlError> {
    spawn(layout, &AdminClient::new(layout)).await
}

/// Whether the service file that the last control plane was started with can be read.
pub fn revivable(layout: &Layout) -> bool {
    let service = fs::read(layout.service_file()).ok();
    service.is_some_and(|bytes| serde_json::from_slice::<Manifest>(&bytes).is_ok())
}

/// The process that is this state directory's control plane, in words; also one that does not answer. `None` when none runs.
pub fn control_holder(layout: &Layout) -> Option<String> {
    layout.control_lock().holder()
}

/// Whether an edge or an instance of this state directory runs, with or without a control plane.
pub fn anything_runs(layout: &Layout) -> bool {
    !find(layout.scope()).is_empty()
}

/// Starts the control plane with the service file that lies there.
async fn spawn(layout: &Layout, client: &AdminClient) -> Result<StatusReport, SpawnControlError> {
    let log = layout.control_log();
    let log_start = fs::metadata(&log).map_or(0, |metadata| metadata.len());
    let order = launch_order(layout, stored_binary(layout)?, log.clone());
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

fn launch_order(layout: &Layout, binary: PathBuf, log: PathBuf) -> LaunchOrder {
    let argv = [binary, "control".into(), "--root".into(), layout.root().to_owned()];
    LaunchOrder {
        instance: InstanceId::new("control".parse().expect("a constant name"), 0, std::process::id()),
        // Another scope than the instances': the control plane must not find, and stop, itself.
        scope: format!("{}-control", layout.scope()),
        argv: argv.iter().map(|word| word.to_string_lossy().into_owned()).collect(),
        env: passed_on(),
        directory: layout.root().to_owned(),
        address: SocketAddr::from(([127, 0, 0, 1], 0)),
        log,
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
    let digest = artifact_digest(&running, &Exclusions::none())
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
    Some(artifact_digest(&running, &Exclusions::none()).ok()?.0.hex())
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
