//! Families of refresh tokens.
//!
//! Every change is one statement with the revision in its condition. On PostgreSQL the second of two that race waits for the
//! first's row and then looks at the condition again (READ COMMITTED); on SQLite one comes first. Either way one wins.

use shield_guard::{
    AccountId, SessionId, StoreError,
    token::{Exchange, RefreshFamily, RefreshRotation, RefreshStore},
};
use shield_types::Timestamp;

use crate::{
    Database, SqlError,
    failure::of,
    sql::{Row, Statement, Transaction},
};

const STORE: &str = "refresh tokens";
const INSERT: &str =
    "INSERT INTO guard_refresh_families (session, account, began_at, ends_at, revision, current,
    number, used, rotated_at, salt, revoked_at) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11)
    ON CONFLICT (session) DO NOTHING";
const BEGUN: &str = "SELECT began_at FROM guard_refresh_families WHERE account = $1 AND began_at > $2
    ORDER BY began_at DESC LIMIT $3";
const LOAD: &str =
    "SELECT session, account, began_at, ends_at, revision, current, number, used, rotated_at, salt,
    revoked_at FROM guard_refresh_families WHERE session = $1";
const REPLACE: &str =
    "UPDATE guard_refresh_families SET account = $2, began_at = $3, ends_at = $4, revision = $5,
    current = $6, number = $7, used = $8, rotated_at = $9, salt = $10, revoked_at = $11
    WHERE session = $1 AND revision = $5 - 1";

/// Families of refresh tokens, in a database.
#[derive(Clone, Debug)]
pub struct SqlRefreshFamilies(Database);

// === impl SqlRefreshFamilies ===

impl SqlRefreshFamilies {
    /// Kept in this database.
    pub fn new(database: Database) -> Self {
        Self(database)
    }

    /// [`RefreshStore::insert`] within a transaction.
    ///
    /// # Errors
    /// When the database does not take it.
    pub async fn insert_within(
        transaction: &mut Transaction,
        family: &RefreshFamily,
    ) -> Result<Exchange, SqlError> {
        Ok(exchanged(transaction.execute(all_of(INSERT, family)).await?))
    }

    /// When the last families of an account after `since` began, the newest first, at most `count`: its log-ins, whether or not
    /// their sessions live. Within a transaction that holds the account's lock nobody adds one meanwhile.
    ///
    /// # Errors
    /// When the database does not answer.
    pub async fn begun_within(
        transaction: &mut Transaction,
        account: AccountId,
        since: Timestamp,
        count: usize,
    ) -> Result<Vec<Timestamp>, SqlError> {
        let count = u64::try_from(count).unwrap_or(u64::MAX);
        let begun = Statement::new(BEGUN).with(account).with(since).with(count);
        transaction.rows(begun).await?.iter().map(|row| row.time("began_at")).collect()
    }

    async fn exchange(&self, text: &'static str, family: &RefreshFamily) -> Result<Exchange, StoreError> {
        Ok(exchanged(self.0.write(all_of(text, family)).await.map_err(of(STORE))?))
    }
}

impl RefreshStore for SqlRefreshFamilies {
    async fn insert(&self, family: &RefreshFamily) -> Result<Exchange, StoreError> {
        self.exchange(INSERT, family).await
    }

    async fn load(&self, session: SessionId) -> Result<Option<RefreshFamily>, StoreError> {
        // From where it is written: a replica behind would show a token as unused.
        let row = self.0.write_returning(Statement::new(LOAD).with(session)).await.map_err(of(STORE))?;
        row.as_ref().map(family).transpose().map_err(of(STORE))
    }

    async fn replace(&self, next: &RefreshFamily) -> Result<Exchange, StoreError> {
        self.exchange(REPLACE, next).await
    }
}

fn exchanged(rows: u64) -> Exchange {
    if rows == 0 { Exchange::Lost } else { Exchange::Done }
}

fn all_of(text: &'static str, family: &RefreshFamily) -> Statement {
    let rotation = family.rotation.as_ref();
    Statement::new(text)
        .with(family.session)
        .with(family.account)
        .with(family.began_at)
        .with(family.ends_at)
        .with(family.revision)
        .with(family.current.as_bytes())
        .with(rotation.map(|rotation| rotation.number))
        .with(rotation.map(|rotation| rotation.used.as_bytes()))
        .with(rotation.map(|rotation| rotation.at))
        .with(rotation.map(|rotation| &rotation.salt))
        .with(family.revoked_at)
}

fn family(row: &Row) -> Result<RefreshFamily, SqlError> {
    let rotation = match row.optional_count("number")? {
        None => None,
        Some(number) => Some(RefreshRotation {
            number,
            used: row.digest("used")?,
            at: row.time("rotated_at")?,
            salt: row.bytes32("salt")?,
        }),
    };
    Ok(RefreshFamily {
        session: row.session("session")?,
        account: row.account("account")?,
        began_at: row.time("began_at")?,
        ends_at: row.time("ends_at")?,
        revision: row.count("revision")?,
        current: row.digest("current")?,
        rotation,
        revoked_at: row.optional_time("revoked_at")?,
    })
}
