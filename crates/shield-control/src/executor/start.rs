//! Starting the control plane: the lock, the journal or what remains of it, the edge, the instances that run.

use std::{fs::File, path::PathBuf, sync::Arc, time::Instant};

use shield_edge::protocol::Verdict;
use shield_release::{Event, FinishedRelease};
use shield_runtime::{Found as FoundProcess, Ports, find};
use tokio::sync::{broadcast, mpsc, watch};

use super::{
    Command, EVENTS_MAX, Executor, Instances, PROGRESS_MAX,
    adopt::own_start_ticks,
    configure::edge_config,
    recover::{Recovered, recover},
    status::base_report,
};
use crate::{
    admin::{Progress, StatusReport},
    authority::{Authority, AuthorityError},
    clock,
    durable::StateFileError,
    edge::{EDGE_NAME, EdgeManager, EdgeNews, EdgeSetup, FoundEdges, ReadyEdges},
    evidence::Recorder,
    journal::{AppendJournalError, OpenJournalError},
    layout::Layout,
    listeners::BindError,
    lock::TakeLockError,
    manifest::Manifest,
    store::sweep,
    tls::EdgeTls,
};

/// Commands that wait.
const COMMANDS_MAX: usize = 64;

/// The control plane cannot start.
#[derive(Debug, thiserror::Error)]
pub enum StartControlError {
    /// Another one runs for this state directory.
    #[error("take the lock `{}`: {holder} holds it", path.display())]
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

/// Starts the control plane: takes over what runs, or starts what should.
pub(crate) async fn start(
    layout: Layout,
    manifest: Manifest,
    binary: PathBuf,
    digest: String,
) -> Result<Started, StartControlError> {
    let lock = lock(&layout)?;
    let swept = layout.clone();
    tokio::task::spawn_blocking(move || sweep(&swept));
    let Found { edges, verdict, others, recovered } = look_around(&layout, &manifest).await?;
    let (authority, damage) =
        Authority::open(&layout.authority()).map_err(|source| StartControlError::Authority { source })?;
    let tls = EdgeTls::new(authority, manifest.edge.hostnames.clone());
    let certificate = tls.issue().map_err(|source| StartControlError::Authority { source })?;
    let config = edge_config(&recovered.environment, &manifest, Some(certificate));
    let status = watch::channel(Arc::new(base_report(&manifest, digest, &edges.sockets)));
    let (news_sender, news) = mpsc::channel(EVENTS_MAX);
    let history = watch::channel(Arc::new(recovered.environment.history().cloned().collect()));
    let table = recovered.environment.table().clone();
    let ahead = recovered.environment.time().since(clock::now());
    let setup = EdgeSetup { layout: layout.clone(), binary, drain: manifest.release.drain };
    let (manager, orders, view) = EdgeManager::new(setup, edges, (table, config), news_sender);
    tokio::spawn(manager.run());

    let (event_sender, events) = mpsc::channel(EVENTS_MAX);
    let (command_sender, commands) = mpsc::channel(COMMANDS_MAX);
    let (progress, _) = broadcast::channel(PROGRESS_MAX);
    let ports = Arc::new(Ports::new());
    let instances = Instances::new(layout.clone(), ports.clone(), event_sender.clone(), progress.clone());
    let mut executor = Executor {
        recorder: Recorder::start(&layout, manifest.name.clone(), recovered.environment.history()),
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
        command_sender: command_sender.clone(),
        progress: progress.clone(),
        drains: Vec::new(),
        notice: recovered.notice,
        warnings: damage.iter().map(ToString::to_string).collect(),
        status: status.0,
        history: history.0,
        queue: Default::default(),
        tls,
        started: Instant::now(),
        ahead,
        start_ticks: own_start_ticks(),
    };
    executor.take_over(&others, verdict).await;
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

/// What an earlier control plane left.
struct Found {
    edges: ReadyEdges,
    /// What the edge found while no control plane ran.
    verdict: Option<Verdict>,
    /// Every process but the edges.
    others: Vec<FoundProcess>,
    recovered: Recovered,
}

async fn look_around(layout: &Layout, manifest: &Manifest) -> Result<Found, StartControlError> {
    let mut found = find(layout.scope());
    let (edges, others): (Vec<FoundProcess>, Vec<FoundProcess>) =
        found.drain(..).partition(|found| found.instance.release().as_str() == EDGE_NAME);
    let edges = FoundEdges::find_running(layout, &edges, manifest.release.drain).await;
    let (edges, seen) = edges.ready(&manifest.edge).map_err(|source| StartControlError::Bind { source })?;
    let (table, verdict) = seen.map_or((None, None), |status| (status.table, status.verdict));
    let recovered = recover(layout, table, &others)?;
    Ok(Found { edges, verdict, others, recovered })
}

impl Executor {
    /// Before anything that could end a watch, the verdict counts that the edge gave meanwhile.
    async fn take_over(&mut self, others: &[FoundProcess], verdict: Option<Verdict>) {
        self.adopt_all(others).await;
        if let Some(verdict) = verdict {
            self.take_news(EdgeNews::Judged { verdict });
        }
        if !self.environment.serving() {
            // Somebody started a control plane after `down`: that is what `up` means.
            self.take(Event::UpRequested);
        }
    }
}

/// One control plane per state directory.
fn lock(layout: &Layout) -> Result<File, StartControlError> {
    let place = layout.control_lock();
    let name = format!("the control plane with process id {}", std::process::id());
    place.take(&name).map_err(|error| match error {
        TakeLockError::Held { holder } => StartControlError::AlreadyRunning { path: place.name, holder },
        TakeLockError::File { source } => StartControlError::File { source },
    })
}
