//! `shield up`: the control plane runs, and serves.

use std::time::Duration;

use rustix::process::{Pid, Signal, kill_process};
use shield_control::{
    Layout,
    admin::{AdminClient, InstanceReport, StatusReport},
    control_holder, ensure_control,
};
use shield_release::InstancePhase;
use tokio::time::{Instant, sleep};

use crate::{
    cli::{OutputFormat, Place, UpArguments},
    context::Context,
    exit::{Exit, Failure},
    output::{self, write::tell},
};

/// Longest wait for a control plane to make room for the next.
const HANDOVER: Duration = Duration::from_secs(10);

pub(crate) async fn run(place: &Place, arguments: &UpArguments, format: OutputFormat) -> Result<(), Failure> {
    let context = Context::open(place)?;
    let client = AdminClient::new(&context.layout);
    if arguments.upgrade {
        end_older(&context.layout, &client).await?;
    }
    let (_, new) = ensure_control(&context.layout, &context.manifest)
        .await
        .map_err(|error| Failure::new(Exit::NoControlPlane, &error, &[]))?;
    client.up().await.map_err(|error| Failure::admin(&error))?;
    let status = wait_until_serving(&client, context.manifest.release.start_deadline, format).await?;
    output::status::print(&status, format);
    let older = shield_control::running_binary_digest().is_some_and(|digest| digest != status.binary);
    if !new && older && format == OutputFormat::Text {
        tell!(
            "it runs from another shield binary; `shield up --upgrade` replaces it without dropping a request"
        );
    }
    Ok(())
}

/// `up` promises that the live release serves: its instances are healthy and the edge routes to them.
async fn wait_until_serving(
    client: &AdminClient,
    start_deadline: Duration,
    format: OutputFormat,
) -> Result<StatusReport, Failure> {
    let deadline = Instant::now() + start_deadline + HANDOVER;
    loop {
        let status = client.status().await.map_err(|error| Failure::admin(&error))?;
        let of_live = |instance: &&InstanceReport| Some(instance.instance.release()) == status.live.as_ref();
        let mut instances = status.instances.iter().filter(of_live);
        let healthy = instances.all(|instance| instance.phase == InstancePhase::Healthy);
        if healthy && status.routed >= status.generation && status.edge.is_some() {
            return Ok(status);
        }
        if Instant::now() >= deadline {
            // A script gets one value, the failure.
            if format == OutputFormat::Text {
                output::status::print(&status, format);
            }
            let live = status.live.map_or("no release".to_owned(), |live| live.to_string());
            let message =
                format!("failed to bring {live} up: not every instance is healthy and routed in time");
            return Err(Failure::plain(
                Exit::ReleaseFailed,
                &message,
                "`shield logs` shows what it printed; a fix can be shipped as it is",
            ));
        }
        sleep(Duration::from_millis(50)).await;
    }
}

/// The control plane may be ended at any moment: the edge and the instances go on, and the next one takes them over.
async fn end_older(layout: &Layout, client: &AdminClient) -> Result<(), Failure> {
    let Ok(status) = client.status().await else { return Ok(()) };
    if shield_control::running_binary_digest().is_some_and(|digest| digest == status.binary) {
        return Ok(());
    }
    if let Some(underway) = &status.underway {
        let message = format!("failed to upgrade: release {} is under way", underway.release);
        return Err(Failure::plain(
            Exit::Busy,
            &message,
            "wait for it (`shield status`), then run the command again",
        ));
    }
    if let Some(pid) = i32::try_from(status.pid).ok().and_then(Pid::from_raw) {
        // It may have ended since it answered.
        let _ = kill_process(pid, Signal::TERM);
    }
    let deadline = Instant::now() + HANDOVER;
    while control_holder(layout).is_some() {
        if Instant::now() >= deadline {
            let message = format!("failed to upgrade: process {} does not end", status.pid);
            return Err(Failure::plain(
                Exit::NoControlPlane,
                &message,
                "kill it; the edge and the instances go on",
            ));
        }
        sleep(Duration::from_millis(20)).await;
    }
    Ok(())
}
