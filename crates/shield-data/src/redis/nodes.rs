//! How many nodes there are.
//!
//! Each node notes every second in Redis that it lives, by Redis' clock, and hears how many did within five minutes. What
//! counts is the largest number of the last five minutes: a share of a limit that is too small refuses a little, one that
//! is too large admits too much. A node that has never heard a number assumes many.

use std::{
    num::NonZeroU32,
    sync::{
        Mutex, PoisonError,
        atomic::{AtomicU32, Ordering},
    },
    time::Duration,
};

use redis::aio::MultiplexedConnection;
use tokio::{
    sync::watch,
    time::{Instant, MissedTickBehavior, interval},
};

use super::{RedisCallError, script::Script, slot::Tag, store::Redis};

/// How often a node says that it lives.
const BEAT_PERIOD: Duration = Duration::from_secs(1);
/// How long it counts without.
const LIFE: Duration = Duration::from_secs(300);
/// Nodes of an installation that was never asked.
const NODES_UNKNOWN: u32 = 16;

/// By the server's clock, so that nodes whose clocks differ are not taken for dead.
static BEAT: Script = Script::new(
    "local now = tonumber(redis.call('TIME')[1])
redis.call('ZADD', KEYS[1], now, ARGV[1])
redis.call('ZREMRANGEBYSCORE', KEYS[1], '-inf', now - tonumber(ARGV[2]))
redis.call('EXPIRE', KEYS[1], ARGV[2])
return redis.call('ZCARD', KEYS[1])",
);

/// What is known of the nodes.
pub(super) struct Membership {
    nodes: AtomicU32,
    peak: Mutex<Option<Peak>>,
}

/// The largest number of late.
#[derive(Clone, Copy)]
struct Peak {
    nodes: u32,
    at: Instant,
}

/// Says that this node lives, until it is stopped; then that it does not.
pub(super) async fn beat(redis: Redis, node: String, mut stop: watch::Receiver<bool>) {
    let mut status = redis.status();
    let mut ticks = interval(BEAT_PERIOD);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    loop {
        tokio::select! {
            _ = stop.wait_for(|stopped| *stopped) => break,
            _ = ticks.tick() => {}
            // At once when Redis is there.
            Ok(()) = status.changed() => {}
        }
        if let Ok(nodes) = redis.live(&node).await {
            redis.shared.membership.note(nodes, Instant::now());
        }
    }
    // A node that could not say so counts a while longer.
    let _told = redis.leave(&node).await;
}

// === impl Redis ===

impl Redis {
    async fn live(&self, node: &str) -> Result<u32, RedisCallError> {
        let key = self.nodes_key();
        let arguments = [node.to_owned(), LIFE.as_secs().to_string()];
        let beat = async |mut connection: MultiplexedConnection, _life| {
            BEAT.run(&mut connection, &[key], &arguments).await
        };
        self.call(nodes_tag().slot(), beat).await
    }

    async fn leave(&self, node: &str) -> Result<(), RedisCallError> {
        let key = self.nodes_key();
        let remove = async |mut connection: MultiplexedConnection, _life| {
            redis::cmd("ZREM").arg(key).arg(node).exec_async(&mut connection).await
        };
        self.call(nodes_tag().slot(), remove).await
    }

    fn nodes_key(&self) -> String {
        self.shared.key(nodes_tag(), "nodes")
    }
}

fn nodes_tag() -> Tag {
    Tag::of(b"nodes")
}

// === impl Membership ===

impl Membership {
    pub(super) fn new() -> Self {
        Self { nodes: AtomicU32::new(NODES_UNKNOWN), peak: Mutex::default() }
    }

    pub(super) fn nodes(&self) -> NonZeroU32 {
        NonZeroU32::new(self.nodes.load(Ordering::Relaxed)).unwrap_or(NonZeroU32::MIN)
    }

    /// Redis counted so many.
    fn note(&self, nodes: u32, now: Instant) {
        let mut peak = self.peak.lock().unwrap_or_else(PoisonError::into_inner);
        let kept = peak.filter(|peak| peak.nodes > nodes && now.duration_since(peak.at) <= LIFE);
        let next = kept.unwrap_or(Peak { nodes, at: now });
        *peak = Some(next);
        self.nodes.store(next.nodes, Ordering::Relaxed);
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use tokio::time::Instant;

    use super::{LIFE, Membership};

    #[test]
    fn rather_too_many_than_too_few() {
        let (membership, start) = (Membership::new(), Instant::now());
        assert_eq!(membership.nodes().get(), 16, "before anybody said a number");
        let after = |seconds, nodes| {
            membership.note(nodes, start + Duration::from_secs(seconds));
            membership.nodes().get()
        };
        assert_eq!(after(0, 2), 2);
        assert_eq!(after(1, 3), 3);
        assert_eq!(after(2, 1), 3, "the others may only be cut off");
        assert_eq!(after(1 + LIFE.as_secs(), 1), 3);
        assert_eq!(after(2 + LIFE.as_secs(), 1), 1);
    }
}
