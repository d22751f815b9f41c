//! The task that keeps the signing keys of this process up to date, and changes them when their time has come.

use std::{sync::Arc, time::Duration};

use tokio::{
    sync::watch,
    task::JoinHandle,
    time::{MissedTickBehavior, interval},
};

use super::{ChangeKeysError, SigningKeys};
use crate::{clock::now, telemetry::causes};

/// How often it looks; a rotation leaves a minute for it. A key that another process killed, and the one after it, are known
/// sooner: the log of revocations names the one, and the gate looks for the other.
const PERIOD: Duration = Duration::from_secs(5);

/// A running task.
#[derive(Debug)]
pub struct KeyKeeper {
    stop: watch::Sender<bool>,
    task: JoinHandle<()>,
}

// === impl KeyKeeper ===

impl KeyKeeper {
    /// Starts the task.
    pub fn start(keys: Arc<SigningKeys>) -> Self {
        let stop = watch::Sender::new(false);
        let task = tokio::spawn(run(keys, stop.subscribe()));
        Self { stop, task }
    }

    /// Ends the task. A change under way is either in the database or not at all.
    pub async fn stop(self) {
        self.stop.send_replace(true);
        if let Err(error) = self.task.await {
            tracing::error!(error = %error, "the keeper of signing keys failed");
        }
    }
}

async fn run(keys: Arc<SigningKeys>, mut stop: watch::Receiver<bool>) {
    let mut ticks = interval(PERIOD);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    loop {
        tokio::select! {
            _ = stop.wait_for(|stopped| *stopped) => return,
            _ = ticks.tick() => {}
        }
        tokio::select! {
            _ = stop.wait_for(|stopped| *stopped) => return,
            outcome = keep(&keys) => if let Err(error) = outcome {
                let cause = causes(&error).join(": ");
                tracing::warn!(error = %error, cause, "signing keys could not be kept up to date");
            }
        }
    }
}

async fn keep(keys: &SigningKeys) -> Result<(), ChangeKeysError> {
    keys.reload().await?;
    let now = now();
    if keys.rotation_due(now) {
        let id = keys.rotate(now).await?;
        tracing::info!(key = %id, "a new signing key is announced");
    }
    Ok(())
}
