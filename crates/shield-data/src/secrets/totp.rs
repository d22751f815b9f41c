//! The last accepted step of each account's authenticator.

use shield_guard::{
    AccountId, StoreError,
    totp::{StepAcceptance, TotpStep, TotpStepStore},
};

use crate::{Database, failure::of, sql::Statement};

const STORE: &str = "TOTP steps";
/// One statement: the second of two that race waits for the first's row, and then its own step is not later.
const ACCEPT: &str = "INSERT INTO guard_totp_steps (account, last_step) VALUES ($1, $2)
    ON CONFLICT (account) DO UPDATE SET last_step = excluded.last_step
    WHERE guard_totp_steps.last_step < excluded.last_step";

/// Last accepted steps, in a database.
#[derive(Clone, Debug)]
pub struct SqlTotpSteps(Database);

// === impl SqlTotpSteps ===

impl SqlTotpSteps {
    /// Kept in this database.
    pub fn new(database: Database) -> Self {
        Self(database)
    }
}

impl TotpStepStore for SqlTotpSteps {
    async fn accept(&self, account: AccountId, step: TotpStep) -> Result<StepAcceptance, StoreError> {
        let accept = Statement::new(ACCEPT).with(account).with(step.0);
        match self.0.write(accept).await.map_err(of(STORE))? {
            0 => Ok(StepAcceptance::Replayed),
            _ => Ok(StepAcceptance::Accepted),
        }
    }
}
