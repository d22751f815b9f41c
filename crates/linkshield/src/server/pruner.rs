//! The task that keeps the database within its limits.

use std::time::Duration;

use crate::{api::App, background::Background, telemetry::causes};

const PERIOD: Duration = Duration::from_secs(10 * 60);

/// A running task that prunes at once and every ten minutes.
#[derive(Debug)]
pub struct Pruner(Background);

// === impl Pruner ===

impl Pruner {
    /// Starts the task.
    pub fn start(app: App) -> Self {
        Self(Background::every("pruner", PERIOD, move || prune(app.clone())))
    }

    /// Ends the task. A batch under way is either in the database or not at all.
    pub async fn stop(self) {
        self.0.end().await;
    }
}

async fn prune(app: App) {
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
