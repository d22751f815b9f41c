//! Keeping the database bounded: old checks go, and the oldest of too many; and accounts that nobody ever used.
//!
//! Rows are deleted in small batches, so that a request never waits long for the write lock. The file keeps its size
//! and its pages are used again.

use std::time::Duration;

use jiff::Timestamp;
use shield_data::Statement;
use shield_types::Timestamp as UnixTime;

use super::{error::StoreError, open::Store};

const BATCH_ROWS: i64 = 500;
/// Rows are numbered in the order of their creation, so both bounds become one number.
const DELETE: &str = "DELETE FROM checks WHERE sequence IN (
    SELECT sequence FROM checks
    WHERE sequence <= (SELECT CASE WHEN number > age THEN number ELSE age END FROM (SELECT
        coalesce((SELECT max(sequence) FROM checks), 0) - $2 AS number,
        coalesce((SELECT max(sequence) FROM checks WHERE created_at < $1), 0) AS age) AS bounds)
    ORDER BY sequence LIMIT $3)";

/// Nobody logged in to them, and nobody but their maker touched them; so nothing else is theirs but tokens, which expire by
/// themselves.
const DELETE_UNVERIFIED: &str = "DELETE FROM accounts WHERE id IN (
    SELECT id FROM accounts
    WHERE status = 'pending_verification' AND created_at < $1 AND email_verified_at IS NULL
        AND last_login_at IS NULL AND locked_at IS NULL AND role = 'user'
    ORDER BY created_at LIMIT $2)";
/// How long an address may be held by somebody who does not show that it is theirs.
const UNVERIFIED_FOR: Duration = Duration::from_hours(7 * 24);

/// How many checks are kept, and for how long.
#[derive(Debug, Clone, Copy)]
pub struct RetentionLimits {
    /// Oldest age.
    pub age_max: Duration,
    /// Highest number of rows.
    pub rows_max: u32,
}

// === impl Store ===

impl Store {
    /// Deletes one batch of what `limits` no longer allow at `now`; answers how many rows went. Zero means done.
    ///
    /// # Errors
    /// When the database does not take the deletion.
    pub async fn prune_batch(&self, limits: RetentionLimits, now: Timestamp) -> Result<u64, StoreError> {
        let age_max_ms = i64::try_from(limits.age_max.as_millis()).unwrap_or(i64::MAX);
        let before = now.as_millisecond().saturating_sub(age_max_ms);
        let statement = Statement::new(DELETE).with(before).with(limits.rows_max).with(BATCH_ROWS);
        self.checks.write(statement).await.map_err(StoreError::during("prune"))
    }

    /// Deletes one batch of accounts whose address nobody verified within seven days; answers how many went. Zero means done. Who
    /// owns the address can register it then.
    ///
    /// # Errors
    /// When the database does not take the deletion.
    pub async fn prune_unverified(&self, now: UnixTime) -> Result<u64, StoreError> {
        let age_ms = u64::try_from(UNVERIFIED_FOR.as_millis()).unwrap_or(u64::MAX);
        let before = UnixTime(now.0.saturating_sub(age_ms));
        let statement = Statement::new(DELETE_UNVERIFIED).with(before).with(BATCH_ROWS);
        self.guard_database().write(statement).await.map_err(StoreError::during("prune accounts"))
    }
}
