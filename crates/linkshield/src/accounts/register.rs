//! Making an account, and proving to read its mail.

use shield_guard::{
    AccountId,
    one_time::Purpose,
    password::{PasswordRefusal, words_of_email},
};
use shield_types::Secret;
use thiserror::Error;

use super::{Accounts, email::EmailAddress, failure::Failure, hashing::Asker};
use crate::{
    clock::now,
    keys::random_bytes,
    store::{Account, NewAccount, Profile},
    telemetry::causes,
};

/// Somebody wants an account.
#[derive(Debug, Clone)]
pub struct Register {
    /// The address.
    pub email: EmailAddress,
    /// The password.
    pub password: Secret<String>,
    /// What they say about themselves.
    pub profile: Profile,
}

/// Why there is no new account.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum RegisterError {
    /// The password may not be one.
    #[error("accept the password")]
    Password(#[source] PasswordRefusal),
    /// The address has an account.
    #[error("make a second account for one address")]
    Taken,
    /// A fault of ours.
    #[error(transparent)]
    Failed(#[from] Failure),
}

/// Why an address is not verified.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum VerifyEmailError {
    /// The token is not good, or not any more.
    #[error("take the token")]
    NotOpen,
    /// A fault of ours.
    #[error(transparent)]
    Failed(#[from] Failure),
}

// === impl Accounts ===

impl Accounts {
    /// Makes an account that waits for its address to be verified, and sends the link for that.
    ///
    /// # Errors
    /// When the password may not be one, the address has an account, or the fault is ours. An account whose letter could not be
    /// made is kept; its holder can ask for another letter.
    pub async fn register(&self, request: Register) -> Result<Account, RegisterError> {
        let Register { email, password, profile } = request;
        let mut words = words_of_email(email.key());
        words.extend(
            [&profile.first_name, &profile.last_name, &profile.username]
                .into_iter()
                .flatten()
                .map(String::as_str),
        );
        self.inner.policy.check(&password, &words).map_err(RegisterError::Password)?;
        // How many come from one place is limited in front of this.
        let hashing = self.inner.hashing.of(Asker::Stranger(None));
        let password = hashing.hash(password).await.map_err(Failure::from)?;
        let created_at = now();
        let account = NewAccount {
            id: AccountId::new(created_at, random_bytes()),
            email: email.as_given(),
            email_key: email.key().to_owned(),
            profile,
            password,
            created_at,
        };
        let inserted = self.inner.store.insert_account(account).await.map_err(Failure::from)?;
        let account = inserted.ok_or(RegisterError::Taken)?;
        if let Err(error) = self.inner.desk.send(&account, Purpose::EmailVerification).await {
            let cause = causes(&error).join(": ");
            tracing::error!(account = %account.id, error = %error, cause, "no letter for a new account");
        }
        Ok(account)
    }

    /// Takes the token of a letter as proof that its address is read. After a fault of ours the token is as good as before.
    ///
    /// # Errors
    /// When the token is not good, or was for an address that the account no longer has.
    pub async fn verify_email(&self, token: &str) -> Result<Account, VerifyEmailError> {
        let open = self.open_token(token, Purpose::EmailVerification).await?;
        let token = open.ok_or(VerifyEmailError::NotOpen)?;
        let change = self.inner.store.change_account(token.record.account).await;
        let mut change = change.map_err(Failure::from)?;
        let taken = token.take(&mut change).await?;
        let verified = change.verify_email(&token.record.email, now()).await.map_err(Failure::from)?;
        match verified.filter(|_| taken) {
            Some(account) => {
                change.commit().await.map_err(Failure::from)?;
                Ok(account)
            }
            None => {
                change.abandon().await.map_err(Failure::from)?;
                Err(VerifyEmailError::NotOpen)
            }
        }
    }
}
