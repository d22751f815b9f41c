//! New passwords: by who knows the old one, or by who reads the account's mail.

use std::net::IpAddr;

use shield_guard::{
    AccountId, ApiKeyId, SessionId,
    one_time::{OneTimeRecord, OneTimeStore, OneTimeToken, Purpose, RedeemError, redeem},
    password::{PasswordRefusal, PasswordVerdict, words_of_email},
    revocation::RevocationReason,
};
use shield_types::Secret;
use thiserror::Error;

use super::{Accounts, errands::address_of, failure::Failure, login::LoginError, service::SERVICE};
use crate::{clock::now, mail::Letter, store::Account};

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
    #[error("try a password: too many failed, try again in `{retry_after_s}` s")]
    Throttled {
        /// Whole seconds, at least 1.
        retry_after_s: u64,
    },
    /// The new one may not be one.
    #[error("accept the new password")]
    New(#[source] PasswordRefusal),
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
        let account = self.account(account).await?;
        let email = address_of(&account)?;
        let counted = self.count_attempt(&email, address).await.map_err(|error| match error {
            LoginError::Throttled { retry_after_s, .. } => ChangePasswordError::Throttled { retry_after_s },
            LoginError::Failed(failure) => failure.into(),
            _ => ChangePasswordError::Current,
        })?;
        let verdict = self.inner.hashing.verify(Some(&account.password), current).await;
        if verdict.map_err(Failure::from)? == PasswordVerdict::Wrong {
            return Err(ChangePasswordError::Current);
        }
        self.forgive(&counted).await?;
        self.inner.policy.check(&new, &words(&account)).map_err(ChangePasswordError::New)?;
        self.set_password(&account, new).await?;
        let ended = self.end_sessions(account.id, Some(session), RevocationReason::FactorChange).await?;
        self.inner.mailer.send(email.mailbox(), Letter::changed("The password", SERVICE));
        Ok(ended)
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
        let redeemed = redeem(&self.inner.one_time, token, Purpose::PasswordReset, now()).await;
        let record = redeemed.map_err(|error| match error {
            RedeemError::Malformed | RedeemError::NotOpen => ResetPasswordError::NotOpen,
            RedeemError::Store(source) => Failure::from(source).into(),
        })?;
        let outcome = self.reset(&record, new).await;
        if let (Err(ResetPasswordError::New(_) | ResetPasswordError::Failed(_)), Ok(token)) =
            (&outcome, OneTimeToken::parse(token))
        {
            // Nothing was done with it, so it can be used again.
            let digest = token.digest(Purpose::PasswordReset);
            self.inner.one_time.insert(digest, record, now()).await.map_err(Failure::from)?;
        }
        outcome
    }

    async fn reset(
        &self,
        record: &OneTimeRecord,
        new: Secret<String>,
    ) -> Result<PasswordWasReset, ResetPasswordError> {
        let found = self.inner.store.find_account(record.account).await.map_err(Failure::from)?;
        // Reading the mail of an address that the account no longer has proves nothing.
        let account = found.filter(|account| account.email_key == record.email);
        let account = account.ok_or(ResetPasswordError::NotOpen)?;
        self.inner.policy.check(&new, &words(&account)).map_err(ResetPasswordError::New)?;
        self.set_password(&account, new).await?;
        let keys = self.end_api_keys(account.id, RevocationReason::FactorChange).await?;
        let ended = self.end_sessions(account.id, None, RevocationReason::FactorChange).await?;
        // The letter was read, which is all that verifying asks for.
        let verified = self.inner.store.verify_email(account.id, &record.email, now()).await;
        verified.map_err(Failure::from)?;
        let mailbox = address_of(&account)?.mailbox();
        self.inner.mailer.send(mailbox, Letter::changed("The password", SERVICE));
        Ok(PasswordWasReset { account: account.id, ended, keys })
    }

    async fn set_password(&self, account: &Account, new: Secret<String>) -> Result<(), Failure> {
        let hash = self.inner.hashing.hash(new).await?;
        match self.inner.store.set_password(account.id, &hash, now()).await? {
            true => Ok(()),
            false => Err(Failure::Damaged { what: "an account is gone" }),
        }
    }
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
