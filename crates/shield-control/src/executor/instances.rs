//! The processes of the environment: started, adopted, probed, stopped. Results go back as events.

use std::{
    collections::BTreeMap,
    net::{IpAddr, Ipv4Addr, SocketAddr},
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use shield_release::{Event, ReleaseSpec};
use shield_runtime::{
    ExitReport, Found, Identity, Ports, Process, StartWatch, adopt, await_healthy, launch, marker, tail,
};
use shield_types::{InstanceId, chain};
use tokio::{
    sync::{broadcast, mpsc},
    task::JoinHandle,
};

use super::{logs, record::process_record};
use crate::{admin::Progress, clock, launch::LaunchSettings, layout::Layout};

/// Lines of a log that go into a reason.
const REASON_LINES: usize = 5;

pub(super) struct Instances {
    layout: Layout,
    ports: Arc<Ports>,
    running: BTreeMap<InstanceId, Running>,
    events: mpsc::Sender<Event>,
    progress: broadcast::Sender<Progress>,
    tidying: Option<JoinHandle<()>>,
}

struct Running {
    process: Process,
    address: SocketAddr,
    /// The task that waits for health, or for the end.
    task: Option<JoinHandle<()>>,
    /// Set once `stop` is at work: it then sees to what the process started, too.
    stopping: Arc<AtomicBool>,
}

// === impl Instances ===

impl Instances {
    pub(super) fn new(
        layout: Layout,
        ports: Arc<Ports>,
        events: mpsc::Sender<Event>,
        progress: broadcast::Sender<Progress>,
    ) -> Self {
        Self { layout, ports, running: BTreeMap::new(), events, progress, tidying: None }
    }

    /// Takes a process over that was started earlier. `None` when it is gone.
    pub(super) fn adopt(
        &mut self,
        instance: &InstanceId,
        address: SocketAddr,
        identity: &Identity,
    ) -> Option<()> {
        let process = adopt(identity, &marker(self.layout.scope(), instance))?;
        self.ports.occupy(address.port());
        self.keep(instance, process, address);
        Some(())
    }

    /// Takes a process over that says itself what it is.
    pub(super) fn adopt_found(&mut self, found: &Found) -> Option<Event> {
        self.adopt(&found.instance, found.address, &found.identity)?;
        let process = process_record(self.layout.scope(), &found.identity);
        Some(Event::Started { instance: found.instance.clone(), address: found.address, process })
    }

    /// Starts the process of `instance`, unless it runs.
    pub(super) fn start(&mut self, spec: &ReleaseSpec, instance: &InstanceId) -> Event {
        if let Some(running) = self.running.get(instance) {
            return self.started(instance, running.address, &running.process);
        }
        match self.launch(spec, instance) {
            Ok((process, address)) => {
                let event = self.started(instance, address, &process);
                self.keep(instance, process, address);
                event
            }
            Err(reason) => Event::StartFailed { instance: instance.clone(), reason },
        }
    }

    fn launch(&self, spec: &ReleaseSpec, instance: &InstanceId) -> Result<(Process, SocketAddr), String> {
        let settings = LaunchSettings::of(spec).map_err(|error| chain(&error))?;
        settings.prepare(&self.layout).map_err(|error| format!("make the data directory: {error}"))?;
        let address = self.ports.take(IpAddr::V4(Ipv4Addr::LOCALHOST)).map_err(|error| chain(&error))?;
        let order = settings.order(&self.layout, spec.artifact, instance, address);
        match launch(&order) {
            Ok(process) => Ok((process, address)),
            Err(error) => {
                self.ports.release(address.port());
                Err(chain(&error))
            }
        }
    }

    fn started(&self, instance: &InstanceId, address: SocketAddr, process: &Process) -> Event {
        let process = process_record(self.layout.scope(), process.identity());
        Event::Started { instance: instance.clone(), address, process }
    }

    fn keep(&mut self, instance: &InstanceId, process: Process, address: SocketAddr) {
        let (events, guarded, layout) = (self.events.clone(), process.clone(), self.layout.clone());
        let (id, ports) = (instance.clone(), self.ports.clone());
        let stopping = Arc::new(AtomicBool::new(false));
        let known = stopping.clone();
        tokio::spawn(async move {
            let exit = guarded.exited().await;
            if stopping.load(Ordering::Acquire) {
                return;
            }
            // Workers of a dead leader would keep the port, and the data.
            guarded.stop(Duration::ZERO).await;
            ports.release(address.port());
            let reason = exit_reason(&layout, &id, exit);
            let _ = events.send(Event::Exited { instance: id, reason }).await;
        });
        self.running.insert(instance.clone(), Running { process, address, task: None, stopping: known });
        self.running.retain(|_, running| running.process.is_alive() || running.task.is_some());
    }

    /// Probes the process until it is healthy.
    pub(super) fn await_healthy(&mut self, spec: &ReleaseSpec, instance: &InstanceId, address: SocketAddr) {
        let Some(running) =
            self.running.get_mut(instance).filter(|running| !running.stopping.load(Ordering::Acquire))
        else {
            return;
        };
        let Ok(settings) = LaunchSettings::of(spec) else { return };
        if let Some(task) = running.task.take() {
            task.abort();
        }
        let (events, progress, process) =
            (self.events.clone(), self.progress.clone(), running.process.clone());
        let (instance, log) = (instance.clone(), self.layout.instance_log(instance));
        let start_deadline = spec.timings.start_deadline;
        running.task = Some(tokio::spawn(async move {
            let watch = StartWatch {
                instance: &instance,
                process: &process,
                address,
                log: &log,
                target: &settings.probe_target(address),
                min_healthy: settings.min_healthy,
                interval: settings.start_interval(),
                start_deadline,
            };
            let observe = |text: String| {
                let text = format!("instance {instance}: probe: {text}");
                let _ = progress.send(Progress::Note {
                    release: instance.release().clone(),
                    text,
                    at: clock::now(),
                });
            };
            let event = match await_healthy(watch, observe).await {
                Ok(()) => Event::Healthy { instance: instance.clone() },
                Err(failure) => {
                    let reason = with_tail(chain(&failure), failure.log_tail());
                    Event::StartFailed { instance: instance.clone(), reason }
                }
            };
            let _ = events.send(event).await;
        }));
    }

    /// Stops the process and everything it started; one that never ran has exited.
    pub(super) fn stop(&mut self, instance: &InstanceId, grace: Duration) {
        let events = self.events.clone();
        let id = instance.clone();
        let Some(running) = self.running.get_mut(instance) else {
            tokio::spawn(async move {
                let _ = events.send(Event::Exited { instance: id, reason: "never ran".to_owned() }).await;
            });
            return;
        };
        if running.stopping.swap(true, Ordering::AcqRel) {
            return;
        }
        if let Some(task) = running.task.take() {
            task.abort();
        }
        let (process, ports, port) = (running.process.clone(), self.ports.clone(), running.address.port());
        running.task = Some(tokio::spawn(async move {
            let report = process.stop(grace).await;
            ports.release(port);
            tracing::info!(instance = %id, outcome = ?report.outcome, "stopped");
            let _ = events.send(Event::Exited { instance: id, reason: "stopped".to_owned() }).await;
        }));
    }

    /// Keeps log files bounded in size and number. On a thread of its own, since it copies.
    pub(super) fn tidy_logs(&mut self) {
        self.running.retain(|_, running| running.process.is_alive());
        if self.tidying.as_ref().is_none_or(JoinHandle::is_finished) {
            let layout = self.layout.clone();
            let running = self.running.keys().map(|id| self.layout.instance_log(id)).collect();
            self.tidying = Some(tokio::task::spawn_blocking(move || logs::tidy(&layout, &running)));
        }
    }
}

fn exit_reason(layout: &Layout, instance: &InstanceId, exit: ExitReport) -> String {
    with_tail(format!("the process {exit}"), &tail(&layout.instance_log(instance), REASON_LINES))
}

fn with_tail(reason: String, tail: &[String]) -> String {
    let lines = tail.iter().rev().take(REASON_LINES).rev().map(String::as_str).collect::<Vec<_>>();
    // What an instance prints must not move anybody's cursor.
    let printed = lines.join(" | ").replace(char::is_control, " ");
    if lines.is_empty() { reason } else { format!("{reason}; it last printed: {printed}") }
}
