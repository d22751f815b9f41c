//! The keys that sign tokens.
//!
//! One row per issuer, replaced as a whole and only by its next revision: of several nodes that rotate at once one wins. What may
//! be known is JSON; the private part of each key is sealed, for this issuer and this key, before it goes anywhere.

use base64::{Engine, prelude::BASE64_STANDARD};
use serde::{Deserialize, Serialize};
use shield_guard::{
    StoreError,
    revocation::Revocation,
    token::{Exchange, KeyRecord, KeyStore, StoredKey, StoredRing},
};

use crate::{Database, MasterKeys, SqlError, credentials::append, failure::of, sql::Row, sql::Statement};

/// The form of the document that this program writes, and the only one it reads.
const VERSION: u32 = 1;
const STORE: &str = "signing keys";
const LOAD: &str = "SELECT revision, keys FROM guard_key_rings WHERE issuer = $1 AND revision > $2";
const FIRST: &str = "INSERT INTO guard_key_rings (issuer, revision, keys) VALUES ($1, $2, $3)
    ON CONFLICT (issuer) DO NOTHING";
const NEXT: &str =
    "UPDATE guard_key_rings SET revision = $2, keys = $3 WHERE issuer = $1 AND revision = $2 - 1";

/// The signing keys of one issuer, in a database.
#[derive(Clone, Debug)]
pub struct SqlKeys {
    database: Database,
    issuer: String,
    master_keys: MasterKeys,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Document {
    version: u32,
    keys: Vec<SealedKey>,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct SealedKey {
    record: KeyRecord,
    /// Base64.
    sealed: Option<String>,
}

// === impl SqlKeys ===

impl SqlKeys {
    /// Those of `issuer`, kept in this database, private parts under these keys.
    pub fn new(database: Database, issuer: String, master_keys: MasterKeys) -> Self {
        Self { database, issuer, master_keys }
    }

    /// Stores `ring` as [`KeyStore::replace`] does, and tells the log of revocations of the key that was killed in it: both, or
    /// neither. So whoever reads the entry finds this ring, or a later one.
    ///
    /// # Errors
    /// When the database does not take it.
    pub async fn replace_and_revoke(
        &self,
        ring: &StoredRing,
        entry: &Revocation,
    ) -> Result<Exchange, StoreError> {
        self.write_with(ring, entry).await.map_err(of(STORE))
    }

    /// The keys, if there are any of a later revision than this: a small question, where there are none.
    ///
    /// # Errors
    /// When the database does not answer, or holds something else.
    pub async fn load_newer(&self, revision: u64) -> Result<Option<StoredRing>, StoreError> {
        self.read(revision).await.map_err(of(STORE))
    }

    async fn read(&self, revision: u64) -> Result<Option<StoredRing>, SqlError> {
        let load = Statement::new(LOAD).with(self.issuer.as_str()).with(revision);
        let row = self.database.read_one(load).await?;
        row.as_ref().map(|row| self.ring(row)).transpose()
    }

    async fn write(&self, ring: &StoredRing) -> Result<Exchange, SqlError> {
        match self.database.write(self.replacement(ring)?).await? {
            0 => Ok(Exchange::Lost),
            _ => Ok(Exchange::Done),
        }
    }

    async fn write_with(&self, ring: &StoredRing, entry: &Revocation) -> Result<Exchange, SqlError> {
        let replacement = self.replacement(ring)?;
        let mut transaction = self.database.begin().await?;
        if transaction.execute(replacement).await? == 0 {
            transaction.abandon().await?;
            return Ok(Exchange::Lost);
        }
        append(&mut transaction, entry).await?;
        transaction.commit().await?;
        Ok(Exchange::Done)
    }

    fn replacement(&self, ring: &StoredRing) -> Result<Statement, SqlError> {
        let keys = ring.keys.iter().map(|key| self.seal(key)).collect::<Result<Vec<_>, _>>()?;
        let document = serde_json::to_vec(&Document { version: VERSION, keys }).map_err(document)?;
        let text = if ring.revision <= 1 { FIRST } else { NEXT };
        Ok(Statement::new(text).with(self.issuer.as_str()).with(ring.revision).with(document))
    }

    fn ring(&self, row: &Row) -> Result<StoredRing, SqlError> {
        let bytes: Vec<u8> = row.get("keys")?;
        let Document { version, keys } = serde_json::from_slice(&bytes).map_err(document)?;
        if version != VERSION {
            return Err(SqlError::Damaged { column: "keys", expected: "a document of version 1" });
        }
        let keys = keys.into_iter().map(|key| self.open(key)).collect::<Result<_, _>>()?;
        Ok(StoredRing { revision: row.count("revision")?, keys })
    }

    fn seal(&self, key: &StoredKey) -> Result<SealedKey, SqlError> {
        let seal = |secret| self.master_keys.seal(&self.context(&key.record), secret);
        let sealed = key.secret.as_ref().map(seal).transpose().map_err(document)?;
        Ok(SealedKey {
            record: key.record.clone(),
            sealed: sealed.map(|bytes| BASE64_STANDARD.encode(bytes)),
        })
    }

    fn open(&self, key: SealedKey) -> Result<StoredKey, SqlError> {
        let SealedKey { record, sealed } = key;
        let secret = match sealed {
            None => None,
            Some(text) => {
                let bytes = BASE64_STANDARD.decode(text).map_err(document)?;
                Some(self.master_keys.open(&self.context(&record), &bytes).map_err(document)?)
            }
        };
        Ok(StoredKey { record, secret })
    }

    fn context(&self, record: &KeyRecord) -> String {
        format!("signing key {} of {}", record.id, self.issuer)
    }
}

impl KeyStore for SqlKeys {
    async fn load(&self) -> Result<Option<StoredRing>, StoreError> {
        self.load_newer(0).await
    }

    async fn replace(&self, ring: &StoredRing) -> Result<Exchange, StoreError> {
        self.write(ring).await.map_err(of(STORE))
    }
}

fn document(source: impl Into<Box<dyn std::error::Error + Send + Sync>>) -> SqlError {
    SqlError::Document { column: "keys", source: source.into() }
}
