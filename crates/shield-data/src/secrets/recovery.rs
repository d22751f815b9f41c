//! Recovery codes.
//!
//! Both operations hold the account's lock: how many are left after one was taken is counted in the same transaction, and a new
//! set replaces the old one as a whole.

use shield_guard::{
    AccountId, StoreError,
    totp::{RECOVERY_CODES, RecoveryCodeDigest, RecoveryCodeStore},
};

use crate::{
    Database, SqlError,
    failure::of,
    sql::{LockSpace, Statement, Transaction},
};

const STORE: &str = "recovery codes";
const CLEAR: &str = "DELETE FROM guard_recovery_codes WHERE account = $1";
const INSERT: &str = "INSERT INTO guard_recovery_codes (account, digest) VALUES ($1, $2)";
const CONSUME: &str = "DELETE FROM guard_recovery_codes WHERE account = $1 AND digest = $2";
/// Not more than a set has.
const COUNT: &str = "SELECT count(*) AS unused FROM guard_recovery_codes WHERE account = $1";

/// Recovery codes, in a database.
#[derive(Clone, Debug)]
pub struct SqlRecoveryCodes(Database);

// === impl SqlRecoveryCodes ===

impl SqlRecoveryCodes {
    /// Kept in this database.
    pub fn new(database: Database) -> Self {
        Self(database)
    }

    async fn locked(&self, account: AccountId) -> Result<Transaction, SqlError> {
        let mut transaction = self.0.begin().await?;
        transaction.lock(LockSpace::Account, account.uuid().as_bytes()).await?;
        Ok(transaction)
    }

    /// [`RecoveryCodeStore::replace`] within a transaction that holds the account's lock.
    ///
    /// # Errors
    /// When the database does not take it.
    pub async fn replace_within(
        transaction: &mut Transaction,
        account: AccountId,
        digests: &[RecoveryCodeDigest; RECOVERY_CODES],
    ) -> Result<(), SqlError> {
        transaction.execute(Statement::new(CLEAR).with(account)).await?;
        for digest in digests {
            transaction.execute(Statement::new(INSERT).with(account).with(digest.as_bytes())).await?;
        }
        Ok(())
    }

    async fn put(
        &self,
        account: AccountId,
        digests: &[RecoveryCodeDigest; RECOVERY_CODES],
    ) -> Result<(), SqlError> {
        let mut transaction = self.locked(account).await?;
        Self::replace_within(&mut transaction, account, digests).await?;
        transaction.commit().await
    }

    async fn take(&self, account: AccountId, digest: RecoveryCodeDigest) -> Result<Option<usize>, SqlError> {
        let mut transaction = self.locked(account).await?;
        let consume = Statement::new(CONSUME).with(account).with(digest.as_bytes());
        if transaction.execute(consume).await? == 0 {
            transaction.abandon().await?;
            return Ok(None);
        }
        let row = transaction.row(Statement::new(COUNT).with(account)).await?;
        let unused = row.map_or(Ok(0), |row| row.count("unused"))?;
        transaction.commit().await?;
        Ok(Some(usize::try_from(unused).unwrap_or(usize::MAX)))
    }
}

impl RecoveryCodeStore for SqlRecoveryCodes {
    async fn replace(
        &self,
        account: AccountId,
        digests: [RecoveryCodeDigest; RECOVERY_CODES],
    ) -> Result<(), StoreError> {
        self.put(account, &digests).await.map_err(of(STORE))
    }

    async fn consume(
        &self,
        account: AccountId,
        digest: RecoveryCodeDigest,
    ) -> Result<Option<usize>, StoreError> {
        self.take(account, digest).await.map_err(of(STORE))
    }
}
