//! The wall clock, for the few methods of traits that name no moment.

use std::time::{SystemTime, UNIX_EPOCH};

use shield_types::Timestamp;

pub(crate) fn now() -> Timestamp {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    Timestamp(u64::try_from(since.as_millis()).unwrap_or(u64::MAX))
}
