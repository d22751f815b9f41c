//! Counts of rate limits over all nodes.
//!
//! Counters lie beside a marker, under one tag, so in one slot and one memory. The marker says which life of the server
//! the counters belong to, and since when. A script does everything in one step: a marker that is missing (the server began
//! empty, or was emptied) or that names another life (it restarted, or a copy was promoted that may lack the last counts)
//! begins anew now, and windows that began before are [`LeaseAnswer::Forgotten`].
//!
//! **Deployment.** A server that evicts keys (`maxmemory` with another policy than `noeviction`) may drop a counter and
//! keep its marker, and lends what it lent before. Use `noeviction`.

use redis::aio::MultiplexedConnection;
use shield_guard::{
    StoreError,
    limit::{LeaseAnswer, LeaseRequest, LeaseStore},
};
use shield_types::Timestamp;

use super::{
    RedisCallError,
    info::Life,
    script::Script,
    slot::Tag,
    store::{Redis, Shared},
};
use crate::failure::of_redis;

const STORE: &str = "leases";
/// How long a counter outlives its window, by the server's clock.
const KEPT_AFTER_MS: u64 = 60_000;

/// Keys: marker, counter. Arguments: life, now, the window's start, tokens wanted, the count, how long the counter lives.
/// The moment of a marker is the later one of the two clocks: rather too late.
static TAKE: Script = Script::new(
    "local memory = redis.call('GET', KEYS[1])
local letters = #ARGV[1]
if not memory or string.sub(memory, 1, letters) ~= ARGV[1] then
  local time = redis.call('TIME')
  local now = math.max(tonumber(ARGV[2]), time[1] * 1000 + math.ceil(time[2] / 1000))
  memory = ARGV[1] .. string.format('%.0f', now)
  redis.call('SET', KEYS[1], memory)
end
if tonumber(string.sub(memory, letters + 1)) > tonumber(ARGV[3]) then return -1 end
local lent = tonumber(redis.call('GET', KEYS[2]) or '0')
local tokens = math.min(tonumber(ARGV[4]), tonumber(ARGV[5]) - lent)
if tokens <= 0 then return 0 end
redis.call('INCRBY', KEYS[2], string.format('%.0f', tokens))
if lent == 0 then redis.call('PEXPIRE', KEYS[2], ARGV[6]) end
return tokens",
);

/// The store of leases, in Redis.
#[derive(Clone, Debug)]
pub struct RedisLeases(Redis);

// === impl RedisLeases ===

impl RedisLeases {
    /// Kept there.
    pub fn new(redis: Redis) -> Self {
        Self(redis)
    }

    async fn lend(&self, request: &LeaseRequest, now: Timestamp) -> Result<LeaseAnswer, RedisCallError> {
        let key = request.key.bytes();
        let tag = Tag::of(&key);
        let keys = [self.0.shared.key(tag, "memory"), self.0.shared.counter(tag, request, &key)];
        let take = async |mut connection: MultiplexedConnection, life: Life| {
            let arguments = [
                life.as_str().to_owned(),
                now.0.to_string(),
                request.window_start.0.to_string(),
                request.want.to_string(),
                request.rate.count().to_string(),
                (request.window_end.0.saturating_sub(now.0) + KEPT_AFTER_MS).to_string(),
            ];
            TAKE.run::<i64>(&mut connection, &keys, &arguments).await
        };
        let answer = self.0.call(tag.slot(), take).await?;
        Ok(match u32::try_from(answer) {
            Ok(tokens) => LeaseAnswer::Granted { tokens },
            Err(_) => LeaseAnswer::Forgotten,
        })
    }
}

impl LeaseStore for RedisLeases {
    async fn take(&self, request: &LeaseRequest, now: Timestamp) -> Result<LeaseAnswer, StoreError> {
        self.lend(request, now).await.map_err(of_redis(STORE))
    }
}

// === impl Shared ===

impl Shared {
    /// A key that lies where its tag does.
    pub(super) fn key(&self, tag: Tag, name: &str) -> String {
        format!("{}:{{{}}}:{name}", self.namespace, tag.text())
    }

    fn counter(&self, tag: Tag, request: &LeaseRequest, key: &[u8]) -> String {
        let digits: String = key.iter().map(|byte| format!("{byte:02x}")).collect();
        self.key(tag, &format!("lent:{}:{}:{digits}", request.limit, request.window_start.0))
    }
}
