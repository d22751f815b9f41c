//! What administrators do to accounts.

use shield_guard::{
    AccountId, ApiKeyId, KeyId, SessionId,
    api_key::ApiKeyStore,
    revocation::{Revocation, RevocationCause, RevocationLog, RevocationReason, Sequence},
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

/// Who changes an account.
#[derive(Debug, Clone, Copy)]
pub struct Administrator {
    /// Their own account.
    pub account: AccountId,
    /// Their role.
    pub role: Role,
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
    /// Whoever locks themselves out, or gives up their role, may be the last who could undo it.
    #[error("take somebody's own administration away")]
    Own,
    /// A fault of ours.
    #[error(transparent)]
    Failed(#[from] Failure),
}

// === impl Accounts ===

impl Accounts {
    /// Changes what an account may do. An account that may not be used any more loses its sessions,
    /// so that they do not come back with it (ASVS 5.0, 7.4.2).
    ///
    /// # Errors
    /// When there is no such account, `by` may not change it so, or the fault is ours.
    pub async fn change_standing(
        &self,
        by: Administrator,
        id: AccountId,
        change: StandingChange,
    ) -> Result<StandingChanged, ChangeStandingError> {
        let before = self.changeable(by.role, id).await?;
        if change.role.is_some_and(|role| !may_change(by.role, role)) {
            return Err(ChangeStandingError::NotAllowed);
        }
        if id == by.account && takes_administration(&change, by.role) {
            return Err(ChangeStandingError::Own);
        }
        let changed = self.put_standing(id, change).await?;
        let (account, ended) = changed.ok_or(ChangeStandingError::NotFound)?;
        Ok(StandingChanged { before, account, ended })
    }

    /// In one transaction with the sessions' end, and with the word to every node to look at the account anew: its API keys are
    /// refused, or taken again, within moments everywhere.
    async fn put_standing(
        &self,
        id: AccountId,
        change: StandingChange,
    ) -> Result<Option<(Account, Vec<SessionId>)>, Failure> {
        let at = now();
        let mut changing = self.inner.store.change_account(id).await?;
        let Some(account) = changing.change_standing(change, at).await? else {
            changing.abandon().await?;
            return Ok(None);
        };
        let (reason, ended) = match account.usable() {
            true => (RevocationReason::Administrator, Vec::new()),
            false => {
                let reason = RevocationReason::AccountSuspension;
                (reason, changing.end_sessions(None, RevocationCause { reason, at }).await?)
            }
        };
        changing.announce(&Revocation::of_standing(id, reason, at)).await?;
        changing.commit().await?;
        Ok(Some((account, ended)))
    }

    /// Ends every session of an account, as somebody of role `by`; answers which.
    ///
    /// # Errors
    /// As for [`Self::change_standing`].
    pub async fn end_sessions_of(
        &self,
        by: Role,
        id: AccountId,
    ) -> Result<Vec<SessionId>, ChangeStandingError> {
        let account = self.changeable(by, id).await?;
        Ok(self.end_sessions(account.id, None, RevocationReason::Administrator).await?)
    }

    /// The account of an address; None when there is none.
    ///
    /// # Errors
    /// When the database does not answer.
    pub async fn find_by_address(&self, email: &EmailAddress) -> Result<Option<Account>, Failure> {
        Ok(self.inner.store.find_account_by_email(email.key()).await?)
    }

    /// The account, if somebody of role `by` may change it.
    async fn changeable(&self, by: Role, id: AccountId) -> Result<Account, ChangeStandingError> {
        let found = self.inner.store.find_account(id).await.map_err(Failure::from)?;
        let account = found.ok_or(ChangeStandingError::NotFound)?;
        if !may_change(by, account.role) {
            return Err(ChangeStandingError::NotAllowed);
        }
        Ok(account)
    }

    /// Takes back every API key of an account, as somebody of role `by`: the emergency of an account in other hands.
    ///
    /// # Errors
    /// As for [`Self::change_standing`].
    pub async fn take_back_api_keys(
        &self,
        by: Role,
        id: AccountId,
    ) -> Result<Vec<ApiKeyId>, ChangeStandingError> {
        let account = self.changeable(by, id).await?;
        Ok(self.end_api_keys(account.id, RevocationReason::Administrator).await?)
    }

    /// Takes back one API key, whoever has it, as somebody of role `by`: the emergency of a key that leaked. Answers whose it
    /// was; None when there is none of this id.
    ///
    /// # Errors
    /// As for [`Self::change_standing`].
    pub async fn take_back_api_key(
        &self,
        by: Role,
        key: ApiKeyId,
    ) -> Result<Option<AccountId>, ChangeStandingError> {
        let owner = self.inner.api_keys.store.owner(key).await.map_err(Failure::from)?;
        let Some(owner) = owner else { return Ok(None) };
        let account = self.changeable(by, owner).await?;
        let ended = self.end_api_key(account.id, key, RevocationReason::Administrator).await?;
        Ok(ended.then_some(account.id))
    }

    /// Takes a signing key out of service with every token that it signed; every process refuses them within moments.
    ///
    /// # Errors
    /// When there is no such key, it was killed before, or the database does not take it.
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
}

/// Whether somebody of role `by` may make accounts of this role, or change them.
fn may_change(by: Role, role: Role) -> bool {
    by == Role::SuperAdmin || role < Role::Admin
}

/// Whether somebody of role `role` could do less after this change of their own account.
fn takes_administration(change: &StandingChange, role: Role) -> bool {
    change.role.is_some_and(|new| new < role)
        || change.status.is_some_and(|status| status != AccountStatus::Active)
        || change.locked == Some(true)
}

/// Makes the account of this address a super administrator's that may be used, with the word to every node to look at it anew. For
/// a command on the machine itself: whoever can write the database may do it. None when there is no such account.
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
    let at = now();
    let mut changing = store.change_account(account.id).await?;
    let Some(promoted) = changing.change_standing(promotion, at).await? else {
        changing.abandon().await?;
        return Ok(None);
    };
    changing.announce(&Revocation::of_standing(promoted.id, RevocationReason::Administrator, at)).await?;
    changing.commit().await?;
    Ok(Some(promoted))
}
