//! Keeping the tables bounded: what expired goes, a while later.
//!
//! Rows go in small batches, so that a request never waits long for SQLite's write lock. Nothing is deleted at the very moment
//! at which it ends: nodes' clocks differ, and a revocation that is forgotten too early gives back what was taken.

use std::time::Duration;

use shield_types::Timestamp;

use crate::{Database, SqlError, limits::KNOWN_FOR, sql::Statement};

const BATCH_ROWS: i64 = 500;
/// More than the leeway that verifiers grant and the difference that clocks have, together.
const MARGIN: Duration = Duration::from_mins(15);
/// How long the owner of a key still finds it in the history.
const KEY_HISTORY: Duration = Duration::from_hours(90 * 24);

/// A table's statement, and how long after its end a row goes.
const RULES: [(&str, Duration); 9] = [
    (
        "DELETE FROM guard_sessions WHERE id IN
         (SELECT id FROM guard_sessions WHERE expires_at < $1 LIMIT $2)",
        MARGIN,
    ),
    (
        "DELETE FROM guard_refresh_families WHERE session IN
         (SELECT session FROM guard_refresh_families WHERE ends_at < $1 LIMIT $2)",
        MARGIN,
    ),
    (
        "DELETE FROM guard_revocations WHERE sequence IN
         (SELECT sequence FROM guard_revocations WHERE expires_at < $1 LIMIT $2)",
        MARGIN,
    ),
    (
        "DELETE FROM guard_api_keys WHERE id IN
         (SELECT id FROM guard_api_keys WHERE expires_at < $1 LIMIT $2)",
        KEY_HISTORY,
    ),
    (
        "DELETE FROM guard_one_time_tokens WHERE digest IN
         (SELECT digest FROM guard_one_time_tokens WHERE expires_at < $1 LIMIT $2)",
        MARGIN,
    ),
    (
        "DELETE FROM guard_login_failures WHERE (counter, window_start, window_end) IN
         (SELECT counter, window_start, window_end FROM guard_login_failures WHERE window_end < $1 LIMIT $2)",
        MARGIN,
    ),
    (
        "DELETE FROM guard_login_familiar WHERE (name, kind, mark) IN
         (SELECT name, kind, mark FROM guard_login_familiar WHERE seen_at < $1 LIMIT $2)",
        KNOWN_FOR,
    ),
    (
        "DELETE FROM guard_quotas WHERE (account, feature, window_start, window_end) IN
         (SELECT account, feature, window_start, window_end FROM guard_quotas WHERE window_end < $1 LIMIT $2)",
        MARGIN,
    ),
    (
        "DELETE FROM guard_leases WHERE (limit_name, subject, window_start, window_end) IN
         (SELECT limit_name, subject, window_start, window_end FROM guard_leases WHERE window_end < $1 LIMIT $2)",
        MARGIN,
    ),
];

// === impl Database ===

impl Database {
    /// Deletes one batch per table of what was over a while before `now`; answers how many rows went. Zero means done. To be called
    /// about once a minute, until it answers zero. Numbers of the revocation log are never given again.
    ///
    /// # Errors
    /// When the database does not take a deletion; the tables before it are pruned then.
    pub async fn prune_batch(&self, now: Timestamp) -> Result<u64, SqlError> {
        let mut deleted = 0;
        for (text, age) in RULES {
            let age_ms = u64::try_from(age.as_millis()).unwrap_or(u64::MAX);
            let before = Timestamp(now.0.saturating_sub(age_ms));
            deleted += self.write(Statement::new(text).with(before).with(BATCH_ROWS)).await?;
        }
        Ok(deleted)
    }
}
