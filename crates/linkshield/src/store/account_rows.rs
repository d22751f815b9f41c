//! Rows of `accounts`, and their way into the model.

use shield_data::{Row, SqlError};
use shield_guard::AccountId;
use shield_types::{Secret, Timestamp};
use uuid::Uuid;

use super::{
    account_model::{Account, AccountStatus, Profile, Role, Totp},
    error::StoreError,
    rows::{fact, known},
};

/// A row, column for column.
struct AccountRow {
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
    generation: i64,
}

/// A row as an account.
pub(super) fn account(row: Row) -> Result<Account, StoreError> {
    AccountRow::read(&row).map_err(StoreError::during("read account"))?.try_into()
}

impl AccountRow {
    fn read(row: &Row) -> Result<Self, SqlError> {
        let profile = Profile {
            username: row.get("username")?,
            first_name: row.get("first_name")?,
            last_name: row.get("last_name")?,
            avatar_url: row.get("avatar_url")?,
            company: row.get("company")?,
            timezone: row.get("timezone")?,
            language: row.get("language")?,
            marketing_consent: fact(row, "marketing_consent")?,
        };
        Ok(Self {
            id: row.get("id")?,
            email: row.get("email")?,
            email_key: row.get("email_key")?,
            profile,
            password: Secret::new(row.get("password")?),
            role: row.get("role")?,
            status: row.get("status")?,
            locked_at: row.get("locked_at")?,
            plan: row.get("plan")?,
            created_at: row.get("created_at")?,
            updated_at: row.get("updated_at")?,
            last_login_at: row.get("last_login_at")?,
            email_verified_at: row.get("email_verified_at")?,
            totp_secret: row.get("totp_secret")?,
            totp_since: row.get("totp_since")?,
            generation: row.get("generation")?,
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
            generation: u64::try_from(row.generation)
                .map_err(|_| StoreError::Value { column: "generation", value: row.generation.to_string() })?,
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
