//! The wall clock, as the decisions of `shield-guard` take it.

use std::time::{SystemTime, UNIX_EPOCH};

use shield_types::Timestamp;

/// Now.
pub fn now() -> Timestamp {
    let since_epoch = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    Timestamp(u64::try_from(since_epoch.as_millis()).unwrap_or(u64::MAX))
}
