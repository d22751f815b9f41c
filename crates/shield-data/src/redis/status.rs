//! What is known of Redis right now, for metrics and events.

use shield_guard::limit::StoreState;

/// A moment of the connection to Redis.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RedisStatus {
    /// Whether anything can be asked.
    pub state: StoreState,
    /// Masters that there are: one, or those of the cluster; 0 while nobody says who it is.
    pub shards: usize,
    /// Of these, the ones that answer.
    pub shards_present: usize,
    /// Grows each time that a master's memory is another than before: after a restart or a promotion, and once at the start.
    pub epoch: u64,
    /// Connections that were opened, the first ones included.
    pub connections: u64,
    /// What went wrong last, for the log; never a password.
    pub trouble: Option<String>,
}

// === impl RedisStatus ===

impl RedisStatus {
    /// Before anything was asked.
    pub(super) fn unknown() -> Self {
        Self {
            state: StoreState::Away,
            shards: 0,
            shards_present: 0,
            epoch: 0,
            connections: 0,
            trouble: None,
        }
    }
}
