//! Tokens that work once.
//!
//! Both operations are one statement. Taking a token deletes its row and returns it: of callers that race, one finds it.

use shield_guard::{
    StoreError,
    one_time::{OneTimeDigest, OneTimeRecord, OneTimeStore, Purpose},
};
use shield_types::Timestamp;

use crate::{
    Database, SqlError,
    failure::of,
    sql::{Row, Statement, Transaction},
};

const STORE: &str = "one-time tokens";
const INSERT: &str = "INSERT INTO guard_one_time_tokens (digest, account, purpose, email, expires_at)
    VALUES ($1, $2, $3, $4, $5) ON CONFLICT (account, purpose)
    DO UPDATE SET digest = excluded.digest, email = excluded.email, expires_at = excluded.expires_at";
const FIND: &str = "SELECT account, purpose, email, expires_at FROM guard_one_time_tokens WHERE digest = $1";
const CONSUME: &str =
    "DELETE FROM guard_one_time_tokens WHERE digest = $1 RETURNING account, purpose, email, expires_at";

/// Tokens that work once, in a database.
#[derive(Clone, Debug)]
pub struct SqlOneTimeTokens(Database);

// === impl SqlOneTimeTokens ===

impl SqlOneTimeTokens {
    /// Kept in this database.
    pub fn new(database: Database) -> Self {
        Self(database)
    }

    async fn take(&self, digest: OneTimeDigest, now: Timestamp) -> Result<Option<OneTimeRecord>, SqlError> {
        let row = self.0.write_returning(Statement::new(CONSUME).with(digest.as_bytes())).await?;
        let record = row.as_ref().map(record).transpose()?;
        Ok(record.filter(|record| now < record.expires_at))
    }
}

// === what happens with a token in one transaction ===

impl SqlOneTimeTokens {
    /// What a token that is open at `now` stands for, without taking it.
    ///
    /// # Errors
    /// When the database does not answer.
    pub async fn find(
        &self,
        digest: OneTimeDigest,
        now: Timestamp,
    ) -> Result<Option<OneTimeRecord>, StoreError> {
        let row = self.0.read_one(Statement::new(FIND).with(digest.as_bytes())).await;
        let record = row.and_then(|row| row.as_ref().map(record).transpose()).map_err(of(STORE))?;
        Ok(record.filter(|record| now < record.expires_at))
    }

    /// [`OneTimeStore::consume`] within a transaction: what it opens happens with it, or neither does.
    ///
    /// # Errors
    /// When the database does not answer.
    pub async fn consume_within(
        transaction: &mut Transaction,
        digest: OneTimeDigest,
        now: Timestamp,
    ) -> Result<Option<OneTimeRecord>, SqlError> {
        let row = transaction.row(Statement::new(CONSUME).with(digest.as_bytes())).await?;
        let record = row.as_ref().map(record).transpose()?;
        Ok(record.filter(|record| now < record.expires_at))
    }
}

impl OneTimeStore for SqlOneTimeTokens {
    async fn insert(&self, digest: OneTimeDigest, record: OneTimeRecord) -> Result<(), StoreError> {
        let insert = Statement::new(INSERT)
            .with(digest.as_bytes())
            .with(record.account)
            .with(record.purpose.label())
            .with(record.email)
            .with(record.expires_at);
        self.0.write(insert).await.map(drop).map_err(of(STORE))
    }

    async fn consume(
        &self,
        digest: OneTimeDigest,
        now: Timestamp,
    ) -> Result<Option<OneTimeRecord>, StoreError> {
        self.take(digest, now).await.map_err(of(STORE))
    }
}

fn record(row: &Row) -> Result<OneTimeRecord, SqlError> {
    let label: String = row.get("purpose")?;
    let purposes = [Purpose::EmailVerification, Purpose::PasswordReset, Purpose::EmailChange];
    let purpose = purposes.into_iter().find(|purpose| purpose.label() == label);
    Ok(OneTimeRecord {
        account: row.account("account")?,
        purpose: purpose.ok_or(SqlError::Damaged { column: "purpose", expected: "a purpose" })?,
        email: row.get("email")?,
        expires_at: row.time("expires_at")?,
    })
}
