//! Tells, as events and in the log, when Redis goes away and comes back.

use std::time::Duration;

use shield_data::{Redis, RedisStatus};
use shield_guard::{event::SecurityEvent, limit::StoreState};
use tokio::{
    sync::watch,
    time::{Instant, timeout},
};

use super::EventSink;
use crate::background::Background;

/// What it is called in events.
const STORE: &str = "redis";
/// A call that was late opens the circuit for some milliseconds; that is no news.
const TOLD_AFTER: Duration = Duration::from_millis(250);

/// A running task.
#[derive(Debug)]
pub(super) struct RedisWatch(Background);

// === impl RedisWatch ===

impl RedisWatch {
    pub(super) fn start(redis: &Redis, events: EventSink) -> Self {
        let status = redis.status();
        Self(Background::start("watch over Redis", |mut stop| async move {
            tokio::select! {
                () = tell(status, events) => {}
                () = stop.told() => {}
            }
        }))
    }

    /// Ends the task.
    pub(super) async fn stop(self) {
        self.0.end().await;
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
