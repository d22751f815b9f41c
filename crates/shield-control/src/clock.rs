//! The one place that reads the clock for the journal and the state machine.

use std::time::{SystemTime, UNIX_EPOCH};

use shield_types::Timestamp;

/// Wall-clock time: it must mean the same after a restart, and after a reboot. The state machine never lets it run backwards.
pub fn now() -> Timestamp {
    let since_epoch = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    Timestamp(u64::try_from(since_epoch.as_millis()).unwrap_or(u64::MAX))
}
