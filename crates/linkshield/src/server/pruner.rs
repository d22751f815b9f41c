//! The task that keeps the database within its limits.

use std::time::Duration;

use tokio::{
    sync::watch,
    task::JoinHandle,
    time::{MissedTickBehavior, interval},
};

use crate::{api::App, telemetry::causes};

const PERIOD: Duration = Duration::from_secs(10 * 60);

/// A running task that prunes at once and every ten minutes.
#[derive(Debug)]
pub struct Pruner {
    stop: watch::Sender<bool>,
    task: JoinHandle<()>,
}

// === impl Pruner ===

impl Pruner {
    /// Starts the task.
    pub fn start(app: App) -> Self {
        let stop = watch::Sender::new(false);
        let task = tokio::spawn(run(app, stop.subscribe()));
        Self { stop, task }
    }

    /// Ends the task. A batch under way is either in the database or not at all.
    pub async fn stop(self) {
        self.stop.send_replace(true);
        if let Err(error) = self.task.await {
            tracing::error!(error = %error, "pruner failed");
        }
    }
}

async fn run(app: App, mut stop: watch::Receiver<bool>) {
    let mut ticks = interval(PERIOD);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    loop {
        tokio::select! {
            _ = stop.wait_for(|stopped| *stopped) => return,
            _ = ticks.tick() => {}
        }
        tokio::select! {
            _ = stop.wait_for(|stopped| *stopped) => return,
            () = prune(&app) => {}
        }
    }
}

async fn prune(app: &App) {
    match app.service().prune().await {
        Ok(0) => {}
        Ok(count) => {
            app.metrics().checks_pruned(count);
            tracing::info!(count, "old checks deleted");
        }
        Err(error) => {
            let cause = causes(&error).join(": ");
            tracing::warn!(error = %error, cause, "old checks could not be deleted");
        }
    }
    match app.accounts().prune().await {
        Ok(0) => {}
        Ok(count) => tracing::info!(count, "old sessions, tokens and counts deleted"),
        Err(error) => {
            let cause = causes(&error).join(": ");
            tracing::warn!(error = %error, cause, "old sessions and tokens could not be deleted");
        }
    }
}
