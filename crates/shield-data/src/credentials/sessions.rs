//! Sessions.
//!
//! Whoever changes which sessions an account has holds the account's lock: counting and making cannot be interleaved. A session that
//! ends takes its family of refresh tokens with it and leaves its entry in the log of revocations, all in one transaction.

use std::{net::IpAddr, time::Duration};

use shield_guard::{
    AccountId, SessionId, StoreError,
    revocation::{Revocation, RevocationCause, RevocationReason, Revoked},
    session::{
        CACHED_SESSION_AGE_MAX, ClientText, SessionDigest, SessionLimit, SessionRecord, SessionState,
        SessionStore,
    },
    token::ACCESS_TOKEN_LIFETIME_MAX,
};
use shield_types::Timestamp;

use super::revocations::append;
use crate::{
    Database, SqlError,
    failure::of,
    sql::{LockSpace, Row, Statement, Transaction},
};

const STORE: &str = "sessions";

const INSERT: &str =
    "INSERT INTO guard_sessions (id, account, digest, created_at, authenticated_at, last_seen_at,
    expires_at, idle_ms, address, user_agent, device) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11)";
const FIND: &str =
    "SELECT id AS session_id, account AS session_account, digest, created_at AS session_created_at, authenticated_at, last_seen_at, expires_at, idle_ms,
    address, user_agent, device FROM guard_sessions WHERE digest = $1";
/// An account has few: its limit, and those that went unused and wait to be pruned.
const OF_ACCOUNT: &str =
    "SELECT id AS session_id, account AS session_account, digest, created_at AS session_created_at, authenticated_at, last_seen_at, expires_at, idle_ms,
    address, user_agent, device FROM guard_sessions WHERE account = $1 AND expires_at > $2 ORDER BY id";
const TOUCH: &str = "UPDATE guard_sessions SET last_seen_at = $2 WHERE id = $1 AND last_seen_at < $2";
const END: &str = "DELETE FROM guard_sessions WHERE account = $1 AND id = $2";
/// Not those that expired: pruning, which knows no order, locks only rows that nobody else does.
const ALL: &str = "SELECT id FROM guard_sessions WHERE account = $1 AND expires_at > $2 ORDER BY id";
const END_FAMILY: &str = "UPDATE guard_refresh_families SET revoked_at = $2, revision = revision + 1
    WHERE session = $1 AND revoked_at IS NULL";

/// For how long something may outlive the row of its session: the last access token that it was given, or what a node has near.
/// Both come to their end by themselves, so the log need not remember any longer, however long the session would have lived.
const OUTLIVED_FOR: Duration = longer(ACCESS_TOKEN_LIFETIME_MAX, CACHED_SESSION_AGE_MAX);

/// Sessions, in a database.
#[derive(Clone, Debug)]
pub struct SqlSessions(Database);

/// A session that began.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BegunSession {
    /// The session in whose place it is, which ended.
    pub replaced: Option<SessionId>,
    /// Those that ended because the account may not have as many.
    pub displaced: Vec<SessionId>,
}

/// How a session comes to its end.
struct Ending {
    account: AccountId,
    cause: RevocationCause,
}

// === impl SqlSessions ===

impl SqlSessions {
    /// Kept in this database.
    pub fn new(database: Database) -> Self {
        Self(database)
    }

    /// Reads a session out of a row of an application's own query, which calls its id `session_id`, its account
    /// `session_account`, its beginning `session_created_at`, and all else as the table does.
    ///
    /// # Errors
    /// When a column is missing or holds something else.
    pub fn read(row: &Row) -> Result<SessionRecord, SqlError> {
        record(row)
    }

    async fn locked(&self, account: AccountId) -> Result<Transaction, SqlError> {
        let mut transaction = self.0.begin().await?;
        transaction.lock(LockSpace::Account, account.uuid().as_bytes()).await?;
        Ok(transaction)
    }

    /// [`SessionStore::create`] within a transaction that holds the account's lock, as the last thing in it; in the place of the
    /// session under the digest `replaced`, if that is a live one of the same account (ASVS 5.0, 7.2.4).
    ///
    /// # Errors
    /// When the database does not take it.
    pub async fn create_within(
        transaction: &mut Transaction,
        record: &SessionRecord,
        limit: SessionLimit,
        replaced: Option<SessionDigest>,
    ) -> Result<BegunSession, SqlError> {
        let (account, now) = (record.account, record.created_at);
        let rows = transaction.rows(of_account(account, now)).await?;
        let mut live = live(&rows, now)?;
        let place = live.iter().position(|session| Some(session.digest) == replaced);
        let replaced = place.map(|place| live.remove(place).id);
        let displaced = limit.ends_for_one_more(&live);
        transaction.execute(insert(record)).await?;
        let ends = replaced.iter().map(|id| (id, RevocationReason::Rotation));
        let ends = ends.chain(displaced.iter().map(|id| (id, RevocationReason::SessionLimit)));
        for (id, reason) in ends {
            let ending = Ending { account, cause: RevocationCause { reason, at: now } };
            ending.end(transaction, *id).await?;
        }
        Ok(BegunSession { replaced, displaced })
    }

    /// [`SessionStore::end_all`] within a transaction that holds the account's lock, as the last thing in it.
    ///
    /// # Errors
    /// When the database does not take it.
    pub async fn end_all_within(
        transaction: &mut Transaction,
        account: AccountId,
        spared: Option<SessionId>,
        cause: RevocationCause,
    ) -> Result<Vec<SessionId>, SqlError> {
        Ending { account, cause }.end_some(transaction, |present| Some(present) != spared).await
    }

    async fn begin(&self, record: &SessionRecord, limit: SessionLimit) -> Result<Vec<SessionId>, SqlError> {
        let mut transaction = self.locked(record.account).await?;
        let begun = Self::create_within(&mut transaction, record, limit, None).await?;
        transaction.commit().await?;
        Ok(begun.displaced)
    }

    async fn succeed(&self, old: SessionId, record: &SessionRecord) -> Result<bool, SqlError> {
        let mut transaction = self.locked(record.account).await?;
        let cause = RevocationCause { reason: RevocationReason::Rotation, at: record.created_at };
        let ending = Ending { account: record.account, cause };
        if !ending.end(&mut transaction, old).await? {
            transaction.abandon().await?;
            return Ok(false);
        }
        transaction.execute(insert(record)).await?;
        transaction.commit().await?;
        Ok(true)
    }

    async fn end_some(
        &self,
        ending: Ending,
        choose: impl Fn(SessionId) -> bool,
    ) -> Result<Vec<SessionId>, SqlError> {
        let mut transaction = self.locked(ending.account).await?;
        let ended = ending.end_some(&mut transaction, choose).await?;
        transaction.commit().await?;
        Ok(ended)
    }
}

impl SessionStore for SqlSessions {
    async fn create(
        &self,
        record: &SessionRecord,
        limit: SessionLimit,
    ) -> Result<Vec<SessionId>, StoreError> {
        self.begin(record, limit).await.map_err(of(STORE))
    }

    async fn replace(&self, old: SessionId, record: &SessionRecord) -> Result<bool, StoreError> {
        self.succeed(old, record).await.map_err(of(STORE))
    }

    async fn find(&self, digest: SessionDigest) -> Result<Option<SessionRecord>, StoreError> {
        let find = Statement::new(FIND).with(digest.as_bytes());
        let row = self.0.read_one(find).await.map_err(of(STORE))?;
        row.as_ref().map(record).transpose().map_err(of(STORE))
    }

    async fn touch(&self, id: SessionId, seen_at: Timestamp) -> Result<(), StoreError> {
        let touch = Statement::new(TOUCH).with(id).with(seen_at);
        self.0.write(touch).await.map(drop).map_err(of(STORE))
    }

    async fn list(&self, account: AccountId, now: Timestamp) -> Result<Vec<SessionRecord>, StoreError> {
        let rows = self.0.read(of_account(account, now)).await.map_err(of(STORE))?;
        live(&rows, now).map_err(of(STORE))
    }

    async fn end(
        &self,
        account: AccountId,
        id: SessionId,
        cause: RevocationCause,
    ) -> Result<bool, StoreError> {
        let ending = Ending { account, cause };
        let ended = self.end_some(ending, |present| present == id).await.map_err(of(STORE))?;
        Ok(!ended.is_empty())
    }

    async fn end_all(
        &self,
        account: AccountId,
        spared: Option<SessionId>,
        cause: RevocationCause,
    ) -> Result<Vec<SessionId>, StoreError> {
        let ending = Ending { account, cause };
        self.end_some(ending, |present| Some(present) != spared).await.map_err(of(STORE))
    }
}

// === impl Ending ===

impl Ending {
    async fn end_some(
        &self,
        transaction: &mut Transaction,
        choose: impl Fn(SessionId) -> bool,
    ) -> Result<Vec<SessionId>, SqlError> {
        let all = Statement::new(ALL).with(self.account).with(self.cause.at);
        let rows = transaction.rows(all).await?;
        let ids = rows.iter().map(|row| row.session("id")).collect::<Result<Vec<_>, _>>()?;
        let mut ended = Vec::new();
        for id in ids.into_iter().filter(|id| choose(*id)) {
            if self.end(transaction, id).await? {
                ended.push(id);
            }
        }
        Ok(ended)
    }

    /// False if the account has no such session.
    async fn end(&self, transaction: &mut Transaction, id: SessionId) -> Result<bool, SqlError> {
        let end = Statement::new(END).with(self.account).with(id);
        if transaction.execute(end).await? == 0 {
            return Ok(false);
        }
        let RevocationCause { reason, at } = self.cause;
        transaction.execute(Statement::new(END_FAMILY).with(id).with(at)).await?;
        let entry = Revocation {
            revoked: Revoked::Session { session: id },
            reason,
            revoked_at: at,
            expires_at: at.after(OUTLIVED_FOR),
        };
        append(transaction, &entry).await?;
        Ok(true)
    }
}

const fn longer(one: Duration, other: Duration) -> Duration {
    if one.as_millis() > other.as_millis() { one } else { other }
}

fn insert(record: &SessionRecord) -> Statement {
    Statement::new(INSERT)
        .with(record.id)
        .with(record.account)
        .with(record.digest.as_bytes())
        .with(record.created_at)
        .with(record.authenticated_at)
        .with(record.last_seen_at)
        .with(record.expires_at)
        .with(u64::try_from(record.idle.as_millis()).unwrap_or(u64::MAX))
        .with(record.address.to_string())
        .with(record.user_agent.as_str())
        .with(record.device.as_str())
}

fn of_account(account: AccountId, now: Timestamp) -> Statement {
    Statement::new(OF_ACCOUNT).with(account).with(now)
}

fn live(rows: &[Row], now: Timestamp) -> Result<Vec<SessionRecord>, SqlError> {
    let mut records = rows.iter().map(record).collect::<Result<Vec<_>, _>>()?;
    records.retain(|record| record.state(now) == SessionState::Live);
    Ok(records)
}

fn record(row: &Row) -> Result<SessionRecord, SqlError> {
    let address: String = row.get("address")?;
    let address: IpAddr =
        address.parse().map_err(|_| SqlError::Damaged { column: "address", expected: "an IP address" })?;
    Ok(SessionRecord {
        id: row.session("session_id")?,
        account: row.account("session_account")?,
        digest: SessionDigest::from_bytes(row.bytes32("digest")?),
        created_at: row.time("session_created_at")?,
        authenticated_at: row.time("authenticated_at")?,
        last_seen_at: row.time("last_seen_at")?,
        expires_at: row.time("expires_at")?,
        idle: Duration::from_millis(row.count("idle_ms")?),
        address,
        user_agent: ClientText::cut(row.get::<String>("user_agent")?.as_bytes()),
        device: ClientText::cut(row.get::<String>("device")?.as_bytes()),
    })
}
