//! Logging in.

use std::net::IpAddr;

use shield_guard::{
    AccountId,
    address::AddressBlock,
    event::{LoginFactors, SecondFactor},
    limit::{DeviceDigest, FAILURE_KEYS_MAX, FailureKey, FailureStore, LoginAttempt, LoginDecision},
    password::PasswordVerdict,
    token::RefreshLife,
};
use shield_types::Secret;
use thiserror::Error;

use super::{
    Accounts,
    email::EmailAddress,
    failure::Failure,
    grant::Granted,
    second_factor::{SecondFactorError, UsedCode},
};
use crate::{
    clock::now,
    store::{Account, AccountStatus},
    telemetry::causes,
};

/// Where a request comes from.
#[derive(Debug, Clone)]
pub struct Client {
    /// The client's address.
    pub address: IpAddr,
    /// What it calls itself.
    pub user_agent: String,
    /// What its owner calls it.
    pub device: String,
}

/// Somebody wants to log in.
#[derive(Debug, Clone)]
pub struct Login {
    /// As whom.
    pub email: EmailAddress,
    /// With which password.
    pub password: Secret<String>,
    /// A code of the second factor, if there is one.
    pub code: Option<String>,
    /// For how long.
    pub life: RefreshLife,
    /// From where.
    pub client: Client,
    /// On which device.
    pub device: Device,
}

/// The browser or program that somebody logs in with: known to an account from its first log-in there on, so that strangers'
/// failures do not hinder its owner.
#[derive(Debug, Clone, Copy)]
pub enum Device {
    /// It showed its cookie.
    Presented(DeviceDigest),
    /// It has none, and gets this one when the log-in succeeds.
    Fresh(DeviceDigest),
}

/// What came with a right log-in.
#[derive(Debug, Clone, Copy)]
pub struct Proof {
    /// Which factors.
    pub factors: LoginFactors,
    /// How many recovery codes are left, if one was used.
    pub recovery_codes_left: Option<u64>,
}

/// A log-in that was refused.
#[derive(Debug, Error)]
#[error("log in")]
pub struct LoginRefused {
    /// The account of this address, if there is one: for the log, never for the client.
    pub account: Option<AccountId>,
    /// Why.
    #[source]
    pub error: LoginError,
}

/// Why nobody logged in.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum LoginError {
    /// No such account, or not its password: the same to everybody.
    #[error("find an account with this address and password")]
    Invalid,
    /// Too many failed before.
    #[error("try a password: too many failed, try again in `{retry_after_s}` s")]
    Throttled {
        /// Whose limit it is, for the log: `account` or `address`.
        scope: &'static str,
        /// Whole seconds, at least 1.
        retry_after_s: u64,
    },
    /// The password is right; no code of the second factor came.
    #[error("log in without the second factor")]
    SecondFactorMissing,
    /// The password is right; the code of the second factor is not.
    #[error("log in with this code of the second factor")]
    SecondFactorWrong,
    /// The password is right; the address is not verified.
    #[error("log in before the address is verified")]
    NotVerified,
    /// The password is right; the account is suspended or inactive.
    #[error("log in to an account that is closed")]
    Closed,
    /// The password is right; an administrator locked the account.
    #[error("log in to an account that an administrator locked")]
    Locked,
    /// A fault of ours.
    #[error(transparent)]
    Failed(#[from] Failure),
}

/// An attempt that was counted as failed until it turns out otherwise.
pub(super) struct CountedAttempt {
    attempt: LoginAttempt,
    keys: [Option<FailureKey>; FAILURE_KEYS_MAX],
}

// === impl Accounts ===

impl Accounts {
    /// Logs in: a new session in any case.
    ///
    /// # Errors
    /// See [`LoginError`]. Whether an account exists shows neither in the answer nor in its time; what state it is in shows
    /// only to who knows the password.
    pub async fn log_in(&self, login: Login) -> Result<Granted, LoginRefused> {
        let mut account = None;
        let outcome = self.try_to_log_in(login, &mut account).await;
        outcome.map_err(|error| LoginRefused { account, error })
    }

    async fn try_to_log_in(
        &self,
        login: Login,
        claimed: &mut Option<AccountId>,
    ) -> Result<Granted, LoginError> {
        let Login { email, password, code, life, client, device } = login;
        // Again, for those who were let in together: what a flood is refused must not be counted in the database.
        self.inner.hashing.check_room().map_err(Failure::from)?;
        let block = AddressBlock::of(client.address);
        let attempt = LoginAttempt { name: email.login_name(), block, device: device.presented() };
        let mut counted = self.count(attempt).await?;
        let found = self.inner.store.find_account_by_email(email.key()).await.map_err(Failure::from)?;
        *claimed = found.as_ref().map(|account| account.id);
        let stored = found.as_ref().map(|account| &account.password);
        let verdict = self.inner.hashing.verify(stored, password.clone()).await.map_err(Failure::from)?;
        let account = match (found, verdict) {
            (Some(account), PasswordVerdict::Correct) => account,
            (Some(account), PasswordVerdict::CorrectButWeak) => {
                self.hash_again(&account, password).await;
                account
            }
            (Some(_) | None, _) => return Err(LoginError::Invalid),
        };
        check_standing(&account)?;
        let mut proof = Proof { factors: LoginFactors::Password, recovery_codes_left: None };
        if account.second_factor() {
            let code = code.ok_or(LoginError::SecondFactorMissing)?;
            proof = self.check_second_factor(&account, &code).await?.into();
        }
        counted.attempt.device = Some(device.digest());
        self.forgive(&counted).await?;
        self.inner.store.record_login(account.id, now()).await.map_err(Failure::from)?;
        let account = Account { last_login_at: Some(now()), ..account };
        Ok(self.grant(account, (&client, proof), life).await?)
    }

    /// Counts an attempt at a password before it is looked at, so that a hundred at once are a hundred (ASVS 5.0, 15.4.2).
    pub(super) async fn count_attempt(
        &self,
        email: &EmailAddress,
        address: IpAddr,
    ) -> Result<CountedAttempt, LoginError> {
        let block = AddressBlock::of(address);
        self.count(LoginAttempt { name: email.login_name(), block, device: None }).await
    }

    pub(super) async fn count(&self, attempt: LoginAttempt) -> Result<CountedAttempt, LoginError> {
        let decision = self.inner.failures.attempt(&self.inner.login_policy, &attempt, now()).await;
        match decision.map_err(Failure::from)? {
            LoginDecision::Allowed { keys } => Ok(CountedAttempt { attempt, keys }),
            LoginDecision::Refused { by, retry_after_seconds } => {
                let scope = if matches!(by, FailureKey::Block(_)) { "address" } else { "account" };
                Err(LoginError::Throttled { scope, retry_after_s: retry_after_seconds })
            }
        }
    }

    /// The attempt was a right one.
    pub(super) async fn forgive(&self, counted: &CountedAttempt) -> Result<(), Failure> {
        let CountedAttempt { attempt, keys } = counted;
        Ok(self.inner.failures.succeeded(attempt, keys, now()).await?)
    }

    /// A dearer hash of the same password, while it is at hand. Without it the log-in goes on.
    async fn hash_again(&self, account: &Account, password: Secret<String>) {
        let hashed = match self.inner.hashing.hash(password).await {
            Ok(hash) => self
                .inner
                .store
                .replace_hash(account.id, &account.password, &hash)
                .await
                .map_err(Failure::from),
            Err(error) => Err(error.into()),
        };
        if let Err(error) = hashed {
            let cause = causes(&error).join(": ");
            tracing::warn!(account = %account.id, error = %error, cause, "a weak hash could not be replaced");
        }
    }
}

// === impl Device ===

impl Device {
    fn presented(self) -> Option<DeviceDigest> {
        match self {
            Self::Presented(digest) => Some(digest),
            Self::Fresh(_) => None,
        }
    }

    fn digest(self) -> DeviceDigest {
        let (Self::Presented(digest) | Self::Fresh(digest)) = self;
        digest
    }
}

impl From<UsedCode> for Proof {
    fn from(used: UsedCode) -> Self {
        match used {
            UsedCode::Totp => {
                Self { factors: LoginFactors::PasswordAnd(SecondFactor::Totp), recovery_codes_left: None }
            }
            UsedCode::Recovery { left } => Self {
                factors: LoginFactors::PasswordAnd(SecondFactor::RecoveryCode),
                recovery_codes_left: Some(left),
            },
        }
    }
}

impl From<SecondFactorError> for LoginError {
    fn from(error: SecondFactorError) -> Self {
        match error {
            SecondFactorError::Throttled { retry_after_s } => {
                Self::Throttled { scope: "account", retry_after_s }
            }
            SecondFactorError::Failed(failure) => failure.into(),
            _ => Self::SecondFactorWrong,
        }
    }
}

fn check_standing(account: &Account) -> Result<(), LoginError> {
    match account.status {
        _ if account.locked_at.is_some() => Err(LoginError::Locked),
        AccountStatus::Active => Ok(()),
        AccountStatus::PendingVerification => Err(LoginError::NotVerified),
        AccountStatus::Inactive | AccountStatus::Suspended => Err(LoginError::Closed),
    }
}
