//! The task that owns the edge.

use std::{
    future::pending,
    ops::ControlFlow,
    path::{Path, PathBuf},
    time::{Duration, Instant},
};

use shield_edge::{
    ApplyAnswer, AskEdgeError, EdgeClient,
    protocol::{EdgeConfig, PoolStatus},
};
use shield_release::RouteTable;
use shield_runtime::Process;
use shield_types::{Generation, ReleaseId, chain};
use tokio::{
    sync::{mpsc, watch},
    time::{sleep, timeout},
};

use super::{
    found::ReadyEdges,
    process::{RunningEdge, start_edge},
    sockets::Sockets,
    view::{EdgeNews, EdgeOrders, EdgeView, ShutdownOrder},
};
use crate::{failpoint, layout::Layout};

/// Time between looks at an edge that judges, swaps or drains.
const LOOK_BUSY: Duration = Duration::from_millis(20);
/// Time between looks at an edge that just serves.
const LOOK_IDLE: Duration = Duration::from_millis(250);
/// After so many failed calls in a row a running edge is replaced.
const FAILURES_MAX: u32 = 3;
/// Time between attempts to start an edge.
const RETRY: Duration = Duration::from_millis(200);
/// What edges are started with.
pub(crate) struct EdgeSetup {
    pub(crate) layout: Layout,
    /// The `shield` they run from.
    pub(crate) binary: PathBuf,
    /// How long an edge that is replaced may drain.
    pub(crate) drain: Duration,
}

pub(crate) struct EdgeManager {
    setup: EdgeSetup,
    sockets: Sockets,
    table: watch::Receiver<RouteTable>,
    config: watch::Receiver<EdgeConfig>,
    shutdown: mpsc::Receiver<ShutdownOrder>,
    news: mpsc::Sender<EdgeNews>,
    view: watch::Sender<EdgeView>,
    current: Option<RunningEdge>,
    draining: Vec<RunningEdge>,
    next_number: u32,
    reported: Option<(ReleaseId, Generation)>,
    replace: bool,
}

// === impl EdgeManager ===

impl EdgeManager {
    /// The manager, and the ends that talk to it.
    pub(crate) fn new(
        setup: EdgeSetup,
        edges: ReadyEdges,
        (table, config): (RouteTable, EdgeConfig),
        news: mpsc::Sender<EdgeNews>,
    ) -> (Self, EdgeOrders, watch::Receiver<EdgeView>) {
        let (table_sender, table) = watch::channel(table);
        let (config_sender, config) = watch::channel(config);
        let (shutdown_sender, shutdown) = mpsc::channel(1);
        let (view, view_receiver) = watch::channel(EdgeView::default());
        let replace = edges.current.as_ref().is_some_and(|edge| !runs_binary(&edge.process, &setup.binary));
        let manager = Self {
            setup,
            sockets: edges.sockets,
            table,
            config,
            shutdown,
            news,
            view,
            current: edges.current,
            draining: edges.draining,
            next_number: edges.newest_number + 1,
            reported: None,
            replace,
        };
        let orders = EdgeOrders { table: table_sender, config: config_sender, shutdown: shutdown_sender };
        (manager, orders, view_receiver)
    }

    /// Keeps an edge running until told to shut down.
    pub(crate) async fn run(mut self) {
        if self.current.is_some() {
            self.configure().await;
            self.apply().await;
            self.look().await;
        }
        let order = loop {
            if let ControlFlow::Break(order) = self.ensure_running().await {
                break order;
            }
            if let ControlFlow::Break(order) = self.attend().await {
                break order;
            }
        };
        if let Some((deadline, done)) = order {
            self.drain_all(deadline).await;
            // Whoever asked may have stopped waiting.
            let _ = done.send(());
        }
    }

    /// Takes one thing that happens. Breaks with the order to shut down, or when nobody can order anything any more.
    async fn attend(&mut self) -> ControlFlow<Option<ShutdownOrder>> {
        let watched = self.table.borrow().watch.is_some();
        let busy = watched || !self.draining.is_empty() || self.unsettled();
        let process = self.current.as_ref().map(|edge| edge.process.clone());
        let gone = async {
            match process {
                Some(process) => process.exited().await,
                None => pending().await,
            }
        };
        tokio::select! {
            biased;
            exit = gone => {
                tracing::error!(%exit, "the edge is gone; a new one takes its sockets");
                self.current = None;
                self.view.send_modify(|view| view.current = None);
            }
            order = self.shutdown.recv() => return ControlFlow::Break(order),
            // Before the table: a new pool is probed in its own way from the first moment.
            changed = self.config.changed() => match changed {
                Ok(()) => self.configure().await,
                Err(_) => return ControlFlow::Break(None),
            },
            changed = self.table.changed() => match changed {
                Ok(()) => self.apply().await,
                Err(_) => return ControlFlow::Break(None),
            },
            () = sleep(if busy { LOOK_BUSY } else { LOOK_IDLE }) => self.look().await,
        }
        ControlFlow::Continue(())
    }

    /// Drains are awaited on the view; look often while a table is fresh.
    fn unsettled(&self) -> bool {
        let wanted = self.table.borrow().generation;
        let view = self.view.borrow();
        let seen =
            view.current.as_ref().and_then(|status| status.table.as_ref()).map(|table| table.generation);
        let claims_elsewhere = view.current.as_ref().is_some_and(|status| {
            let routed = |pool: &PoolStatus| {
                status.table.as_ref().is_some_and(|table| table.pool(&pool.release).is_some())
            };
            status.pools.iter().any(|pool| pool.claims > 0 && !routed(pool))
        });
        seen != Some(wanted) || claims_elsewhere
    }

    /// Breaks when told to shut down while no edge can be started: `down` must not wait for one.
    async fn ensure_running(&mut self) -> ControlFlow<Option<ShutdownOrder>> {
        while self.current.is_none() {
            let Err(error) = self.start().await else { break };
            tracing::error!(error = %chain(error.as_ref()), "could not start an edge; trying again");
            if let Ok(order) = timeout(RETRY, self.shutdown.recv()).await {
                return ControlFlow::Break(order);
            }
        }
        if self.replace && self.table.borrow().watch.is_none() {
            self.replace = false;
            self.replace_edge().await;
        }
        ControlFlow::Continue(())
    }

    /// Order matters: an edge that has the sockets accepts, so it must know the table before.
    async fn start(&mut self) -> Result<(), Box<dyn std::error::Error + Send + Sync>> {
        failpoint::reach("before the edge is started");
        let number = self.next_number;
        self.next_number += 1;
        let edge = start_edge(&self.setup.layout, self.setup.binary.clone(), number).await?;
        failpoint::reach("after the edge is started");
        let table = self.table.borrow().clone();
        let answer = match self.set_up(&edge, table.clone()).await {
            Ok(answer) => answer,
            Err(error) => {
                // It may have got the sockets all the same; nobody would look after it.
                edge.process.kill_group();
                return Err(error.into());
            }
        };
        self.current = Some(edge);
        self.report_applied(&table, answer).await;
        self.look().await;
        Ok(())
    }

    async fn set_up(&mut self, edge: &RunningEdge, table: RouteTable) -> Result<ApplyAnswer, AskEdgeError> {
        let config = self.config.borrow_and_update().clone();
        edge.client.configure(config).await?;
        let answer = edge.client.apply(table).await?;
        edge.client.give_listeners(&self.sockets.borrowed()).await?;
        Ok(answer)
    }

    /// The old edge counts as draining from the first moment: until it is dead, its claims hold every drain up.
    async fn replace_edge(&mut self) {
        let Some(old) = self.current.take() else { return };
        self.draining.push(old);
        if let Err(error) = self.start().await {
            tracing::error!(error = %chain(error.as_ref()), "could not start a newer edge; the old one stays");
            self.current = self.draining.pop();
            return;
        }
        let Some(old) = self.draining.last() else { return };
        if let Err(error) = old.client.drain(self.setup.drain).await {
            tracing::error!(%error, "the replaced edge does not drain; it is killed");
            old.process.kill_group();
        }
    }

    async fn configure(&mut self) {
        let config = self.config.borrow_and_update().clone();
        let Some(edge) = &mut self.current else { return };
        let result = edge.client.configure(config).await;
        self.note_call(result.map_err(|error| error.to_string())).await;
    }

    async fn apply(&mut self) {
        let table = self.table.borrow_and_update().clone();
        let Some(edge) = &mut self.current else { return };
        failpoint::reach("before the table is applied");
        let result = edge.client.apply(table.clone()).await;
        failpoint::reach("after the table is applied");
        match result {
            Ok(answer) => {
                self.note_call(Ok(())).await;
                self.report_applied(&table, answer).await;
            }
            Err(error) => {
                self.note_call(Err(error.to_string())).await;
                self.table.mark_changed();
                sleep(LOOK_BUSY).await;
            }
        }
    }

    async fn report_applied(&mut self, table: &RouteTable, answer: ApplyAnswer) {
        let (generation, claims) = match answer {
            ApplyAnswer::Applied { generation, claims } => (generation, claims),
            ApplyAnswer::Stale { generation } if generation >= table.generation => (table.generation, 0),
            ApplyAnswer::Stale { .. } => return,
        };
        self.tell(EdgeNews::Routed { generation, claims }).await;
    }

    /// The executor outlives the manager; when it is gone the process is about to end.
    async fn tell(&self, news: EdgeNews) {
        let _ = self.news.send(news).await;
    }

    async fn look(&mut self) {
        let Some(edge) = &mut self.current else { return };
        let result = edge.client.status().await;
        let current = match result {
            Ok(status) => {
                self.note_call(Ok(())).await;
                status
            }
            Err(error) => return self.note_call(Err(error.to_string())).await,
        };
        if let Some(verdict) = current.verdict.clone() {
            let key = (verdict.release.clone(), verdict.generation);
            if self.reported.as_ref() != Some(&key) {
                self.reported = Some(key);
                self.tell(EdgeNews::Judged { verdict }).await;
            }
        }
        let (mut draining, mut silent) = (Vec::new(), false);
        for mut edge in std::mem::take(&mut self.draining) {
            if !edge.process.is_alive() {
                continue;
            }
            match edge.client.status().await {
                Ok(status) => draining.push(status),
                Err(_) => {
                    silent = true;
                    // A call that failed breaks its connection: the next look needs a new one.
                    let socket = self.setup.layout.edge_socket(edge.number);
                    if let Ok(client) = EdgeClient::connect(&socket).await {
                        edge.client = client;
                    }
                }
            }
            self.draining.push(edge);
        }
        self.view.send_replace(EdgeView { current: Some(current), draining, silent });
    }

    /// A call that failed breaks its connection: the next one needs a new one. An edge that keeps failing is killed, and
    /// its end brings a new one.
    async fn note_call(&mut self, result: Result<(), String>) {
        let Some(edge) = &mut self.current else { return };
        let Err(error) = result else {
            edge.failures = 0;
            return;
        };
        edge.failures += 1;
        tracing::warn!(edge = edge.number, failures = edge.failures, error, "a call to the edge failed");
        match EdgeClient::connect(&self.setup.layout.edge_socket(edge.number)).await {
            Ok(client) if edge.failures < FAILURES_MAX => edge.client = client,
            _ => drop(edge.process.kill_group()),
        }
    }

    async fn drain_all(&mut self, deadline: Duration) {
        let started = Instant::now();
        for edge in self.current.take().into_iter().chain(self.draining.drain(..)) {
            let left = deadline.saturating_sub(started.elapsed());
            let asked = edge.client.drain(left).await;
            let gone = timeout(left + Duration::from_secs(2), edge.process.exited()).await;
            if asked.is_err() || gone.is_err() {
                edge.process.kill_group();
            }
        }
    }
}

fn runs_binary(process: &Process, binary: &Path) -> bool {
    let link = format!("/proc/{}/exe", process.identity().pid);
    std::fs::read_link(link).is_ok_and(|running| running == *binary)
}
