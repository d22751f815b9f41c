//! Changing an account together with its credentials.
//!
//! A new password without an end of the sessions that the old one opened is none, and so are recovery codes without the app.
//! So both happen in one transaction, under the account's lock, which whoever begins a session holds too: what was decided on
//! what the account was before finds out here that it has changed.

use shield_data::{LockSpace, Statement, Transaction};
use shield_guard::{AccountId, limit::Tier};
use shield_types::{Secret, Timestamp};

use super::{
    account_model::{Account, AccountStatus, Role},
    accounts::{FIND, columns, found},
    error::StoreError,
    open::Store,
};

/// Only the address that was proven counts: the account may have another one by now.
const VERIFY_EMAIL: &str = concat!(
    "UPDATE accounts SET email_verified_at = coalesce(email_verified_at, $3), updated_at = $3,
    status = CASE status WHEN 'pending_verification' THEN 'active' ELSE status END
    WHERE id = $1 AND email_key = $2 RETURNING ",
    columns!()
);
const SET_PASSWORD: &str =
    "UPDATE accounts SET password = $2, updated_at = $3, generation = generation + 1 WHERE id = $1";
const VOID_LOG_INS: &str = "UPDATE accounts SET generation = generation + 1 WHERE id = $1";
const CHANGE_STANDING: &str = concat!(
    "UPDATE accounts SET role = coalesce($2, role), status = coalesce($3, status), plan = coalesce($4, plan),
    locked_at = CASE $5 WHEN 1 THEN coalesce(locked_at, $6) WHEN 0 THEN NULL ELSE locked_at END,
    updated_at = $6, generation = generation + 1 WHERE id = $1 RETURNING ",
    columns!()
);
/// Only the secret that the code was of.
const ENABLE_TOTP: &str = "UPDATE accounts SET totp_since = $3, updated_at = $3, generation = generation + 1
    WHERE id = $1 AND totp_secret = $2 AND totp_since IS NULL";
const RECORD_LOGIN: &str = "UPDATE accounts SET last_login_at = CASE WHEN last_login_at > $2 THEN last_login_at ELSE $2 END WHERE id = $1";

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

/// A change of one account, alone with it from its beginning to its end. Dropped without [`Self::commit`], nothing happened.
#[derive(Debug)]
pub struct AccountChange {
    pub(super) id: AccountId,
    pub(super) transaction: Transaction,
}

// === impl Store ===

impl Store {
    /// Begins a change of this account, whether or not there is one.
    ///
    /// # Errors
    /// When the database does not let it write, or another change of the account does not end.
    pub async fn change_account(&self, id: AccountId) -> Result<AccountChange, StoreError> {
        self.confirm_file()?;
        let begin = async {
            let mut transaction = self.accounts.begin().await?;
            transaction.lock(LockSpace::Account, id.uuid().as_bytes()).await?;
            Ok(AccountChange { id, transaction })
        };
        begin.await.map_err(StoreError::during("begin to change an account"))
    }

    /// [`AccountChange::change_standing`] and nothing else.
    ///
    /// # Errors
    /// When the database does not take it.
    pub async fn change_standing(
        &self,
        id: AccountId,
        change: StandingChange,
        now: Timestamp,
    ) -> Result<Option<Account>, StoreError> {
        let mut account = self.change_account(id).await?;
        let changed = account.change_standing(change, now).await?;
        account.commit().await?;
        Ok(changed)
    }
}

// === impl AccountChange ===

impl AccountChange {
    /// The account as it is until this change; None when there is none.
    ///
    /// # Errors
    /// When the database does not answer.
    pub async fn account(&mut self) -> Result<Option<Account>, StoreError> {
        self.row(Statement::new(FIND).with(self.id), "find account").await
    }

    /// Sets a new password, which voids the log-ins under way; false when there is no such account.
    ///
    /// # Errors
    /// When the database does not take it.
    pub async fn set_password(
        &mut self,
        password: &Secret<String>,
        now: Timestamp,
    ) -> Result<bool, StoreError> {
        let set = Statement::new(SET_PASSWORD).with(self.id).with(password.expose().clone()).with(now);
        self.rows(set, "set password").await
    }

    /// Marks the address as verified, which opens an account that waited for it; None when the account does not have this
    /// address.
    ///
    /// # Errors
    /// When the database does not take it.
    pub async fn verify_email(
        &mut self,
        email_key: &str,
        now: Timestamp,
    ) -> Result<Option<Account>, StoreError> {
        let verify = Statement::new(VERIFY_EMAIL).with(self.id).with(email_key.to_owned()).with(now);
        self.row(verify, "verify address").await
    }

    /// Changes what the account may do, which voids the log-ins under way; None when there is no such account.
    ///
    /// # Errors
    /// When the database does not take it.
    pub async fn change_standing(
        &mut self,
        change: StandingChange,
        now: Timestamp,
    ) -> Result<Option<Account>, StoreError> {
        let statement = Statement::new(CHANGE_STANDING)
            .with(self.id)
            .with(change.role.map(Role::as_str))
            .with(change.status.map(AccountStatus::as_str))
            .with(change.plan.map(Tier::as_str))
            .with(change.locked)
            .with(now);
        self.row(statement, "change standing").await
    }

    /// From now on codes of this secret are asked for, of the log-ins under way too; false when it is not the one being set
    /// up any more.
    ///
    /// # Errors
    /// When the database does not take it.
    pub async fn enable_totp(&mut self, sealed: Vec<u8>, now: Timestamp) -> Result<bool, StoreError> {
        let enable = Statement::new(ENABLE_TOTP).with(self.id).with(sealed).with(now);
        self.rows(enable, "enable second factor").await
    }

    /// No log-in that is under way will begin a session.
    ///
    /// # Errors
    /// When the database does not take it.
    pub async fn void_log_ins(&mut self) -> Result<(), StoreError> {
        self.rows(Statement::new(VOID_LOG_INS).with(self.id), "void log-ins").await.map(drop)
    }

    /// Remembers when somebody logged in.
    ///
    /// # Errors
    /// When the database does not take it.
    pub async fn record_login(&mut self, now: Timestamp) -> Result<(), StoreError> {
        self.rows(Statement::new(RECORD_LOGIN).with(self.id).with(now), "record log-in").await.map(drop)
    }

    /// Makes it durable.
    ///
    /// # Errors
    /// When the database does not say that it did.
    pub async fn commit(self) -> Result<(), StoreError> {
        self.transaction.commit().await.map_err(StoreError::during("change an account"))
    }

    /// Undoes it, and keeps the connection: for what was decided not to happen.
    ///
    /// # Errors
    /// When the database does not answer; it is undone all the same.
    pub async fn abandon(self) -> Result<(), StoreError> {
        self.transaction.abandon().await.map_err(StoreError::during("leave an account as it is"))
    }

    async fn row(
        &mut self,
        statement: Statement,
        operation: &'static str,
    ) -> Result<Option<Account>, StoreError> {
        found(self.transaction.row(statement).await.map_err(StoreError::during(operation))?)
    }

    async fn rows(&mut self, statement: Statement, operation: &'static str) -> Result<bool, StoreError> {
        let rows = self.transaction.execute(statement).await;
        rows.map(|rows| rows == 1).map_err(StoreError::during(operation))
    }
}
