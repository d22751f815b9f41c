//! Counts of limits that must be exact over all nodes, whatever becomes of Redis: log-in, registration and their like, whose
//! requests ask the database anyway.
//!
//! Waits as long as a database may ([`Database::DEADLINE`]), not the 20 ms of a store that is asked for every request.

use shield_guard::{
    StoreError,
    limit::{LeaseAnswer, LeaseRequest, LeaseStore},
};
use shield_types::Timestamp;

use crate::{Database, SqlError, failure::of, sql::Statement};

const STORE: &str = "exact limits";
/// One statement, so atomic on both databases: who races waits for the other's row, then looks at the condition again.
const TAKE: &str = "INSERT INTO guard_leases (limit_name, subject, window_start, window_end, lent, granted)
    VALUES ($1, $2, $3, $4, $5, $5)
    ON CONFLICT (limit_name, subject, window_start, window_end) DO UPDATE SET
    lent = guard_leases.lent + CASE WHEN $6 - guard_leases.lent < $5 THEN $6 - guard_leases.lent ELSE $5 END,
    granted = CASE WHEN $6 - guard_leases.lent < $5 THEN $6 - guard_leases.lent ELSE $5 END
    WHERE guard_leases.lent < $6
    RETURNING granted";

/// The store of leases, in a database.
#[derive(Clone, Debug)]
pub struct SqlLeases(Database);

// === impl SqlLeases ===

impl SqlLeases {
    /// Kept in this database.
    pub fn new(database: Database) -> Self {
        Self(database)
    }

    async fn lend(&self, request: &LeaseRequest) -> Result<LeaseAnswer, SqlError> {
        let count = request.rate.count();
        let take = Statement::new(TAKE)
            .with(request.limit)
            .with(request.key.bytes().to_vec())
            .with(request.window_start)
            .with(request.window_end)
            .with(request.want.get().min(count))
            .with(count);
        let row = self.0.write_returning(take).await?;
        let tokens = row.map(|row| row.small_count("granted")).transpose()?.unwrap_or(0);
        Ok(LeaseAnswer::Granted { tokens })
    }
}

impl LeaseStore for SqlLeases {
    async fn take(&self, request: &LeaseRequest, _now: Timestamp) -> Result<LeaseAnswer, StoreError> {
        self.lend(request).await.map_err(of(STORE))
    }
}
