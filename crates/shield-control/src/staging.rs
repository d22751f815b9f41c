//! One instance outside production: started on request, stopped when whoever asked is gone.
//!
//! The control plane owns it, not the pipeline, so that a pipeline that is killed leaves no process behind. It ends with the
//! control plane; what one that was killed left behind, the next one stops.

use std::{
    mem,
    net::{IpAddr, Ipv4Addr},
    pin::pin,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use shield_runtime::{Ports, StartWatch, await_healthy, launch};
use shield_types::{InstanceId, ReleaseId, chain};
use tokio::{
    sync::{mpsc, watch},
    task::JoinSet,
};

use crate::{
    admin::{StagingOrder, StagingReport},
    layout::Layout,
};

/// Names of staging instances begin with it.
pub(crate) const STAGING_PREFIX: &str = "staging-";

/// The staging instances of one control plane: none outlives it.
#[derive(Clone)]
pub(crate) struct Stagings {
    layout: Layout,
    ports: Arc<Ports>,
    running: Arc<Mutex<JoinSet<()>>>,
    ending: watch::Sender<bool>,
}

// === impl Stagings ===

impl Stagings {
    pub(crate) fn new(layout: Layout, ports: Arc<Ports>) -> Self {
        Self { layout, ports, running: Arc::default(), ending: watch::Sender::new(false) }
    }

    /// Starts the instance of `order`; it runs until the other end of `reports` is closed.
    pub(crate) fn start(&self, order: StagingOrder, reports: mpsc::Sender<StagingReport>) {
        let mut running = self.lock();
        while running.try_join_next().is_some() {}
        running.spawn(run(self.layout.clone(), self.ports.clone(), order, reports, self.ending.subscribe()));
    }

    /// Stops every instance, and those that are yet to start.
    pub(crate) async fn end(&self) {
        self.ending.send_replace(true);
        let mut running = mem::take(&mut *self.lock());
        while running.join_next().await.is_some() {}
    }

    fn lock(&self) -> MutexGuard<'_, JoinSet<()>> {
        self.running.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Runs the instance of `order` until nobody wants it any more.
async fn run(
    layout: Layout,
    ports: Arc<Ports>,
    order: StagingOrder,
    reports: mpsc::Sender<StagingReport>,
    mut ending: watch::Receiver<bool>,
) {
    let unwanted = async {
        tokio::select! {
            () = reports.closed() => {}
            // A closed channel means that the control plane is ending, too.
            _ = ending.wait_for(|ending| *ending) => {}
        }
    };
    let mut unwanted = pin!(unwanted);
    let failed = |reason: String| StagingReport::Failed { reason, log_tail: Vec::new() };
    // A reader that is gone ends the instance below.
    let address = match ports.take(IpAddr::V4(Ipv4Addr::LOCALHOST)) {
        Ok(address) => address,
        Err(error) => return drop(reports.send(failed(chain(&error))).await),
    };
    let instance = staging_id(&order);
    let log = layout.instance_log(&instance);
    // An earlier run of the same artifact is of no interest any more.
    let _ = std::fs::remove_file(&log);
    let launch_order = order.launch.order(&layout, order.artifact, &instance, address);
    let started = order.launch.prepare(&layout).map_err(|error| format!("make the data directory: {error}"));
    let process = match started.and_then(|()| launch(&launch_order).map_err(|error| chain(&error))) {
        Ok(process) => process,
        Err(reason) => {
            ports.release(address.port());
            return drop(reports.send(failed(reason)).await);
        }
    };
    let target = order.launch.probe_target(address);
    let watch = StartWatch {
        instance: &instance,
        process: &process,
        address,
        log: &log,
        target: &target,
        min_healthy: order.launch.min_healthy,
        interval: order.launch.start_interval(),
        start_deadline: order.timings.start_deadline,
    };
    let notes = reports.clone();
    let observe = move |text| drop(notes.try_send(StagingReport::Note { text }));
    let outcome = tokio::select! {
        outcome = await_healthy(watch, observe) => Some(outcome),
        () = unwanted.as_mut() => None,
    };
    let report = outcome.map(|outcome| match outcome {
        Ok(()) => StagingReport::Ready { address, log: log.display().to_string() },
        Err(failure) => {
            StagingReport::Failed { reason: chain(&failure), log_tail: failure.log_tail().to_vec() }
        }
    });
    if let Some(report) = report {
        let ready = matches!(report, StagingReport::Ready { .. });
        if reports.send(report).await.is_ok() && ready {
            unwanted.await;
        }
    }
    process.stop(order.timings.stop_grace).await;
    ports.release(address.port());
}

/// Names are unique per run: two pipelines may stage the same artifact.
fn staging_id(order: &StagingOrder) -> InstanceId {
    let release = format!("{STAGING_PREFIX}{}", &order.artifact.0.hex()[..8]);
    let release = release.parse::<ReleaseId>().expect("a constant and hex digits make a name");
    InstanceId::new(release, 0, fastrand::u32(..))
}
