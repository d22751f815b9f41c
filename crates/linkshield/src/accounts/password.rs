//! New passwords: by who knows the old one, or by who reads the account's mail.
//!
//! Password, sessions and token change in one transaction, after the hashing: whatever fails, all is as it was, the token good
//! and the sessions there.

use std::net::IpAddr;

use shield_guard::{
    AccountId, ApiKeyId, SessionId,
    api_key::ApiKeyRecord,
    one_time::Purpose,
    password::{PasswordRefusal, PasswordVerdict, words_of_email},
    revocation::{RevocationCause, RevocationReason},
};
use shield_types::Secret;
use thiserror::Error;

use super::{
    Accounts,
    attempts::{CountError, TooMany},
    errands::address_of,
    failure::Failure,
    open_tokens::OpenToken,
    service::SERVICE,
};
use crate::{
    clock::now,
    gate::CountStanding,
    mail::Letter,
    store::{Account, AccountChange},
};

/// Somebody who is logged in wants another password.
#[derive(Debug, Clone)]
pub struct ChangePassword {
    /// Who.
    pub account: AccountId,
    /// In which session; it goes on.
    pub session: SessionId,
    /// The password until now.
    pub current: Secret<String>,
    /// The password from now on.
    pub new: Secret<String>,
    /// From where.
    pub address: IpAddr,
}

/// A new password was set by link.
#[derive(Debug)]
pub struct PasswordWasReset {
    /// Whose.
    pub account: AccountId,
    /// Their sessions, which ended.
    pub ended: Vec<SessionId>,
    /// Their API keys, which were taken back: whoever had the account may have made them.
    pub keys: Vec<ApiKeyId>,
}

/// Why a password was not changed.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum ChangePasswordError {
    /// Not the password until now.
    #[error("confirm the current password")]
    Current,
    /// Too many failed before.
    #[error("try a password: {what}, try again in `{}` s", .by.seconds_left)]
    Throttled {
        /// What was counted.
        what: TooMany,
        /// The count that is full.
        by: CountStanding,
    },
    /// The new one may not be one.
    #[error("accept the new password")]
    New(#[source] PasswordRefusal),
    /// The new one is the old one.
    #[error("change a password to itself")]
    Unchanged,
    /// A fault of ours.
    #[error(transparent)]
    Failed(#[from] Failure),
}

/// Why a password was not set by link.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum ResetPasswordError {
    /// The token is not good, or not any more.
    #[error("take the token")]
    NotOpen,
    /// The new password may not be one. The token stays good.
    #[error("accept the new password")]
    New(#[source] PasswordRefusal),
    /// A fault of ours. The token stays good.
    #[error(transparent)]
    Failed(#[from] Failure),
}

// === impl Accounts ===

impl Accounts {
    /// Changes the password of who is logged in, and ends their other sessions (ASVS 5.0, 7.4.3), which it answers.
    ///
    /// # Errors
    /// See [`ChangePasswordError`]; nothing is changed then.
    pub async fn change_password(
        &self,
        change: ChangePassword,
    ) -> Result<Vec<SessionId>, ChangePasswordError> {
        let ChangePassword { account, session, current, new, address } = change;
        let unchanged = current == new;
        self.inner.hashing.check_room().map_err(Failure::from)?;
        let account = self.account(account).await?;
        let email = address_of(&account)?;
        let counted = self.count_attempt(&email, address).await?;
        if self.verdict(&counted, Some(&account.password), current).await? == PasswordVerdict::Wrong {
            return Err(ChangePasswordError::Current);
        }
        self.forgive(&counted).await?;
        // Told only to who knows the password.
        if unchanged {
            return Err(ChangePasswordError::Unchanged);
        }
        self.inner.policy.check(&new, &words(&account)).map_err(ChangePasswordError::New)?;
        let new = self.inner.hashing.hash(new).await.map_err(Failure::from)?;
        let ended = self.put_password(&account, session, &new).await?.ok_or(ChangePasswordError::Current)?;
        self.inner.mailer.send(email.mailbox(), Letter::changed("The password", SERVICE));
        Ok(ended)
    }

    /// None when the account is not any more as it was when its password was confirmed: another one may have been set since.
    async fn put_password(
        &self,
        confirmed: &Account,
        spared: SessionId,
        new: &Secret<String>,
    ) -> Result<Option<Vec<SessionId>>, Failure> {
        let mut change = self.inner.store.change_account(confirmed.id).await?;
        let present = change.account().await?;
        if present.is_none_or(|present| present.generation != confirmed.generation) {
            change.abandon().await?;
            return Ok(None);
        }
        let ended = set_password(&mut change, Some(spared), new).await?;
        change.commit().await?;
        Ok(Some(ended))
    }

    /// Sets a new password with the token of a letter, and ends every session and every API key. It opens no session: a second factor is still
    /// asked for at log-in (ASVS 5.0, 6.4.3).
    ///
    /// # Errors
    /// See [`ResetPasswordError`]; nothing is changed then.
    pub async fn reset_password(
        &self,
        token: &str,
        new: Secret<String>,
    ) -> Result<PasswordWasReset, ResetPasswordError> {
        self.inner.policy.check(&new, &[]).map_err(ResetPasswordError::New)?;
        let token =
            self.open_token(token, Purpose::PasswordReset).await?.ok_or(ResetPasswordError::NotOpen)?;
        let found = self.inner.store.find_account(token.record.account).await.map_err(Failure::from)?;
        let account = found.filter(|account| token.proves(account)).ok_or(ResetPasswordError::NotOpen)?;
        self.inner.policy.check(&new, &words(&account)).map_err(ResetPasswordError::New)?;
        let new = self.inner.hashing.hash(new).await.map_err(Failure::from)?;
        let (ended, keys) = self.reset(&token, &account, &new).await?.ok_or(ResetPasswordError::NotOpen)?;
        let keys = self.forget_api_keys(&keys);
        let mailbox = address_of(&account)?.mailbox();
        self.inner.mailer.send(mailbox, Letter::changed("The password", SERVICE));
        Ok(PasswordWasReset { account: account.id, ended, keys })
    }

    /// None when the token was taken, or the account's address changed, meanwhile.
    async fn reset(
        &self,
        token: &OpenToken,
        account: &Account,
        new: &Secret<String>,
    ) -> Result<Option<(Vec<SessionId>, Vec<ApiKeyRecord>)>, Failure> {
        let mut change = self.inner.store.change_account(account.id).await?;
        let present = change.account().await?.filter(|present| token.proves(present));
        if present.is_none() || !token.take(&mut change).await? {
            change.abandon().await?;
            return Ok(None);
        }
        // Whoever logged in with the old password is as good as a stranger; its device too.
        change.forget_known(address_of(account)?.login_name()).await?;
        // The letter was read, which is all that verifying asks for.
        change.verify_email(&token.record.email, now()).await?;
        let ended = set_password(&mut change, None, new).await?;
        let cause = RevocationCause { reason: RevocationReason::FactorChange, at: now() };
        let keys = change.end_api_keys(cause).await?;
        change.commit().await?;
        Ok(Some((ended, keys)))
    }
}

impl From<CountError> for ChangePasswordError {
    fn from(error: CountError) -> Self {
        match error {
            CountError::Throttled { what, by, .. } => Self::Throttled { what, by },
            CountError::Failed(failure) => failure.into(),
        }
    }
}

/// Sets the password and ends the sessions that the one before opened (ASVS 5.0, 7.4.3).
async fn set_password(
    change: &mut AccountChange,
    spared: Option<SessionId>,
    new: &Secret<String>,
) -> Result<Vec<SessionId>, Failure> {
    let at = now();
    if !change.set_password(new, at).await? {
        return Err(Failure::Damaged { what: "an account is gone" });
    }
    Ok(change.end_sessions(spared, RevocationCause { reason: RevocationReason::FactorChange, at }).await?)
}

/// What an account's password must not be made of.
fn words(account: &Account) -> Vec<&str> {
    let profile = &account.profile;
    let names = [&profile.first_name, &profile.last_name, &profile.username];
    words_of_email(&account.email_key)
        .into_iter()
        .chain(names.into_iter().flatten().map(String::as_str))
        .collect()
}
