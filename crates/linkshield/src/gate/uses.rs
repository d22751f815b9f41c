//! Notes when sessions and API keys were last used, behind the requests' backs.
//!
//! The chain asks for a note about once a minute per session and once an hour per key, so the queue is short; a note that
//! finds it full is left to the next request of the next minute.

use std::sync::Arc;

use shield_guard::chain::Use;
use shield_types::Timestamp;
use tokio::{
    sync::{mpsc, watch},
    task::JoinHandle,
};

use super::GateStore;
use crate::telemetry::causes;

/// Notes that wait.
const QUEUE_MAX: usize = 1_024;

/// Takes notes from anywhere; cheap to clone.
#[derive(Clone, Debug)]
pub struct UseNotes(mpsc::Sender<(Use, Timestamp)>);

/// The task that writes them down.
#[derive(Debug)]
pub struct UseWriter {
    stop: watch::Sender<bool>,
    task: JoinHandle<()>,
}

// === impl UseNotes ===

impl UseNotes {
    /// Something was used.
    pub fn note(&self, used: Use, at: Timestamp) {
        let _full = self.0.try_send((used, at));
    }
}

// === impl UseWriter ===

impl UseWriter {
    /// Starts the task.
    pub fn start(store: Arc<impl GateStore>) -> (UseNotes, Self) {
        let (sender, notes) = mpsc::channel(QUEUE_MAX);
        let stop = watch::Sender::new(false);
        let task = tokio::spawn(run(store, notes, stop.subscribe()));
        (UseNotes(sender), Self { stop, task })
    }

    /// Writes what was noted until now, and ends the task.
    pub async fn finish(self) {
        self.stop.send_replace(true);
        if let Err(error) = self.task.await {
            tracing::error!(error = %error, "the writer of last uses failed");
        }
    }
}

async fn run(
    store: Arc<impl GateStore>,
    mut notes: mpsc::Receiver<(Use, Timestamp)>,
    mut stop: watch::Receiver<bool>,
) {
    loop {
        let note = tokio::select! {
            note = notes.recv() => note,
            _ = stop.wait_for(|stopped| *stopped), if !notes.is_closed() => {
                notes.close();
                continue;
            }
        };
        let Some((used, at)) = note else { return };
        if let Err(error) = store.touch(used, at).await {
            tracing::warn!(error = %error, cause = causes(&error).join(": "), "a last use was not written down");
        }
    }
}
