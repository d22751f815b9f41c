//! The one place that reads the clock for the journal and the state machine.

use std::{
    sync::OnceLock,
    time::{Instant, SystemTime, UNIX_EPOCH},
};

use shield_types::Timestamp;

/// Wall-clock time: it must mean the same after a restart, and after a reboot. Within one process it advances with the
/// monotonic clock, so a clock that is set back does not stretch a deadline that is running.
pub fn now() -> Timestamp {
    static START: OnceLock<(Instant, u64)> = OnceLock::new();
    let (instant, wall_ms) = START.get_or_init(|| (Instant::now(), wall_clock_ms()));
    Timestamp(*wall_ms).after(instant.elapsed())
}

fn wall_clock_ms() -> u64 {
    let since_epoch = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    u64::try_from(since_epoch.as_millis()).unwrap_or(u64::MAX)
}
