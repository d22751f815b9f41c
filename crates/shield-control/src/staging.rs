//! One instance outside production: started on request, stopped when whoever asked is gone.
//!
//! The control plane owns it, not the pipeline, so that a pipeline that is killed leaves no process behind: at the next
//! start of the control plane an instance that nobody wants is stopped.

use std::{
    net::{IpAddr, Ipv4Addr},
    sync::Arc,
};

use shield_runtime::{Ports, StartWatch, await_healthy, launch};
use shield_types::{InstanceId, ReleaseId};
use tokio::sync::mpsc;

use crate::{
    admin::{StagingOrder, StagingReport},
    executor::chain,
    layout::Layout,
};

/// Names of staging instances begin with it.
pub(crate) const STAGING_PREFIX: &str = "staging-";

/// Runs the instance of `order` until the other end of `reports` is closed.
pub(crate) async fn run(
    layout: Layout,
    ports: Arc<Ports>,
    order: StagingOrder,
    reports: mpsc::Sender<StagingReport>,
) {
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
        outcome = await_healthy(watch, observe) => outcome,
        () = reports.closed() => Ok(()),
    };
    let report = match outcome {
        Ok(()) => StagingReport::Ready { address, log: log.display().to_string() },
        Err(failure) => {
            StagingReport::Failed { reason: chain(&failure), log_tail: failure.log_tail().to_vec() }
        }
    };
    let ready = matches!(report, StagingReport::Ready { .. });
    if reports.send(report).await.is_ok() && ready {
        reports.closed().await;
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
