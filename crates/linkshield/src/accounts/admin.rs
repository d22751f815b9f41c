//! What administrators do to accounts.

use shield_guard::{
    AccountId, KeyId, SessionId,
    revocation::{RevocationLog, RevocationReason, Sequence},
};
use thiserror::Error;

use super::{Accounts, email::EmailAddress, failure::Failure};
use crate::{
    clock::now,
    keys::ChangeKeysError,
    store::{Account, AccountStatus, Role, StandingChange, Store, StoreError},
};

/// An account's standing was changed.
#[derive(Debug)]
pub struct StandingChanged {
    /// The account as it was.
    pub before: Account,
    /// The account as it is.
    pub account: Account,
    /// Sessions that ended with it.
    pub ended: Vec<SessionId>,
}

/// Why an account's standing was not changed.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum ChangeStandingError {
    /// There is no such account.
    #[error("find the account")]
    NotFound,
    /// Only super administrators make administrators, or change the accounts of any.
    #[error("change an administrator's account, or make one, as another than a super administrator")]
    NotAllowed,
    /// A fault of ours.
    #[error(transparent)]
    Failed(#[from] Failure),
}

// === impl Accounts ===

impl Accounts {
    /// Changes what an account may do, as somebody of role `by`. An account that may not be used any more loses its sessions,
    /// so that they do not come back with it (ASVS 5.0, 7.4.2).
    ///
    /// # Errors
    /// When there is no such account, `by` may not change it, or the fault is ours.
    pub async fn change_standing(
        &self,
        by: Role,
        id: AccountId,
        change: StandingChange,
    ) -> Result<StandingChanged, ChangeStandingError> {
        let found = self.inner.store.find_account(id).await.map_err(Failure::from)?;
        let before = found.ok_or(ChangeStandingError::NotFound)?;
        let above = |role: Role| role >= Role::Admin;
        if by != Role::SuperAdmin && (above(before.role) || change.role.is_some_and(above)) {
            return Err(ChangeStandingError::NotAllowed);
        }
        let changed = self.inner.store.change_standing(id, change, now()).await.map_err(Failure::from)?;
        let account = changed.ok_or(ChangeStandingError::NotFound)?;
        let ended = match account.usable() {
            true => Vec::new(),
            false => self.end_sessions(id, None, RevocationReason::AccountSuspension).await?,
        };
        Ok(StandingChanged { before, account, ended })
    }

    /// Takes a signing key out of service with every token that it signed; every process refuses them within moments.
    ///
    /// # Errors
    /// When there is no such key, or the database does not take it.
    pub async fn kill_signing_key(&self, key: KeyId) -> Result<(), ChangeKeysError> {
        self.keys().kill(key, now()).await
    }

    /// How many revocations there ever were.
    ///
    /// # Errors
    /// When the database does not answer.
    pub async fn revocations(&self) -> Result<u64, Failure> {
        // A page without entries, which tells where the log ends.
        let end = Sequence(i64::MAX.unsigned_abs());
        Ok(self.inner.revocations.read_after(end, 1).await?.head.0)
    }

    /// Whether there is such an account.
    ///
    /// # Errors
    /// When the database does not answer.
    pub async fn exists(&self, id: AccountId) -> Result<bool, Failure> {
        Ok(self.inner.store.find_account(id).await?.is_some())
    }
}

/// Makes the account of this address a super administrator's that may be used. For a command on the machine itself: whoever can
/// write the database may do it. None when there is no such account.
///
/// # Errors
/// When the database does not take it.
pub async fn promote(store: &Store, email: &EmailAddress) -> Result<Option<Account>, StoreError> {
    let Some(account) = store.find_account_by_email(email.key()).await? else { return Ok(None) };
    let promotion = StandingChange {
        role: Some(Role::SuperAdmin),
        status: Some(AccountStatus::Active),
        locked: Some(false),
        ..StandingChange::default()
    };
    store.change_standing(account.id, promotion, now()).await
}
