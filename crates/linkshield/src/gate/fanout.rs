//! Tells other processes that something was taken back, and hears it from them, through Redis.
//!
//! Redis only wakes: what was taken back stands in the database's log, which every process reads, and which it reads ten times a
//! second anyway. So a message that is lost costs that long, and none is believed.

use std::sync::Arc;

use shield_data::{Redis, RedisStatus};
use shield_guard::revocation::Sequence;
use tokio::sync::{Notify, watch};

/// The way to the other processes; none without Redis.
#[derive(Clone, Debug)]
pub struct Fanout {
    /// This process may have written something.
    written: Arc<Notify>,
    others: Option<Others>,
}

#[derive(Clone, Debug)]
struct Others {
    redis: Redis,
    announced: watch::Receiver<u64>,
}

// === impl Fanout ===

impl Fanout {
    /// Through Redis, where there is one.
    pub fn through(redis: Option<&Redis>) -> Self {
        let others = redis.map(|redis| Others { redis: redis.clone(), announced: redis.announcements() });
        Self { written: Arc::default(), others }
    }

    /// How Redis is.
    pub(super) fn redis_status(&self) -> Option<watch::Receiver<RedisStatus>> {
        self.others.as_ref().map(|others| others.redis.status())
    }

    /// This process has read its own log after something that may have written to it: the follower is to tell the others.
    pub fn note(&self) {
        if self.others.is_some() {
            self.written.notify_one();
        }
    }

    /// Returns when the log may have grown.
    pub async fn woken(&mut self) {
        let Some(Others { announced, .. }) = &mut self.others else { return std::future::pending().await };
        tokio::select! {
            () = self.written.notified() => {}
            changed = announced.changed() => {
                if changed.is_err() {
                    std::future::pending().await
                }
            }
        }
    }

    /// Tells the others how far this process has read, unless that is known. What cannot be told now is told at the next turn.
    pub async fn tell(&self, read: Sequence) {
        let Some(Others { redis, announced }) = &self.others else { return };
        // Only ever further: two processes that differ must not answer each other for ever.
        if read.0 > *announced.borrow()
            && let Err(error) = redis.announce(read.0).await
        {
            tracing::debug!(error = %error, "an announcement was not made");
        }
    }
}
