//! The executor: one task that takes every outside event in, journals it, steps the state machine and does what it asks for.
//!
//! Order of every change: journal record (fsynced), state machine, effects. Effects are idempotent and their results come
//! back as events, so a control plane that is killed anywhere picks up by replaying the journal and repeating what is
//! outstanding. Only what was seen, and the way back, go on when the journal cannot be written: a disk that is full must not
//! hold up a release that is under way; a new release does not begin.

mod adopt;
mod command;
mod configure;
mod events;
mod instances;
mod logs;
mod progress;
mod record;
mod recover;
mod start;
mod status;

use std::{collections::VecDeque, sync::Arc, time::Duration};

use shield_release::{Effect, Environment, Event, FinishedRelease, Position};
use shield_types::{ReleaseId, Timestamp};
use tokio::{
    sync::{broadcast, mpsc, watch},
    task::JoinHandle,
    time::{Instant, sleep_until, timeout},
};

pub(crate) use command::Command;
pub use start::StartControlError;
pub(crate) use start::{Started, start};

use crate::{
    admin::{Progress, StatusReport},
    clock,
    edge::{EdgeNews, EdgeOrders, EdgeView},
    evidence::Recorder,
    journal::Journal,
    layout::Layout,
    manifest::Manifest,
    tls::EdgeTls,
};
use instances::Instances;

/// Events that wait to be journaled.
pub(crate) const EVENTS_MAX: usize = 1_024;
/// Progress that a slow reader may be behind.
pub(crate) const PROGRESS_MAX: usize = 1_024;
/// Time between tries to write what could not be written.
const MEND_EVERY: Duration = Duration::from_secs(2);
/// Longest wait for the evidence log at the end.
const LAST_RECORDS: Duration = Duration::from_secs(5);

pub(crate) struct Executor {
    layout: Layout,
    manifest: Manifest,
    environment: Environment,
    journal: Option<Journal>,
    instances: Instances,
    edge: EdgeOrders,
    view: watch::Receiver<EdgeView>,
    news: mpsc::Receiver<EdgeNews>,
    events: mpsc::Receiver<Event>,
    /// For tasks that report back.
    event_sender: mpsc::Sender<Event>,
    commands: mpsc::Receiver<Command>,
    /// For work whose result is a command.
    command_sender: mpsc::Sender<Command>,
    progress: broadcast::Sender<Progress>,
    recorder: Recorder,
    drains: Vec<(ReleaseId, JoinHandle<()>)>,
    /// Damage that the next command reports.
    notice: Option<String>,
    /// What `status` warns of.
    warnings: Vec<String>,
    status: watch::Sender<Arc<StatusReport>>,
    history: watch::Sender<Arc<Vec<FinishedRelease>>>,
    queue: VecDeque<Event>,
    /// When this control plane started.
    started: std::time::Instant,
    /// How far the journal was ahead of the clock then: the clock was set back since. Deadlines go on from there.
    ahead: Duration,
    /// The same, in the kernel's ticks.
    start_ticks: u64,
    tls: EdgeTls,
}

// === impl Executor ===

impl Executor {
    /// Runs until the environment was taken down.
    pub(crate) async fn run(mut self) {
        self.publish_status();
        let outstanding = self.environment.outstanding();
        self.execute_all(outstanding);
        self.drain_queue();
        let mut mend = Instant::now() + MEND_EVERY;
        while !self.environment.down() {
            let deadline = self.next_deadline();
            tokio::select! {
                // News first: a verdict that the edge gave before it drained must be known before the drain counts.
                biased;
                Some(news) = self.news.recv() => self.take_news(news),
                Some(event) = self.events.recv() => self.take(event),
                Some(news) = self.recorder.news() => self.take_record(news),
                Some(command) = self.commands.recv() => self.obey(command),
                () = sleep_until(deadline) => self.take(Event::Tick),
                () = sleep_until(mend) => {
                    self.mend().await;
                    mend = Instant::now() + MEND_EVERY;
                }
                changed = self.view.changed() => if changed.is_err() { break },
            }
            self.drain_queue();
            self.publish_status();
        }
        self.shut_down().await;
    }

    fn next_deadline(&self) -> Instant {
        let idle = Duration::from_secs(3_600);
        let left = self.environment.next_deadline().map_or(idle, |deadline| deadline.since(self.now()));
        Instant::now() + left.min(idle)
    }

    /// The time of the state machine.
    fn now(&self) -> Timestamp {
        clock::now().after(self.ahead)
    }

    /// Takes an observation in. It is journaled if the disk allows; if not, the release under way must still reach its end:
    /// everything that happened can be seen again from the edge and the processes after a restart.
    fn take(&mut self, event: Event) {
        let now = self.now();
        if event == Event::Tick && self.environment.next_deadline().is_none_or(|deadline| now < deadline) {
            return;
        }
        let recorded = self.record(now, &event);
        self.step(now, event);
        if let Err(error) = recorded {
            tracing::error!(%error, "an event is not journaled");
            // From the state with the event in it.
            self.renew_journal();
        }
    }

    fn take_news(&mut self, news: EdgeNews) {
        match news {
            EdgeNews::Routed { generation, claims } => {
                if generation > self.environment.routed() {
                    self.take(Event::Routed { generation, claims });
                }
            }
            EdgeNews::Judged { verdict } => {
                let reason = events::describe_verdict(&verdict);
                self.take(Event::Judged { release: verdict.release, reason });
            }
        }
    }

    /// `now` is the time in the event's record: replay must give the same state.
    fn step(&mut self, now: Timestamp, event: Event) {
        let before = self.environment.underway().map(|rollout| (rollout.id().clone(), rollout.position()));
        let finished_before = self.environment.history().next_back().map(|finished| finished.spec.id.clone());
        let generation = self.environment.generation();
        let effects = self.environment.step(now, event);
        self.announce(before, finished_before);
        if self.environment.generation() != generation {
            self.configure_edge();
            self.edge.table.send_replace(self.environment.table().clone());
        }
        self.execute_all(effects);
    }

    fn drain_queue(&mut self) {
        while let Some(event) = self.queue.pop_front() {
            self.take(event);
        }
    }

    fn execute_all(&mut self, effects: Vec<Effect>) {
        for effect in effects {
            crate::failpoint::reach("before an effect");
            self.execute(effect);
            crate::failpoint::reach("after an effect");
        }
    }

    fn execute(&mut self, effect: Effect) {
        match effect {
            Effect::Start { instance } => {
                let spec = self.environment.release(instance.release()).cloned();
                self.queue.extend(spec.map(|spec| self.instances.start(&spec, &instance)));
            }
            Effect::AwaitHealthy { instance } => {
                let process = self.environment.instance(&instance).and_then(|it| it.process.clone());
                if let (Some(spec), Some(process)) = (self.environment.release(instance.release()), process) {
                    self.instances.await_healthy(spec, &instance, process.address);
                }
            }
            Effect::Stop { instance, grace } => self.instances.stop(&instance, grace),
            // The edge's task applies whatever table is newest.
            Effect::Route { table } => drop(self.edge.table.send_replace(*table)),
            Effect::AwaitDrained { release } => self.await_drained(release),
        }
    }

    fn await_drained(&mut self, release: ReleaseId) {
        self.drains.retain(|(_, task)| !task.is_finished());
        let (mut view, events) = (self.view.clone(), self.event_sender.clone());
        let generation = self.environment.routed();
        let wanted = release.clone();
        let task = tokio::spawn(async move {
            if view.wait_for(|view| view.drained(&wanted, generation)).await.is_ok() {
                // A closed channel means that the control plane is ending.
                let _ = events.send(Event::Drained { release: wanted }).await;
            }
        });
        self.drains.push((release, task));
    }

    /// Writes what could not be written before, and what is due from time to time.
    async fn mend(&mut self) {
        let idle = self.environment.underway().is_none();
        if self.journal.as_ref().is_none_or(|journal| journal.broken() || idle && journal.wants_compaction())
        {
            self.renew_journal();
        }
        self.look_for_late_starters().await;
        self.instances.tidy_logs();
        self.tls.renew_if_old(&self.edge.config);
    }

    async fn shut_down(mut self) {
        tracing::info!("everything is stopped; the edge drains");
        let drain = self.manifest.release.drain;
        let (done, gone) = tokio::sync::oneshot::channel();
        if self.edge.shutdown.send((drain, done)).await.is_ok() {
            // Without an answer the edge's task has ended, and with it the edge was drained or is dead.
            let _ = gone.await;
        }
        let told = async {
            while !self.recorder.all_told() {
                let Some(news) = self.recorder.news().await else { break };
                self.take_record(news);
            }
        };
        if timeout(LAST_RECORDS, told).await.is_err() {
            tracing::warn!("the evidence log is busy; the next control plane records what is missing");
        }
    }

    /// A position in plain words.
    fn describe(&self, position: Position) -> String {
        progress::describe(&self.environment, position)
    }
}
