//! What a host says about itself.

use sqlx::{PgConnection, Row, postgres::PgRow, query};

/// Asked with one statement, so that it is of one moment. A standby knows timelines from the last checkpoint it has, from the
/// point that it must recover to, and from whom it streams. A primary names the file that it is writing, which is true at
/// once after a promotion; its last checkpoint lags.
const ASK: &str = "SELECT
    NOT pg_is_in_recovery() AND current_setting('transaction_read_only') = 'off' AS writable,
    (SELECT system_identifier FROM pg_control_system()) AS cluster,
    CASE WHEN pg_is_in_recovery()
        THEN (SELECT greatest(checkpoint.timeline_id, recovery.min_recovery_end_timeline,
                (SELECT max(received_tli) FROM pg_stat_wal_receiver))
            FROM pg_control_checkpoint() AS checkpoint, pg_control_recovery() AS recovery)::BIGINT
        ELSE ('x' || substr(pg_walfile_name(pg_current_wal_lsn()), 1, 8))::BIT(32)::BIGINT
    END AS timeline,
    current_setting('synchronous_commit') AS synchronous_commit";

/// What a host is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Role {
    /// Whether it takes writes.
    pub(super) writable: bool,
    /// Which cluster it is of: made by `initdb`, kept by every copy.
    pub(super) cluster: i64,
    /// Counts the promotions and restores of that cluster.
    pub(super) timeline: i64,
    /// When it acknowledges.
    pub(super) synchronous_commit: String,
}

// === impl Role ===

impl Role {
    pub(super) async fn of(connection: &mut PgConnection) -> Result<Self, sqlx::Error> {
        Self::read(&query(ASK).fetch_one(connection).await?)
    }

    fn read(row: &PgRow) -> Result<Self, sqlx::Error> {
        Ok(Self {
            writable: row.try_get("writable")?,
            cluster: row.try_get("cluster")?,
            timeline: row.try_get("timeline")?,
            synchronous_commit: row.try_get("synchronous_commit")?,
        })
    }

    /// Whether what it acknowledges outlives it, as far as its standbys go.
    pub(super) fn durable(&self) -> bool {
        !matches!(self.synchronous_commit.as_str(), "off" | "local")
    }
}
