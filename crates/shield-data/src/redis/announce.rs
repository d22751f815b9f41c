//! Announcements: "there is something new in the database". At most once; whoever misses one looks by itself a little later.

use redis::{Value, aio::MultiplexedConnection, from_redis_value};
use tokio::sync::watch;

use super::{
    RedisCallError,
    slot::Tag,
    store::{Redis, Shared},
};

// === impl Redis ===

impl Redis {
    /// Tells all nodes that the log has come as far as `sequence`.
    ///
    /// # Errors
    /// When Redis does not take it within 15 ms.
    pub async fn announce(&self, sequence: u64) -> Result<(), RedisCallError> {
        let channel = self.channel();
        let publish = async |mut connection: MultiplexedConnection, _life| {
            redis::cmd("PUBLISH").arg(channel).arg(sequence).exec_async(&mut connection).await
        };
        self.call(Tag::of(b"nodes").slot(), publish).await
    }

    /// What was announced last, by any node, this one included. Counts as changed too when the connection is new, since
    /// something may have been missed.
    pub fn announcements(&self) -> watch::Receiver<u64> {
        self.shared.announced.subscribe()
    }

    pub(super) fn channel(&self) -> String {
        format!("{}:announced", self.shared.namespace)
    }
}

// === impl Shared ===

impl Shared {
    /// A message: the channel, and what was said there. What is no number only wakes.
    pub(super) fn hear(&self, message: &[Value]) {
        let sequence = message.get(1).and_then(|value| from_redis_value(value.clone()).ok());
        self.announced.send_modify(|announced| *announced = sequence.unwrap_or(*announced));
    }
}
