//! The task that keeps the signing keys of this process up to date, and changes them when their time has come.

use std::{sync::Arc, time::Duration};

use super::{ChangeKeysError, SigningKeys};
use crate::{background::Background, clock::now, telemetry::causes};

/// How often it looks; a rotation leaves a minute for it. A key that another process killed, and the one after it, are known
/// sooner: the log of revocations names the one, and the gate looks for the other.
const PERIOD: Duration = Duration::from_secs(5);

/// A running task.
#[derive(Debug)]
pub struct KeyKeeper(Background);

// === impl KeyKeeper ===

impl KeyKeeper {
    /// Starts the task.
    pub fn start(keys: Arc<SigningKeys>) -> Self {
        Self(Background::every("keeper of signing keys", PERIOD, move || look(Arc::clone(&keys))))
    }

    /// Ends the task. A change under way is either in the database or not at all.
    pub async fn stop(self) {
        self.0.end().await;
    }
}

async fn look(keys: Arc<SigningKeys>) {
    if let Err(error) = keep(&keys).await {
        let cause = causes(&error).join(": ");
        tracing::warn!(error = %error, cause, "signing keys could not be kept up to date");
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
