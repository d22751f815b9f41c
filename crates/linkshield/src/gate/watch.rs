//! Tells, as events and in the log, when Redis goes away and comes back.

use std::time::Duration;

use shield_data::{Redis, RedisStatus};
use shield_guard::{event::SecurityEvent, limit::StoreState};
use tokio::{
    sync::watch,
    task::JoinHandle,
    time::{Instant, timeout},
};

use super::EventSink;

/// What it is called in events.
const STORE: &str = "redis";
/// A call that was late opens the circuit for some milliseconds; that is no news.
const TOLD_AFTER: Duration = Duration::from_millis(250);

/// A running task.
#[derive(Debug)]
pub(super) struct RedisWatch {
    stop: watch::Sender<bool>,
    task: JoinHandle<()>,
}

// === impl RedisWatch ===

impl RedisWatch {
    pub(super) fn start(redis: &Redis, events: EventSink) -> Self {
        let stop = watch::Sender::new(false);
        let (status, mut stopped) = (redis.status(), stop.subscribe());
        let task = tokio::spawn(async move {
            tokio::select! {
                () = tell(status, events) => {}
                _ = stopped.wait_for(|stopped| *stopped) => {}
            }
        });
        Self { stop, task }
    }

    /// Ends the task.
    pub(super) async fn stop(self) {
        self.stop.send_replace(true);
        if let Err(error) = self.task.await {
            tracing::error!(error = %error, "the watch over Redis failed");
        }
    }
}

/// Each outage once, with its end.
async fn tell(mut status: watch::Receiver<RedisStatus>, events: EventSink) {
    loop {
        if until(&mut status, |status| !whole(status)).await.is_none() {
            return;
        }
        let since = Instant::now();
        if timeout(TOLD_AFTER, until(&mut status, whole)).await.is_ok() {
            continue;
        }
        let trouble = status.borrow().trouble.clone().unwrap_or_default();
        tracing::warn!(cause = trouble, "Redis is away: limits are counted by this process alone");
        events.tell(&SecurityEvent::StoreAway { store: STORE }, |context| context);
        if until(&mut status, whole).await.is_none() {
            return;
        }
        let away_ms = u64::try_from(since.elapsed().as_millis()).unwrap_or(u64::MAX);
        tracing::info!(away_ms, "Redis is back");
        events.tell(&SecurityEvent::StoreBack { store: STORE, away_ms }, |context| context);
    }
}

/// `None` when nobody will say anything any more.
async fn until(
    status: &mut watch::Receiver<RedisStatus>,
    holds: impl FnMut(&RedisStatus) -> bool,
) -> Option<()> {
    status.wait_for(holds).await.ok().map(drop)
}

/// Every master answers.
fn whole(status: &RedisStatus) -> bool {
    status.state == StoreState::Present && status.shards_present == status.shards
}
