//! Storing and finding accounts.
//!
//! Writes go through the durable connection: an acknowledged password outlives a power cut. Each is one statement, so of two
//! at once one happens first.

use shield_data::{Row, Statement};
use shield_guard::{AccountId, limit::Tier};
use shield_types::{Secret, Timestamp};

use super::{
    account_model::{Account, AccountStatus, NewAccount, ProfileChange, Role},
    account_rows::account,
    error::StoreError,
    open::Store,
};

macro_rules! columns {
    () => {
        "id, email, email_key, username, first_name, last_name, avatar_url, company, timezone, language, \
         password, role, status, locked_at, plan, marketing_consent, created_at, updated_at, last_login_at, \
         email_verified_at, totp_secret, totp_since"
    };
}

const FIND: &str = concat!("SELECT ", columns!(), " FROM accounts WHERE id = $1");
const FIND_BY_EMAIL: &str = concat!("SELECT ", columns!(), " FROM accounts WHERE email_key = $1");
const INSERT: &str = concat!(
    "INSERT INTO accounts (id, email, email_key, username, first_name, last_name, avatar_url, password, role,
    status, plan, marketing_consent, created_at, updated_at)
    VALUES ($1, $2, $3, $4, $5, $6, $7, $8, 'user', 'pending_verification', 'free', $9, $10, $10)
    ON CONFLICT (email_key) DO NOTHING RETURNING ",
    columns!()
);
/// Only the address that was proven counts: the account may have another one by now.
const VERIFY_EMAIL: &str = concat!(
    "UPDATE accounts SET email_verified_at = coalesce(email_verified_at, $3), updated_at = $3,
    status = CASE status WHEN 'pending_verification' THEN 'active' ELSE status END
    WHERE id = $1 AND email_key = $2 RETURNING ",
    columns!()
);
const SET_PASSWORD: &str = "UPDATE accounts SET password = $2, updated_at = $3 WHERE id = $1";
const REPLACE_HASH: &str = "UPDATE accounts SET password = $3 WHERE id = $1 AND password = $2";
const RECORD_LOGIN: &str = "UPDATE accounts SET last_login_at = CASE WHEN last_login_at > $2 THEN last_login_at ELSE $2 END WHERE id = $1";
const CHANGE_PROFILE: &str = concat!(
    "UPDATE accounts SET first_name = nullif(coalesce($2, first_name), ''),
    last_name = nullif(coalesce($3, last_name), ''), avatar_url = nullif(coalesce($4, avatar_url), ''),
    company = nullif(coalesce($5, company), ''), timezone = nullif(coalesce($6, timezone), ''),
    language = nullif(coalesce($7, language), ''), marketing_consent = coalesce($8, marketing_consent),
    updated_at = $9 WHERE id = $1 RETURNING ",
    columns!()
);
const CHANGE_STANDING: &str = concat!(
    "UPDATE accounts SET role = coalesce($2, role), status = coalesce($3, status), plan = coalesce($4, plan),
    locked_at = CASE $5 WHEN 1 THEN coalesce(locked_at, $6) WHEN 0 THEN NULL ELSE locked_at END,
    updated_at = $6 WHERE id = $1 RETURNING ",
    columns!()
);

/// An app that is in use is never overwritten.
const BEGIN_TOTP: &str =
    "UPDATE accounts SET totp_secret = $2, updated_at = $3 WHERE id = $1 AND totp_since IS NULL";
/// Only the secret that the code was of.
const ENABLE_TOTP: &str = "UPDATE accounts SET totp_since = $3, updated_at = $3
    WHERE id = $1 AND totp_secret = $2 AND totp_since IS NULL";
const END_TOTP: &str =
    "UPDATE accounts SET totp_secret = NULL, totp_since = NULL, updated_at = $2 WHERE id = $1";

/// What an administrator changes of an account; what is None stays.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct StandingChange {
    /// What it may do.
    pub role: Option<Role>,
    /// Whether it may be used.
    pub status: Option<AccountStatus>,
    /// What it has subscribed to.
    pub plan: Option<Tier>,
    /// Whether it is locked.
    pub locked: Option<bool>,
}

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

    /// Marks the address as verified, which opens an account that waited for it; None when the account does not have this
    /// address.
    ///
    /// # Errors
    /// When the database does not take it.
    pub async fn verify_email(
        &self,
        id: AccountId,
        email_key: &str,
        now: Timestamp,
    ) -> Result<Option<Account>, StoreError> {
        self.confirm_file()?;
        let statement = Statement::new(VERIFY_EMAIL).with(id).with(email_key.to_owned()).with(now);
        self.change(statement, "verify address").await
    }

    /// Sets a new password; false when there is no such account.
    ///
    /// # Errors
    /// When the database does not take it.
    pub async fn set_password(
        &self,
        id: AccountId,
        password: &Secret<String>,
        now: Timestamp,
    ) -> Result<bool, StoreError> {
        self.confirm_file()?;
        let statement = Statement::new(SET_PASSWORD).with(id).with(password.expose().clone()).with(now);
        let rows = self.accounts.write(statement).await;
        rows.map(|rows| rows == 1).map_err(StoreError::during("set password"))
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

    /// Remembers when somebody logged in.
    ///
    /// # Errors
    /// When the database does not take it.
    pub async fn record_login(&self, id: AccountId, now: Timestamp) -> Result<(), StoreError> {
        let statement = Statement::new(RECORD_LOGIN).with(id).with(now);
        self.accounts.write(statement).await.map(drop).map_err(StoreError::during("record log-in"))
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
        self.change_totp(BEGIN_TOTP, id, sealed, now).await
    }

    /// From now on codes of this secret are asked for; false when it is not the one being set up any more.
    ///
    /// # Errors
    /// When the database does not take it.
    pub async fn enable_totp(
        &self,
        id: AccountId,
        sealed: Vec<u8>,
        now: Timestamp,
    ) -> Result<bool, StoreError> {
        self.change_totp(ENABLE_TOTP, id, sealed, now).await
    }

    async fn change_totp(
        &self,
        statement: &'static str,
        id: AccountId,
        sealed: Vec<u8>,
        now: Timestamp,
    ) -> Result<bool, StoreError> {
        self.confirm_file()?;
        let statement = Statement::new(statement).with(id).with(sealed).with(now);
        let rows = self.accounts.write(statement).await;
        rows.map(|rows| rows == 1).map_err(StoreError::during("change second factor"))
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

    /// Changes what an account may do; None when there is no such account.
    ///
    /// # Errors
    /// When the database does not take it.
    pub async fn change_standing(
        &self,
        id: AccountId,
        change: StandingChange,
        now: Timestamp,
    ) -> Result<Option<Account>, StoreError> {
        self.confirm_file()?;
        let statement = Statement::new(CHANGE_STANDING)
            .with(id)
            .with(change.role.map(Role::as_str))
            .with(change.status.map(AccountStatus::as_str))
            .with(change.plan.map(Tier::as_str))
            .with(change.locked)
            .with(now);
        self.change(statement, "change standing").await
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

fn found(row: Option<Row>) -> Result<Option<Account>, StoreError> {
    row.map(account).transpose()
}
