//! Redis as what several nodes share and may lose: counts of rate limits, wakes, and how many nodes there are.
//!
//! Redis is never the truth about anything that must survive: it replicates asynchronously, so a promoted copy may lack
//! what was acknowledged. Revocations and sessions lie in the database; Redis only wakes those who read it.
//!
//! **Nobody waits for an absent server.** Connections are opened by tasks in the background ([`RedisKeeper`]), never by a call. A
//! call has a deadline of 15 ms, below the 20 ms that a [`LeaseStore`](shield_guard::limit::LeaseStore) may take, because a
//! busy machine adds some. The first call that fails opens the circuit: others are refused at once, until a
//! probe in the background (a write, so that a server which only reads does not pass) succeeded.
//!
//! **Who is the master.** One server: the one that is named. Sentinel: whom more than half of all Sentinels name, asked four
//! times a second; once no such answer came for two seconds, none, so that a node cut off with an old master stops asking it.
//! Cluster: whom its nodes name. In each case the server must call itself a master, and say so again at each probe.
//!
//! **What it remembers.** A connection knows the life of its server: the process (`run_id`) and the history of its data
//! (`master_replid`, another one after each promotion). Counts are bound to it ([`RedisLeases`]).

mod announce;
mod call;
mod dial;
mod fleet;
mod info;
mod leases;
mod link;
mod nodes;
mod scout;
mod script;
mod settings;
mod slot;
mod status;
mod store;

pub use call::RedisCallError;
pub use leases::RedisLeases;
pub use settings::{ParseRedisSettingsError, REDIS_ACCEPTED, RedisSettings, RedisTopology, ServerAddress};
pub use status::RedisStatus;
pub use store::{Redis, RedisKeeper};
