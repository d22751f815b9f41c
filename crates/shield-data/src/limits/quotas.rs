//! Counts of quotas.

use shield_guard::{
    StoreError,
    limit::{QuotaCharge, QuotaStore},
};

use crate::{Database, SqlError, failure::of, sql::Statement};

const STORE: &str = "quotas";
/// One statement, so atomic on both databases: of two charges that race the second sees what the first added, because it waits
/// for the first's row and then looks at the condition again. A charge that is not granted changes nothing.
const ADD: &str = "INSERT INTO guard_quotas (account, feature, window_start, window_end, used)
    VALUES ($1, $2, $3, $4, $5)
    ON CONFLICT (account, feature, window_start, window_end)
    DO UPDATE SET used = guard_quotas.used + excluded.used WHERE guard_quotas.used + excluded.used <= $6
    RETURNING used";

/// Quotas, in a database.
#[derive(Clone, Debug)]
pub struct SqlQuotas(Database);

// === impl SqlQuotas ===

impl SqlQuotas {
    /// Kept in this database.
    pub fn new(database: Database) -> Self {
        Self(database)
    }

    async fn charge(&self, charge: QuotaCharge<'_>) -> Result<Option<u32>, SqlError> {
        // The first charge of a window meets no condition of the statement.
        if charge.cost > charge.units {
            return Ok(None);
        }
        let add = Statement::new(ADD)
            .with(charge.account)
            .with(charge.feature)
            .with(charge.window.start)
            .with(charge.window.end)
            .with(charge.cost)
            .with(charge.units);
        let row = self.0.write_returning(add).await?;
        row.map(|row| row.small_count("used")).transpose()
    }
}

impl QuotaStore for SqlQuotas {
    async fn add(&self, charge: QuotaCharge<'_>) -> Result<Option<u32>, StoreError> {
        self.charge(charge).await.map_err(of(STORE))
    }
}
