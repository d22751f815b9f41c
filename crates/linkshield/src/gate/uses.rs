//! Notes when sessions and API keys were last used, behind the requests' backs.
//!
//! The chain asks for a note about once a minute per session and once an hour per key, so the queue is short; a note that
//! finds it full is left to the next request of the next minute.

use std::sync::Arc;

use shield_guard::chain::Use;
use shield_types::Timestamp;
use tokio::sync::mpsc;

use super::GateStore;
use crate::{
    background::{Background, StopSignal},
    telemetry::causes,
};

/// Notes that wait.
const QUEUE_MAX: usize = 1_024;

/// Takes notes from anywhere; cheap to clone.
#[derive(Clone, Debug)]
pub struct UseNotes(mpsc::Sender<(Use, Timestamp)>);

/// The task that writes them down.
#[derive(Debug)]
pub struct UseWriter(Background);

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
        let task = Background::start("writer of last uses", |stop| run(store, notes, stop));
        (UseNotes(sender), Self(task))
    }

    /// Writes what was noted until now, and ends the task.
    pub async fn finish(self) {
        self.0.end().await;
    }
}

async fn run(store: Arc<impl GateStore>, mut notes: mpsc::Receiver<(Use, Timestamp)>, mut stop: StopSignal) {
    loop {
        let note = tokio::select! {
            note = notes.recv() => note,
            () = stop.told(), if !notes.is_closed() => {
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
