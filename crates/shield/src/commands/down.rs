//! `shield down`: nothing runs any more.

use std::time::Duration;

use shield_control::{
    Layout,
    admin::{AdminClient, AdminError},
    anything_runs, control_holder, ensure_control, revivable, revive_control,
};
use tokio::time::{Instant, sleep};

use super::ship::interruptible;
use crate::{
    cli::{OutputFormat, Place},
    context::{Context, existing_layout},
    exit::{Exit, Failure},
    output,
};

/// Longest wait for a control plane that is starting or ending.
const TRANSITION: Duration = Duration::from_secs(10);
/// Control planes that may die over it.
const ROUNDS_MAX: u32 = 4;
/// Time between looks.
const LOOK: Duration = Duration::from_millis(50);

pub(crate) async fn run(place: &Place, format: OutputFormat) -> Result<(), Failure> {
    let layout = existing_layout(place, Exit::NoControlPlane)?;
    let mut text = "nothing was running";
    // One that was killed on the way left something: the next one takes it down.
    for _ in 0..ROUNDS_MAX {
        if !interruptible(order(place, &layout)).await?? {
            output::message(format, "down", text);
            return Ok(());
        }
        // The control plane bounds this wait: it drains for at most the service's drain, then stops what is left.
        interruptible(async {
            while control_holder(&layout).is_some() {
                sleep(LOOK).await;
            }
        })
        .await?;
        text = "everything is stopped; `shield up` starts the live release again";
    }
    let message =
        format!("failed to stop everything: {ROUNDS_MAX} control planes ended before they were done");
    Err(Failure::plain(
        Exit::NoControlPlane,
        &message,
        "`shield logs control` shows why; then `shield down` again",
    ))
}

/// Orders the end; false when nothing runs. Without a control plane, one is started that takes over what it left running:
/// it alone knows how to drain.
async fn order(place: &Place, layout: &Layout) -> Result<bool, Failure> {
    let client = AdminClient::new(layout);
    let deadline = Instant::now() + TRANSITION;
    loop {
        match client.down().await {
            Ok(()) => return Ok(true),
            Err(AdminError::Unreachable { .. }) => {}
            Err(error) => return Err(Failure::admin(&error)),
        }
        match control_holder(layout) {
            Some(holder) if Instant::now() >= deadline => return Err(deaf(&holder)),
            Some(_) => sleep(LOOK).await,
            None if anything_runs(layout) && Instant::now() < deadline => revive(place, layout).await?,
            None if anything_runs(layout) => return Err(deaf("a control plane that was just started")),
            None => return Ok(false),
        }
    }
}

/// As it was started last; as `shield.toml` says now, if that is not known any more.
async fn revive(place: &Place, layout: &Layout) -> Result<(), Failure> {
    let revived = if revivable(layout) {
        revive_control(layout).await.map(drop)
    } else {
        let manifest = Context::open(place)?.manifest;
        ensure_control(layout, &manifest).await.map(drop)
    };
    revived.map_err(|error| Failure::new(Exit::NoControlPlane, &error, &[]))
}

fn deaf(holder: &str) -> Failure {
    let message = format!("failed to stop everything: {holder} does not answer on its socket");
    let hint = "kill that process (the edge and the instances go on), then `shield down` again";
    Failure::plain(Exit::NoControlPlane, &message, hint)
}
