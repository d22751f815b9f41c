//! Storing and finding accounts.
//!
//! Writes go through the durable connection: an acknowledged password outlives a power cut. Each is one statement, so of two
//! at once one happens first. What changes credentials too is in [`super::AccountChange`].

use shield_data::{Row, Statement};
use shield_guard::AccountId;
use shield_types::{Secret, Timestamp};

use super::{
    account_model::{Account, NewAccount, ProfileChange},
    account_rows::account,
    error::StoreError,
    open::Store,
};

/// The columns of an account, in any order.
macro_rules! columns {
    () => {
        "id, email, email_key, username, first_name, last_name, avatar_url, company, timezone, language, \
         password, role, status, locked_at, plan, marketing_consent, created_at, updated_at, last_login_at, \
         email_verified_at, totp_secret, totp_since, generation"
    };
}
pub(super) use columns;

pub(super) const FIND: &str = concat!("SELECT ", columns!(), " FROM accounts WHERE id = $1");
const FIND_BY_EMAIL: &str = concat!("SELECT ", columns!(), " FROM accounts WHERE email_key = $1");
const INSERT: &str = concat!(
    "INSERT INTO accounts (id, email, email_key, username, first_name, last_name, avatar_url, password, role,
    status, plan, marketing_consent, created_at, updated_at)
    VALUES ($1, $2, $3, $4, $5, $6, $7, $8, 'user', 'pending_verification', 'free', $9, $10, $10)
    ON CONFLICT (email_key) DO NOTHING RETURNING ",
    columns!()
);
const REPLACE_HASH: &str = "UPDATE accounts SET password = $3 WHERE id = $1 AND password = $2";
const CHANGE_PROFILE: &str = concat!(
    "UPDATE accounts SET first_name = nullif(coalesce($2, first_name), ''),
    last_name = nullif(coalesce($3, last_name), ''), avatar_url = nullif(coalesce($4, avatar_url), ''),
    company = nullif(coalesce($5, company), ''), timezone = nullif(coalesce($6, timezone), ''),
    language = nullif(coalesce($7, language), ''), marketing_consent = coalesce($8, marketing_consent),
    updated_at = $9 WHERE id = $1 RETURNING ",
    columns!()
);
/// An app that is in use is never overwritten.
const BEGIN_TOTP: &str =
    "UPDATE accounts SET totp_secret = $2, updated_at = $3 WHERE id = $1 AND totp_since IS NULL";
const END_TOTP: &str =
    "UPDATE accounts SET totp_secret = NULL, totp_since = NULL, updated_at = $2 WHERE id = $1";

// === impl Store ===

impl Store {
    /// Keeps a new account; None when its address has one already.
    ///
    /// # Errors
    /// When the database does not take it.
    pub async fn insert_account(&self, account: NewAccount) -> Result<Option<Account>, StoreError> {
        self.confirm_file()?;
        let statement = Statement::new(INSERT)
            .with(account.id)
            .with(account.email)
            .with(account.email_key)
            .with(account.profile.username)
            .with(account.profile.first_name)
            .with(account.profile.last_name)
            .with(account.profile.avatar_url)
            .with(account.password.expose().clone())
            .with(account.profile.marketing_consent)
            .with(account.created_at);
        self.change(statement, "insert account").await
    }

    /// The account with this id.
    ///
    /// # Errors
    /// When the database does not answer.
    pub async fn find_account(&self, id: AccountId) -> Result<Option<Account>, StoreError> {
        let statement = Statement::new(FIND).with(id);
        self.find(statement, "find account").await
    }

    /// The account with this address, in its one spelling.
    ///
    /// # Errors
    /// When the database does not answer.
    pub async fn find_account_by_email(&self, email_key: &str) -> Result<Option<Account>, StoreError> {
        let statement = Statement::new(FIND_BY_EMAIL).with(email_key.to_owned());
        self.find(statement, "find account by address").await
    }

    /// Keeps a dearer hash of the same password, unless the password changed meanwhile.
    ///
    /// # Errors
    /// When the database does not take it.
    pub async fn replace_hash(
        &self,
        id: AccountId,
        old: &Secret<String>,
        new: &Secret<String>,
    ) -> Result<(), StoreError> {
        self.confirm_file()?;
        let statement =
            Statement::new(REPLACE_HASH).with(id).with(old.expose().clone()).with(new.expose().clone());
        self.accounts.write(statement).await.map(drop).map_err(StoreError::during("replace hash"))
    }

    /// Changes a profile; None when there is no such account.
    ///
    /// # Errors
    /// When the database does not take it.
    pub async fn change_profile(
        &self,
        id: AccountId,
        change: ProfileChange,
        now: Timestamp,
    ) -> Result<Option<Account>, StoreError> {
        self.confirm_file()?;
        let statement = Statement::new(CHANGE_PROFILE)
            .with(id)
            .with(change.first_name)
            .with(change.last_name)
            .with(change.avatar_url)
            .with(change.company)
            .with(change.timezone)
            .with(change.language)
            .with(change.marketing_consent)
            .with(now);
        self.change(statement, "change profile").await
    }

    /// Keeps the sealed secret of an app that is being set up; false when one is in use.
    ///
    /// # Errors
    /// When the database does not take it.
    pub async fn begin_totp(
        &self,
        id: AccountId,
        sealed: Vec<u8>,
        now: Timestamp,
    ) -> Result<bool, StoreError> {
        self.confirm_file()?;
        let statement = Statement::new(BEGIN_TOTP).with(id).with(sealed).with(now);
        let rows = self.accounts.write(statement).await;
        rows.map(|rows| rows == 1).map_err(StoreError::during("begin second factor"))
    }

    /// Forgets the app.
    ///
    /// # Errors
    /// When the database does not take it.
    pub async fn end_totp(&self, id: AccountId, now: Timestamp) -> Result<(), StoreError> {
        self.confirm_file()?;
        let statement = Statement::new(END_TOTP).with(id).with(now);
        self.accounts.write(statement).await.map(drop).map_err(StoreError::during("end second factor"))
    }

    async fn find(
        &self,
        statement: Statement,
        operation: &'static str,
    ) -> Result<Option<Account>, StoreError> {
        let row = self.accounts.read_one(statement).await;
        found(row.map_err(StoreError::during(operation))?)
    }

    async fn change(
        &self,
        statement: Statement,
        operation: &'static str,
    ) -> Result<Option<Account>, StoreError> {
        let row = self.accounts.write_returning(statement).await;
        found(row.map_err(StoreError::during(operation))?)
    }
}

pub(super) fn found(row: Option<Row>) -> Result<Option<Account>, StoreError> {
    row.map(account).transpose()
}
