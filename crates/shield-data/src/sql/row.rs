//! A row of either database, read by the names of its columns.

use shield_guard::{AccountId, ApiKeyId, SessionId};
use shield_types::{Sha256Digest, Timestamp};
use sqlx::{Decode, Postgres, Row as _, Sqlite, Type, postgres::PgRow, sqlite::SqliteRow};
use uuid::Uuid;

use super::SqlError;

/// A row.
#[derive(Debug)]
pub struct Row(Either);

#[derive(Debug)]
enum Either {
    Sqlite(SqliteRow),
    Postgres(PgRow),
}

// === impl Row ===

impl Row {
    pub(super) fn sqlite(row: SqliteRow) -> Self {
        Self(Either::Sqlite(row))
    }

    pub(super) fn postgres(row: PgRow) -> Self {
        Self(Either::Postgres(row))
    }

    /// A column as the database has it: `i64`, `String`, `Vec<u8>`, or an option of these.
    ///
    /// # Errors
    /// When there is no such column, or it holds something else.
    pub fn get<T>(&self, column: &'static str) -> Result<T, SqlError>
    where
        T: for<'row> Decode<'row, Sqlite> + Type<Sqlite>,
        T: for<'row> Decode<'row, Postgres> + Type<Postgres>,
    {
        Ok(match &self.0 {
            Either::Sqlite(row) => row.try_get(column)?,
            Either::Postgres(row) => row.try_get(column)?,
        })
    }

    /// A count.
    pub(crate) fn count(&self, column: &'static str) -> Result<u64, SqlError> {
        let number: i64 = self.get(column)?;
        u64::try_from(number).map_err(|_| SqlError::Damaged { column, expected: "a count" })
    }

    /// A count that fits 32 bits; more is as good as the most.
    pub(crate) fn small_count(&self, column: &'static str) -> Result<u32, SqlError> {
        Ok(u32::try_from(self.count(column)?).unwrap_or(u32::MAX))
    }

    /// A count, or nothing.
    pub(crate) fn optional_count(&self, column: &'static str) -> Result<Option<u64>, SqlError> {
        let number: Option<i64> = self.get(column)?;
        let count = number.map(u64::try_from).transpose();
        count.map_err(|_| SqlError::Damaged { column, expected: "a count" })
    }

    /// A moment.
    pub(crate) fn time(&self, column: &'static str) -> Result<Timestamp, SqlError> {
        self.count(column).map(Timestamp)
    }

    /// A moment, or nothing.
    pub(crate) fn optional_time(&self, column: &'static str) -> Result<Option<Timestamp>, SqlError> {
        Ok(self.optional_count(column)?.map(Timestamp))
    }

    /// 32 bytes.
    pub(crate) fn bytes32(&self, column: &'static str) -> Result<[u8; 32], SqlError> {
        exact(column, self.get(column)?)
    }

    /// A digest.
    pub(crate) fn digest(&self, column: &'static str) -> Result<Sha256Digest, SqlError> {
        self.bytes32(column).map(Sha256Digest::from_bytes)
    }

    /// An account's id.
    pub(crate) fn account(&self, column: &'static str) -> Result<AccountId, SqlError> {
        uuid(column, &self.get::<Vec<u8>>(column)?).map(AccountId::from_uuid)
    }

    /// A session's id.
    pub(crate) fn session(&self, column: &'static str) -> Result<SessionId, SqlError> {
        uuid(column, &self.get::<Vec<u8>>(column)?).map(SessionId::from_uuid)
    }

    /// An API key's id.
    pub(crate) fn api_key(&self, column: &'static str) -> Result<ApiKeyId, SqlError> {
        uuid(column, &self.get::<Vec<u8>>(column)?).map(ApiKeyId::from_uuid)
    }

    /// An API key's id, or nothing.
    pub(crate) fn optional_api_key(&self, column: &'static str) -> Result<Option<ApiKeyId>, SqlError> {
        let bytes: Option<Vec<u8>> = self.get(column)?;
        bytes.map(|bytes| uuid(column, &bytes).map(ApiKeyId::from_uuid)).transpose()
    }
}

fn exact(column: &'static str, bytes: Vec<u8>) -> Result<[u8; 32], SqlError> {
    bytes.try_into().map_err(|_| SqlError::Damaged { column, expected: "32 bytes" })
}

fn uuid(column: &'static str, bytes: &[u8]) -> Result<Uuid, SqlError> {
    Uuid::from_slice(bytes).map_err(|_| SqlError::Damaged { column, expected: "the 16 bytes of an id" })
}
