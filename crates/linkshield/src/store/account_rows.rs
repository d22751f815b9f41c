//! Rows of `accounts`, and their way into the model.

use shield_guard::AccountId;
use shield_types::{Secret, Timestamp};
use sqlx::{FromRow, Row, sqlite::SqliteRow};
use uuid::Uuid;

use super::{
    account_model::{Account, AccountStatus, Profile, Role, Totp},
    error::StoreError,
    rows::known,
};

/// A row, column for column.
pub(super) struct AccountRow {
    id: Vec<u8>,
    email: String,
    email_key: String,
    profile: Profile,
    password: Secret<String>,
    role: String,
    status: String,
    locked_at: Option<i64>,
    plan: String,
    created_at: i64,
    updated_at: i64,
    last_login_at: Option<i64>,
    email_verified_at: Option<i64>,
    totp_secret: Option<Vec<u8>>,
    totp_since: Option<i64>,
}

impl FromRow<'_, SqliteRow> for AccountRow {
    fn from_row(row: &SqliteRow) -> sqlx::Result<Self> {
        let profile = Profile {
            username: row.try_get("username")?,
            first_name: row.try_get("first_name")?,
            last_name: row.try_get("last_name")?,
            avatar_url: row.try_get("avatar_url")?,
            company: row.try_get("company")?,
            timezone: row.try_get("timezone")?,
            language: row.try_get("language")?,
            marketing_consent: row.try_get("marketing_consent")?,
        };
        Ok(Self {
            id: row.try_get("id")?,
            email: row.try_get("email")?,
            email_key: row.try_get("email_key")?,
            profile,
            password: Secret::new(row.try_get("password")?),
            role: row.try_get("role")?,
            status: row.try_get("status")?,
            locked_at: row.try_get("locked_at")?,
            plan: row.try_get("plan")?,
            created_at: row.try_get("created_at")?,
            updated_at: row.try_get("updated_at")?,
            last_login_at: row.try_get("last_login_at")?,
            email_verified_at: row.try_get("email_verified_at")?,
            totp_secret: row.try_get("totp_secret")?,
            totp_since: row.try_get("totp_since")?,
        })
    }
}

impl TryFrom<AccountRow> for Account {
    type Error = StoreError;

    fn try_from(row: AccountRow) -> Result<Self, StoreError> {
        let since = row.totp_since.map(|at| moment("totp_since", at)).transpose()?;
        Ok(Self {
            totp: row.totp_secret.map(|sealed| Totp { sealed, since }),
            id: account_id(&row.id)?,
            email: row.email,
            email_key: row.email_key,
            profile: row.profile,
            password: row.password,
            role: known("role", row.role, Role::from_name)?,
            status: known("status", row.status, AccountStatus::from_name)?,
            locked_at: row.locked_at.map(|at| moment("locked_at", at)).transpose()?,
            plan: known("plan", row.plan, |name| name.parse().ok())?,
            created_at: moment("created_at", row.created_at)?,
            updated_at: moment("updated_at", row.updated_at)?,
            last_login_at: row.last_login_at.map(|at| moment("last_login_at", at)).transpose()?,
            email_verified_at: row.email_verified_at.map(|at| moment("email_verified_at", at)).transpose()?,
        })
    }
}

/// An id as the database has it, read.
pub(super) fn account_id(bytes: &[u8]) -> Result<AccountId, StoreError> {
    let uuid = Uuid::from_slice(bytes)
        .map_err(|_| StoreError::Value { column: "id", value: format!("{} bytes", bytes.len()) })?;
    Ok(AccountId::from_uuid(uuid))
}

fn moment(column: &'static str, value_ms: i64) -> Result<Timestamp, StoreError> {
    u64::try_from(value_ms)
        .map(Timestamp)
        .map_err(|_| StoreError::Value { column, value: value_ms.to_string() })
}

/// A time as the database has it.
pub(super) fn milliseconds(moment: Timestamp) -> i64 {
    i64::try_from(moment.0).unwrap_or(i64::MAX)
}

/// An id as the database has it.
pub(super) fn id_bytes(id: AccountId) -> Vec<u8> {
    id.uuid().as_bytes().to_vec()
}
