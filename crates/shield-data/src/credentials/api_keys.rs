//! API keys.
//!
//! Making a key counts the account's live ones, under the account's lock; a rotation counts those that live out their grace, and
//! ends the one before the old key. It is conditional on the old key having no successor, so two rotations of one key make one
//! successor. A key that is taken back stays as a row, marked, and leaves its
//! entry in the log of revocations in the same transaction.
//!
//! Changes are numbered by triggers (see the migration), from the one row of `guard_api_key_head`, which is locked after the
//! account and before the head of the log.

use shield_guard::{
    AccountId, ApiKeyId, StoreError,
    api_key::{
        ApiKeyChange, ApiKeyChangeNumber, ApiKeyDigest, ApiKeyPage, ApiKeyQuestion, ApiKeyRecord,
        ApiKeyStore, Environment, KeyLimit, KeyRotation, StoredApiKey, StoredRotation,
    },
    revocation::{LogEpoch, RevocationCause},
    session::ClientText,
};
use shield_types::Timestamp;

use super::revocations::append;
use crate::{
    Database, SqlError,
    failure::of,
    sql::{LockSpace, Row, Statement, Transaction},
};

const STORE: &str = "API keys";

const INSERT: &str =
    "INSERT INTO guard_api_keys (id, account, digest, name, hint, scopes, environment, created_at,
    expires_at, successor, last_used_at) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11)";
const COUNT: &str = "SELECT count(*) AS live FROM guard_api_keys
    WHERE account = $1 AND expires_at > $2 AND successor IS NULL AND revoked_at IS NULL";
const COUNT_REPLACED: &str = "SELECT count(*) AS live FROM guard_api_keys
    WHERE account = $1 AND expires_at > $2 AND successor IS NOT NULL AND revoked_at IS NULL";
const END_PREDECESSOR: &str = "UPDATE guard_api_keys SET expires_at = $3
    WHERE account = $1 AND successor = $2 AND expires_at > $3 AND revoked_at IS NULL
    RETURNING id, account, digest, name, hint, scopes, environment, created_at, expires_at, successor, last_used_at";
const REPLACE: &str = "UPDATE guard_api_keys SET successor = $3, expires_at = $4
    WHERE account = $1 AND id = $2 AND expires_at > $5 AND successor IS NULL AND revoked_at IS NULL";
const REVOKE: &str = "UPDATE guard_api_keys SET revoked_at = $3
    WHERE account = $1 AND id = $2 AND revoked_at IS NULL
    RETURNING id, account, digest, name, hint, scopes, environment, created_at, expires_at, successor, last_used_at";
const REVOKE_ALL: &str = "UPDATE guard_api_keys SET revoked_at = $2
    WHERE account = $1 AND expires_at > $2 AND revoked_at IS NULL
    RETURNING id, account, digest, name, hint, scopes, environment, created_at, expires_at, successor, last_used_at";
const OWNER: &str = "SELECT account FROM guard_api_keys WHERE id = $1";
const LIST: &str = "SELECT id, account, digest, name, hint, scopes, environment, created_at, expires_at, successor,
    last_used_at FROM guard_api_keys WHERE account = $1 AND expires_at > $2 AND revoked_at IS NULL ORDER BY id";
const TOUCH: &str = "UPDATE guard_api_keys SET last_used_at = $2
    WHERE id = $1 AND (last_used_at IS NULL OR last_used_at < $2)";
/// One statement, so one moment: head and keys belong together. Without keys there is one row, of the head.
const LIVING: &str = "SELECT state.epoch, head.last, page.*
    FROM guard_revocation_state AS state CROSS JOIN guard_api_key_head AS head LEFT JOIN
    (SELECT id, account, digest, name, hint, scopes, environment, created_at, expires_at, successor, last_used_at,
        revoked_at, changed FROM guard_api_keys
        WHERE changed > $1 AND expires_at > $3 AND revoked_at IS NULL ORDER BY changed LIMIT $2) AS page
    ON page.changed <= head.last
    ORDER BY page.changed";
const CHANGED: &str = "SELECT state.epoch, head.last, page.*
    FROM guard_revocation_state AS state CROSS JOIN guard_api_key_head AS head LEFT JOIN
    (SELECT id, account, digest, name, hint, scopes, environment, created_at, expires_at, successor, last_used_at,
        revoked_at, changed FROM guard_api_keys WHERE changed > $1 ORDER BY changed LIMIT $2) AS page
    ON page.changed <= head.last
    ORDER BY page.changed";

/// API keys, in a database.
#[derive(Clone, Debug)]
pub struct SqlApiKeys(Database);

// === impl SqlApiKeys ===

impl SqlApiKeys {
    /// Kept in this database.
    pub fn new(database: Database) -> Self {
        Self(database)
    }

    /// Takes back every key of an account that has not expired, within a transaction that holds the account's lock and has not
    /// told the log of revocations anything yet: the row that numbers changes of keys is locked before the log's, everywhere.
    ///
    /// # Errors
    /// When the database does not take it; then the transaction is over.
    pub async fn revoke_all_within(
        transaction: &mut Transaction,
        account: AccountId,
        cause: RevocationCause,
    ) -> Result<Vec<ApiKeyRecord>, SqlError> {
        let rows = transaction.rows(Statement::new(REVOKE_ALL).with(account).with(cause.at)).await?;
        let records: Vec<_> = rows.iter().map(record).collect::<Result<_, _>>()?;
        for record in &records {
            append(transaction, &record.revocation(cause.reason, cause.at)).await?;
        }
        Ok(records)
    }

    async fn take_all_back(
        &self,
        account: AccountId,
        cause: RevocationCause,
    ) -> Result<Vec<ApiKeyRecord>, SqlError> {
        let mut transaction = self.locked(account).await?;
        let records = Self::revoke_all_within(&mut transaction, account, cause).await?;
        transaction.commit().await?;
        Ok(records)
    }

    async fn owner_of(&self, key: ApiKeyId) -> Result<Option<AccountId>, SqlError> {
        let row = self.0.read_one(Statement::new(OWNER).with(key)).await?;
        row.map(|row| row.account("account")).transpose()
    }

    async fn locked(&self, account: AccountId) -> Result<Transaction, SqlError> {
        let mut transaction = self.0.begin().await?;
        transaction.lock(LockSpace::Account, account.uuid().as_bytes()).await?;
        Ok(transaction)
    }

    async fn keep(&self, record: &ApiKeyRecord, limit: KeyLimit) -> Result<StoredApiKey, SqlError> {
        let mut transaction = self.locked(record.account).await?;
        let count = Statement::new(COUNT).with(record.account).with(record.created_at);
        if live(&mut transaction, count).await? >= u64::from(limit.0) {
            transaction.abandon().await?;
            return Ok(StoredApiKey::LimitReached);
        }
        transaction.execute(insert(record)).await?;
        transaction.commit().await?;
        Ok(StoredApiKey::Kept)
    }

    async fn succeed(&self, rotation: &KeyRotation, limit: KeyLimit) -> Result<StoredRotation, SqlError> {
        let (old, successor) = (&rotation.replaced, &rotation.successor.record);
        let now = successor.created_at;
        let mut transaction = self.locked(old.account).await?;
        let end = Statement::new(END_PREDECESSOR).with(old.account).with(old.id).with(now);
        let ended = transaction.row(end).await?.map(|row| record(&row)).transpose()?;
        let count = Statement::new(COUNT_REPLACED).with(old.account).with(now);
        if live(&mut transaction, count).await? >= u64::from(limit.0) {
            transaction.abandon().await?;
            return Ok(StoredRotation::LimitReached);
        }
        let replace = Statement::new(REPLACE).with(old.account).with(old.id);
        let replace = replace.with(successor.id).with(old.expires_at).with(now);
        if transaction.execute(replace).await? == 0 {
            transaction.abandon().await?;
            return Ok(StoredRotation::Over);
        }
        transaction.execute(insert(successor)).await?;
        transaction.commit().await?;
        Ok(StoredRotation::Kept { ended })
    }

    async fn take_back(
        &self,
        account: AccountId,
        key: ApiKeyId,
        cause: RevocationCause,
    ) -> Result<Option<ApiKeyRecord>, SqlError> {
        let mut transaction = self.locked(account).await?;
        let revoke = Statement::new(REVOKE).with(account).with(key).with(cause.at);
        let Some(row) = transaction.row(revoke).await? else {
            transaction.abandon().await?;
            return Ok(None);
        };
        let record = record(&row)?;
        append(&mut transaction, &record.revocation(cause.reason, cause.at)).await?;
        transaction.commit().await?;
        Ok(Some(record))
    }

    async fn page(
        &self,
        question: ApiKeyQuestion,
        now: Timestamp,
        limit: usize,
    ) -> Result<ApiKeyPage, SqlError> {
        let limit = u64::try_from(limit).unwrap_or(u64::MAX);
        let statement = match question {
            ApiKeyQuestion::Living { after } => Statement::new(LIVING).with(after.0).with(limit).with(now),
            ApiKeyQuestion::Changed { after } => Statement::new(CHANGED).with(after.0).with(limit),
        };
        let rows = self.0.read(statement).await?;
        let first =
            rows.first().ok_or(SqlError::Damaged { column: "last", expected: "the head's one row" })?;
        let (epoch, head) = (LogEpoch(first.count("epoch")?), ApiKeyChangeNumber(first.count("last")?));
        let changes: Vec<_> =
            rows.iter().map(change).filter_map(Result::transpose).collect::<Result<_, _>>()?;
        let through = match changes.last() {
            Some((last, _)) if u64::try_from(changes.len()).is_ok_and(|count| count >= limit) => *last,
            Some(_) | None => head,
        };
        let changes = changes.into_iter().map(|(_, change)| change).collect();
        Ok(ApiKeyPage { epoch, head, through, changes })
    }

    async fn records(&self, statement: Statement) -> Result<Vec<ApiKeyRecord>, SqlError> {
        self.0.read(statement).await?.iter().map(record).collect()
    }
}

impl ApiKeyStore for SqlApiKeys {
    async fn create(&self, record: &ApiKeyRecord, limit: KeyLimit) -> Result<StoredApiKey, StoreError> {
        self.keep(record, limit).await.map_err(of(STORE))
    }

    async fn rotate(&self, rotation: &KeyRotation, limit: KeyLimit) -> Result<StoredRotation, StoreError> {
        self.succeed(rotation, limit).await.map_err(of(STORE))
    }

    async fn revoke(
        &self,
        account: AccountId,
        key: ApiKeyId,
        cause: RevocationCause,
    ) -> Result<Option<ApiKeyRecord>, StoreError> {
        self.take_back(account, key, cause).await.map_err(of(STORE))
    }

    async fn revoke_all(
        &self,
        account: AccountId,
        cause: RevocationCause,
    ) -> Result<Vec<ApiKeyRecord>, StoreError> {
        self.take_all_back(account, cause).await.map_err(of(STORE))
    }

    async fn owner(&self, key: ApiKeyId) -> Result<Option<AccountId>, StoreError> {
        self.owner_of(key).await.map_err(of(STORE))
    }

    async fn list(&self, account: AccountId, now: Timestamp) -> Result<Vec<ApiKeyRecord>, StoreError> {
        self.records(Statement::new(LIST).with(account).with(now)).await.map_err(of(STORE))
    }

    async fn touch(&self, key: ApiKeyId, used_at: Timestamp) -> Result<(), StoreError> {
        let touch = Statement::new(TOUCH).with(key).with(used_at);
        self.0.write(touch).await.map(drop).map_err(of(STORE))
    }

    async fn changes(
        &self,
        question: ApiKeyQuestion,
        now: Timestamp,
        limit: usize,
    ) -> Result<ApiKeyPage, StoreError> {
        self.page(question, now, limit).await.map_err(of(STORE))
    }
}

/// How many keys a statement counts; more than anybody may have where it answers nothing.
async fn live(transaction: &mut Transaction, count: Statement) -> Result<u64, SqlError> {
    transaction.row(count).await?.map_or(Ok(u64::MAX), |row| row.count("live"))
}

fn insert(record: &ApiKeyRecord) -> Statement {
    Statement::new(INSERT)
        .with(record.id)
        .with(record.account)
        .with(record.digest.as_bytes())
        .with(record.name.as_str())
        .with(record.hint.as_str())
        .with(record.scopes.cast_signed())
        .with(environment_name(record.environment))
        .with(record.created_at)
        .with(record.expires_at)
        .with(record.successor)
        .with(record.last_used_at)
}

/// The change of a row; none where there is only the head.
fn change(row: &Row) -> Result<Option<(ApiKeyChangeNumber, ApiKeyChange)>, SqlError> {
    let Some(number) = row.optional_count("changed")? else { return Ok(None) };
    let revoked = row.optional_time("revoked_at")?.is_some();
    Ok(Some((ApiKeyChangeNumber(number), ApiKeyChange { record: record(row)?, revoked })))
}

fn record(row: &Row) -> Result<ApiKeyRecord, SqlError> {
    Ok(ApiKeyRecord {
        id: row.api_key("id")?,
        account: row.account("account")?,
        digest: ApiKeyDigest::from_bytes(row.bytes32("digest")?),
        name: ClientText::cut(row.get::<String>("name")?.as_bytes()),
        hint: row.get("hint")?,
        scopes: row.get::<i64>("scopes")?.cast_unsigned(),
        environment: environment(&row.get::<String>("environment")?)?,
        created_at: row.time("created_at")?,
        expires_at: row.time("expires_at")?,
        successor: row.optional_api_key("successor")?,
        last_used_at: row.optional_time("last_used_at")?,
    })
}

fn environment_name(environment: Environment) -> &'static str {
    match environment {
        Environment::Live => "live",
        Environment::Test => "test",
    }
}

fn environment(name: &str) -> Result<Environment, SqlError> {
    match name {
        "live" => Ok(Environment::Live),
        "test" => Ok(Environment::Test),
        _ => Err(SqlError::Damaged { column: "environment", expected: "`live` or `test`" }),
    }
}
