//! Tokens that work once.
//!
//! Taking a token deletes its row and returns it: of callers that race, one finds it. The table has one row per account and
//! purpose, which releases before this one rely on while both run; so a purpose has numbered places, and the first has the
//! purpose's own name. Who looks for a free place holds the account's lock.

use shield_guard::{
    StoreError,
    one_time::{Insertion, OPEN_TOKENS_MAX, OneTimeDigest, OneTimeRecord, OneTimeStore, Purpose},
};
use shield_types::Timestamp;

use crate::{
    Database, SqlError,
    failure::of,
    sql::{LockSpace, Row, Statement, Transaction},
};

const STORE: &str = "one-time tokens";
const CLEAR: &str = "DELETE FROM guard_one_time_tokens WHERE account = $1 AND expires_at <= $2";
const PLACES: &str = "SELECT purpose FROM guard_one_time_tokens WHERE account = $1";
const INSERT: &str = "INSERT INTO guard_one_time_tokens (digest, account, purpose, email, expires_at)
    VALUES ($1, $2, $3, $4, $5)";
const FIND: &str = "SELECT account, purpose, email, expires_at FROM guard_one_time_tokens WHERE digest = $1";
const CONSUME: &str =
    "DELETE FROM guard_one_time_tokens WHERE digest = $1 RETURNING account, purpose, email, expires_at";
const VOID: &str =
    "DELETE FROM guard_one_time_tokens WHERE account = $1 AND (purpose = $2 OR purpose LIKE $2 || ' %')";
const PURPOSES: [Purpose; 3] = [Purpose::EmailVerification, Purpose::PasswordReset, Purpose::EmailChange];

/// Tokens that work once, in a database.
#[derive(Clone, Debug)]
pub struct SqlOneTimeTokens(Database);

// === impl SqlOneTimeTokens ===

impl SqlOneTimeTokens {
    /// Kept in this database.
    pub fn new(database: Database) -> Self {
        Self(database)
    }

    async fn put(
        &self,
        digest: OneTimeDigest,
        record: OneTimeRecord,
        now: Timestamp,
    ) -> Result<Insertion, SqlError> {
        let mut transaction = self.0.begin().await?;
        transaction.lock(LockSpace::Account, record.account.uuid().as_bytes()).await?;
        transaction.execute(Statement::new(CLEAR).with(record.account).with(now)).await?;
        let taken = transaction.rows(Statement::new(PLACES).with(record.account)).await?;
        let taken = taken.iter().map(|row| row.get("purpose")).collect::<Result<Vec<String>, _>>()?;
        let mut places = (1..=OPEN_TOKENS_MAX).map(|number| place(record.purpose, number));
        let Some(place) = places.find(|place| !taken.contains(place)) else {
            transaction.abandon().await?;
            return Ok(Insertion::Full);
        };
        let insert = Statement::new(INSERT)
            .with(digest.as_bytes())
            .with(record.account)
            .with(place)
            .with(record.email)
            .with(record.expires_at);
        transaction.execute(insert).await?;
        transaction.commit().await?;
        Ok(Insertion::Kept)
    }

    async fn take(&self, digest: OneTimeDigest, now: Timestamp) -> Result<Option<OneTimeRecord>, SqlError> {
        let mut transaction = self.0.begin().await?;
        let taken = Self::consume_within(&mut transaction, digest, now).await?;
        transaction.commit().await?;
        Ok(taken)
    }

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
        let record = row.as_ref().map(record).transpose()?.filter(|record| now < record.expires_at);
        if let Some(record) = &record {
            let void = Statement::new(VOID).with(record.account).with(record.purpose.label());
            transaction.execute(void).await?;
        }
        Ok(record)
    }
}

impl OneTimeStore for SqlOneTimeTokens {
    async fn insert(
        &self,
        digest: OneTimeDigest,
        record: OneTimeRecord,
        now: Timestamp,
    ) -> Result<Insertion, StoreError> {
        self.put(digest, record, now).await.map_err(of(STORE))
    }

    async fn consume(
        &self,
        digest: OneTimeDigest,
        now: Timestamp,
    ) -> Result<Option<OneTimeRecord>, StoreError> {
        self.take(digest, now).await.map_err(of(STORE))
    }
}

/// What the row of an open token is called.
fn place(purpose: Purpose, number: u32) -> String {
    match number {
        1 => purpose.label().to_owned(),
        _ => format!("{} {number}", purpose.label()),
    }
}

fn record(row: &Row) -> Result<OneTimeRecord, SqlError> {
    let place: String = row.get("purpose")?;
    let label = place.split(' ').next().unwrap_or_default();
    let purpose = PURPOSES.into_iter().find(|purpose| purpose.label() == label);
    Ok(OneTimeRecord {
        account: row.account("account")?,
        purpose: purpose.ok_or(SqlError::Damaged { column: "purpose", expected: "a purpose" })?,
        email: row.get("email")?,
        expires_at: row.time("expires_at")?,
    })
}
