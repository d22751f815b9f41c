//! Logging in.
//!
//! Passwords take seconds to check when many want it, and meanwhile the account may change. So the account is looked at once
//! more where the session begins, under the lock that whoever changes it holds too ([`grant`](super::grant)): a log-in that was
//! under way loses against a new password, a suspension and "log out everywhere".

use std::net::IpAddr;

use shield_guard::{
    AccountId,
    address::AddressBlock,
    event::{LoginFactors, SecondFactor},
    limit::{DeviceDigest, LoginAttempt},
    password::PasswordVerdict,
    session::SessionDigest,
    token::RefreshLife,
};
use shield_types::Secret;
use thiserror::Error;

use super::{
    Accounts,
    attempts::{CountError, TooMany},
    email::EmailAddress,
    failure::Failure,
    grant::{Granted, RightLogin},
    hashing::Asker,
    second_factor::{SecondFactorError, UsedCode},
};
use crate::{
    gate::CountStanding,
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
    /// In which session they are, as their cookie says: if it is the same account's, the new one takes its place.
    pub replaces: Option<SessionDigest>,
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
    /// Too many came, or failed, before.
    #[error("try to log in: {what}, try again in `{}` s", .by.seconds_left)]
    Throttled {
        /// Whose limit it is, for the log: `account` or `address`.
        scope: &'static str,
        /// What was counted.
        what: TooMany,
        /// The count that is full.
        by: CountStanding,
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
        let Login { email, password, code, life, client, device, replaces } = login;
        // Before anything is written or counted: what a flood is refused must cost next to nothing.
        self.inner.hashing.of(device.asker(client.address)).check_room().map_err(Failure::from)?;
        let block = AddressBlock::of(client.address);
        let attempt = LoginAttempt { name: email.login_name(), block, device: device.presented() };
        let mut counted = self.count(attempt, TooMany::Passwords).await?;
        let found = self.inner.store.find_account_by_email(email.key()).await.map_err(Failure::from);
        let found = self.judged(&counted, found).await?;
        *claimed = found.as_ref().map(|account| account.id);
        let stored = found.as_ref().map(|account| &account.password);
        let verdict = self.verdict(&counted, stored, password.clone()).await?;
        let account = match (found, verdict) {
            (Some(account), PasswordVerdict::Correct) => account,
            (Some(account), PasswordVerdict::CorrectButWeak) => {
                self.hash_again(&account, password).await;
                account
            }
            (Some(_) | None, _) => return Err(LoginError::Invalid),
        };
        counted.attempt.device = Some(device.digest());
        let login = RightLogin { account, counted: &counted, client: &client, life, replaces };
        let granted = self.prove_and_grant(login, code).await;
        // Whoever knows the password guessed at none, whatever keeps them out; codes have a count of their own.
        if granted.is_err() {
            self.withdraw(&counted).await;
        }
        granted
    }

    async fn prove_and_grant(
        &self,
        login: RightLogin<'_>,
        code: Option<String>,
    ) -> Result<Granted, LoginError> {
        check_standing(&login.account)?;
        let mut proof = Proof { factors: LoginFactors::Password, recovery_codes_left: None };
        if login.account.second_factor() {
            let code = code.ok_or(LoginError::SecondFactorMissing)?;
            proof = self.check_second_factor(&login, &code).await?.into();
        }
        self.grant(login, proof).await
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

    /// Whose queue there has to be room in. Whoever shows a cookie may be known.
    fn asker(self, address: IpAddr) -> Asker {
        match self {
            Self::Presented(_) => Asker::Known,
            Self::Fresh(_) => Asker::stranger(address),
        }
    }

    fn digest(self) -> DeviceDigest {
        let (Self::Presented(digest) | Self::Fresh(digest)) = self;
        digest
    }
}

impl From<CountError> for LoginError {
    fn from(error: CountError) -> Self {
        match error {
            CountError::Throttled { scope, what, by } => Self::Throttled { scope, what, by },
            CountError::Failed(failure) => failure.into(),
        }
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
            SecondFactorError::Throttled { what, by } => Self::Throttled { scope: "account", what, by },
            SecondFactorError::Failed(failure) => failure.into(),
            _ => Self::SecondFactorWrong,
        }
    }
}

pub(super) fn check_standing(account: &Account) -> Result<(), LoginError> {
    match account.status {
        _ if account.locked_at.is_some() => Err(LoginError::Locked),
        AccountStatus::Active => Ok(()),
        AccountStatus::PendingVerification => Err(LoginError::NotVerified),
        AccountStatus::Inactive | AccountStatus::Suspended => Err(LoginError::Closed),
    }
}
