//! Starting the control plane: the lock, the journal or what remains of it, the edge, the instances that run.

use std::{
    collections::BTreeMap,
    fs::{self, File, OpenOptions},
    io::{Read as _, Seek as _, Write as _},
    os::unix::fs::OpenOptionsExt,
    path::PathBuf,
    sync::Arc,
    time::{Duration, Instant},
};

use rustix::fs::{FlockOperation, flock};
use shield_edge::protocol::EdgeConfig;
use shield_release::{Environment, Event, FinishedRelease, InstancePhase, ProcessRef, Remains, RouteTable};
use shield_runtime::{Found, Identity, Ports, adopt, find};
use shield_types::InstanceId;
use tokio::sync::{broadcast, mpsc, watch};

use super::{Command, EVENTS_MAX, Executor, Instances, PROGRESS_MAX, status::base_report};
use crate::{
    admin::{Progress, StatusReport},
    authority::{Authority, AuthorityError},
    durable::{StateFileError, failed},
    edge::{EDGE_NAME, EdgeManager},
    evidence::Recorder,
    journal::{AppendJournalError, Journal, OpenJournalError, Opened},
    launch::LaunchSettings,
    layout::Layout,
    listeners::BindError,
    manifest::Manifest,
    staging::STAGING_PREFIX,
    tls::EdgeTls,
};

/// How long a process may take from fork to exec.
const LATE_STARTERS: Duration = Duration::from_secs(20);
/// Commands that wait.
const COMMANDS_MAX: usize = 64;

/// The control plane cannot start.
#[derive(Debug, thiserror::Error)]
pub enum StartControlError {
    /// Another one runs for this state directory.
    #[error("take the lock `{}`: the control plane with {holder} holds it", path.display())]
    AlreadyRunning {
        /// The lock.
        path: PathBuf,
        /// Who holds it.
        holder: String,
    },
    /// A file of the state directory cannot be used.
    #[error("open the state")]
    File {
        /// Which, and why.
        #[source]
        source: StateFileError,
    },
    /// The journal cannot be read or set aside.
    #[error("open the state")]
    Journal {
        /// Why.
        #[source]
        source: OpenJournalError,
    },
    /// A new journal cannot be begun.
    #[error("begin a journal")]
    BeginJournal {
        /// Why.
        #[source]
        source: AppendJournalError,
    },
    /// The certificate authority cannot be used.
    #[error("prepare the certificate of the edge")]
    Authority {
        /// Why.
        #[source]
        source: AuthorityError,
    },
    /// An address cannot be listened on.
    #[error("open the edge")]
    Bind {
        /// Which, and why.
        #[source]
        source: BindError,
    },
}

/// A control plane that is ready to run.
pub(crate) struct Started {
    pub(crate) executor: Executor,
    pub(crate) commands: mpsc::Sender<Command>,
    pub(crate) progress: broadcast::Sender<Progress>,
    pub(crate) status: watch::Receiver<Arc<StatusReport>>,
    pub(crate) history: watch::Receiver<Arc<Vec<FinishedRelease>>>,
    pub(crate) ports: Arc<Ports>,
    /// Held for as long as the control plane lives.
    pub(crate) lock: File,
}

/// Everything that was found at the start.
struct Recovered {
    environment: Environment,
    journal: Journal,
    notice: Option<String>,
}

/// Starts the control plane: takes over what runs, or starts what should.
pub(crate) async fn start(
    layout: Layout,
    manifest: Manifest,
    binary: PathBuf,
    digest: String,
) -> Result<Started, StartControlError> {
    let lock = lock(&layout)?;
    let mut found = find(layout.scope());
    let (edges, others): (Vec<Found>, Vec<Found>) =
        found.drain(..).partition(|found| found.instance.release().as_str() == EDGE_NAME);
    let edges = EdgeManager::find_running(&layout, &edges).await;
    let (edges, table) = edges.ready(&manifest.edge).map_err(|source| StartControlError::Bind { source })?;
    let recovered = recover(&layout, table, &others)?;
    let authority =
        Authority::open(&layout.authority()).map_err(|source| StartControlError::Authority { source })?;
    let tls = EdgeTls::new(authority, manifest.edge.hostnames.clone());
    let config = edge_config(&manifest, &tls, &recovered.environment)?;
    let status = watch::channel(Arc::new(base_report(&manifest, digest, &edges.sockets)));
    let (news_sender, news) = mpsc::channel(EVENTS_MAX);
    let history = watch::channel(Arc::new(recovered.environment.history().cloned().collect()));
    let table = recovered.environment.table().clone();
    let (manager, orders, view) =
        EdgeManager::new((layout.clone(), binary), edges, (table, config), news_sender);
    tokio::spawn(manager.run());

    let (event_sender, events) = mpsc::channel(EVENTS_MAX);
    let (command_sender, commands) = mpsc::channel(COMMANDS_MAX);
    let (progress, _) = broadcast::channel(PROGRESS_MAX);
    let ports = Arc::new(Ports::new());
    let instances = Instances::new(layout.clone(), ports.clone(), event_sender.clone(), progress.clone());
    let mut executor = Executor {
        recorder: Recorder::open(&layout, manifest.name.clone()),
        layout,
        manifest,
        environment: recovered.environment,
        journal: Some(recovered.journal),
        instances,
        edge: orders,
        view,
        news,
        events,
        event_sender,
        commands,
        progress: progress.clone(),
        drains: Vec::new(),
        notice: recovered.notice,
        warnings: Vec::new(),
        status: status.0,
        history: history.0,
        queue: Default::default(),
        tls,
        started: Instant::now(),
        start_ticks: own_start_ticks(),
    };
    executor.adopt_all(&others).await;
    if !executor.environment.serving() {
        // Somebody started a control plane after `down`: that is what `up` means.
        executor.take(Event::UpRequested);
    }
    Ok(Started {
        executor,
        commands: command_sender,
        progress,
        status: status.1,
        history: history.1,
        ports,
        lock,
    })
}

/// One control plane per state directory; the kernel frees the lock when the holder dies.
fn lock(layout: &Layout) -> Result<File, StartControlError> {
    let path = layout.control_lock();
    let file = |source| StartControlError::File { source };
    let mut lock = OpenOptions::new()
        .read(true)
        .write(true)
        .create(true)
        .truncate(false)
        .mode(0o600)
        .open(&path)
        .map_err(failed("open", &path))
        .map_err(file)?;
    if flock(&lock, FlockOperation::NonBlockingLockExclusive).is_err() {
        let mut holder = String::new();
        // The name is only for the message.
        let _ = lock.read_to_string(&mut holder);
        let holder = if holder.is_empty() { "an id not yet written".to_owned() } else { holder };
        return Err(StartControlError::AlreadyRunning { path, holder });
    }
    let name = format!("process id {}", std::process::id());
    lock.set_len(0)
        .and_then(|()| lock.rewind())
        .and_then(|()| lock.write_all(name.as_bytes()))
        .map_err(failed("write", &path))
        .map_err(file)?;
    Ok(lock)
}

/// The state from the journal; or, if that is lost, from the edge's live table and what runs.
fn recover(
    layout: &Layout,
    table: Option<RouteTable>,
    found: &[Found],
) -> Result<Recovered, StartControlError> {
    let path = layout.journal();
    let opened = Journal::open(&path).map_err(|source| StartControlError::Journal { source })?;
    let problem = match opened {
        Opened::Replayed(journal, environment) => match table.as_ref().map(|table| table.generation) {
            // Events were lost on a disk that was full or failing: what users see is the newer truth.
            Some(routed) if routed > environment.generation() => {
                let known = environment.generation();
                Some(format!(
                    "the journal `{}` knows generation {known}, the edge routes by {routed}",
                    path.display()
                ))
            }
            _ => return Ok(Recovered { environment: *environment, journal, notice: None }),
        },
        Opened::Damaged(damage) => Some(damage.to_string()),
        Opened::Missing if layout.last_good().exists() || table.is_some() || !found.is_empty() => {
            Some(format!("the journal `{}` is missing", path.display()))
        }
        Opened::Missing => None,
    };
    let last_good = fs::read(layout.last_good()).ok().and_then(|bytes| serde_json::from_slice(&bytes).ok());
    let processes = found.iter().map(process_of).collect::<BTreeMap<_, _>>();
    let environment = Environment::rebuild(Remains { last_good, table, processes });
    let journal =
        Journal::begin(&path, &environment).map_err(|source| StartControlError::BeginJournal { source })?;
    let notice = problem.map(|problem| {
        let live = environment.live().map_or("none".to_owned(), ToString::to_string);
        format!(
            "{problem}; the state was rebuilt from what runs (live release: {live}, generation {})",
            environment.generation()
        )
    });
    if let Some(notice) = &notice {
        tracing::error!(notice, "state was damaged");
    }
    Ok(Recovered { environment, journal, notice })
}

/// When this process started, in the kernel's ticks: staging instances that are older belong to nobody.
fn own_start_ticks() -> u64 {
    let stat = fs::read_to_string("/proc/self/stat").unwrap_or_default();
    let after_name = stat.rsplit_once(')').map_or("", |(_, rest)| rest);
    after_name.split_whitespace().nth(19).and_then(|ticks| ticks.parse().ok()).unwrap_or(0)
}

fn process_of(found: &Found) -> (InstanceId, ProcessRef) {
    let identity = serde_json::to_value(&found.identity).expect("an identity is plain data");
    (found.instance.clone(), ProcessRef { address: found.address, identity })
}

/// The probe follows the live release; before there is one, the manifest.
fn edge_config(
    manifest: &Manifest,
    tls: &EdgeTls,
    environment: &Environment,
) -> Result<EdgeConfig, StartControlError> {
    let live = environment.live().and_then(|live| environment.release(live));
    let settings = live
        .and_then(|spec| LaunchSettings::of(spec).ok())
        .unwrap_or_else(|| LaunchSettings::production(manifest));
    Ok(EdgeConfig {
        tls: Some(tls.issue().map_err(|source| StartControlError::Authority { source })?),
        request_body_bytes_max: manifest.edge.request_body_bytes_max,
        response_timeout: manifest.edge.response_timeout,
        probe: settings.edge_probe(),
    })
}

impl Executor {
    /// Takes over what runs and is wanted, notes what is gone, and stops what nobody wants.
    async fn adopt_all(&mut self, found: &[Found]) {
        let wanted: Vec<_> =
            self.environment.instances().map(|(id, instance)| (id.clone(), instance.clone())).collect();
        for (id, instance) in &wanted {
            let event = match &instance.process {
                Some(process) => self.adopt_known(id, process),
                None => self.adopt_unrecorded(id, instance.phase, found),
            };
            if let Some(event) = event {
                self.take(event);
            }
        }
        self.stop_unwanted(found).await;
    }

    /// A process between fork and exec does not say yet what it is, so a control plane that starts right after another died
    /// looks again for a while.
    pub(super) async fn look_for_late_starters(&mut self) {
        if self.started.elapsed() < LATE_STARTERS {
            let found = find(self.layout.scope());
            self.stop_unwanted(&found).await;
        }
    }

    async fn stop_unwanted(&self, found: &[Found]) {
        for orphan in found.iter().filter(|found| !self.wanted(found)) {
            tracing::warn!(instance = %orphan.instance, pid = orphan.identity.pid, "stopping an instance that nobody wants");
            if let Some(process) = adopt(&orphan.identity) {
                process.stop(Duration::ZERO).await;
            }
        }
    }

    /// Staging instances and edges have owners of their own, except those that an earlier control plane left behind.
    fn wanted(&self, found: &Found) -> bool {
        let name = found.instance.release().as_str();
        let identity = serde_json::to_value(&found.identity).ok();
        match self.environment.instance(&found.instance) {
            Some(instance) => {
                instance.process.as_ref().is_none_or(|process| Some(&process.identity) == identity.as_ref())
            }
            None => {
                name == EDGE_NAME
                    || name.starts_with(STAGING_PREFIX) && found.identity.start_ticks >= self.start_ticks
            }
        }
    }

    fn adopt_known(&mut self, id: &InstanceId, process: &ProcessRef) -> Option<Event> {
        let identity = serde_json::from_value::<Identity>(process.identity.clone()).ok();
        let adopted = identity.and_then(|identity| self.instances.adopt(id, process.address, &identity));
        let reason = "it was gone when the control plane started".to_owned();
        adopted.is_none().then(|| Event::Exited { instance: id.clone(), reason })
    }

    /// The control plane died between the spawn and the journal record.
    fn adopt_unrecorded(&mut self, id: &InstanceId, phase: InstancePhase, found: &[Found]) -> Option<Event> {
        let running = found.iter().find(|found| found.instance == *id)?;
        let event = self.instances.adopt_found(running);
        tracing::info!(instance = %id, ?phase, "adopted an instance whose start was not recorded");
        event
    }

    pub(crate) fn finished_releases(&self) -> Vec<FinishedRelease> {
        self.environment.history().cloned().collect()
    }

    pub(crate) fn edge_pools(&self) -> Vec<shield_edge::protocol::PoolStatus> {
        self.view.borrow().current.as_ref().map(|status| status.pools.clone()).unwrap_or_default()
    }

    pub(crate) fn recorder_mut(&mut self) -> &mut Recorder {
        &mut self.recorder
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn second_control_plane_is_refused() {
        let directory = tempfile::tempdir().unwrap();
        let layout = Layout::open(&directory.path().join(".shield")).unwrap();
        let _held = lock(&layout).unwrap();
        let error = lock(&layout).unwrap_err();
        assert!(error.to_string().contains(&format!("process id {}", std::process::id())), "{error}");
    }
}
