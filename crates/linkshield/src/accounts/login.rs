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
    limit::{DeviceDigest, FAILURE_KEYS_MAX, FailureKey, FailureStore, LoginAttempt, LoginDecision},
    password::PasswordVerdict,
    session::SessionDigest,
    token::RefreshLife,
};
use shield_types::{Secret, Timestamp};
use thiserror::Error;

use super::{
    Accounts,
    email::EmailAddress,
    failure::Failure,
    grant::{Granted, RightLogin},
    hashing::Asker,
    second_factor::{SecondFactorError, UsedCode},
};
use crate::{
    clock::now,
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
    /// Too many failed before.
    #[error("try a password: too many failed, try again in `{}` s", .by.seconds_left)]
    Throttled {
        /// Whose limit it is, for the log: `account` or `address`.
        scope: &'static str,
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

/// An attempt that was counted as failed until it turns out otherwise.
pub(super) struct CountedAttempt {
    pub(super) attempt: LoginAttempt,
    pub(super) keys: [Option<FailureKey>; FAILURE_KEYS_MAX],
    at: Timestamp,
    asker: Asker,
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
        let mut counted = self.count(attempt).await?;
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
        check_standing(&account)?;
        counted.attempt.device = Some(device.digest());
        let login = RightLogin { account, counted: &counted, client: &client, life, replaces };
        let granted = self.prove_and_grant(login, code).await;
        // Whoever knows the password was kept out by what is no failure of theirs.
        if let Err(LoginError::Failed(_) | LoginError::Throttled { .. }) = granted {
            self.withdraw(&counted).await;
        }
        granted
    }

    async fn prove_and_grant(
        &self,
        login: RightLogin<'_>,
        code: Option<String>,
    ) -> Result<Granted, LoginError> {
        let mut proof = Proof { factors: LoginFactors::Password, recovery_codes_left: None };
        if login.account.second_factor() {
            let code = code.ok_or(LoginError::SecondFactorMissing)?;
            proof = self.check_second_factor(&login.account, &code).await?.into();
        }
        self.grant(login, proof).await
    }

    /// Counts an attempt at a password before it is looked at, so that a hundred at once are a hundred (ASVS 5.0, 15.4.2).
    pub(super) async fn count_attempt(
        &self,
        email: &EmailAddress,
        address: IpAddr,
    ) -> Result<CountedAttempt, LoginError> {
        let block = AddressBlock::of(address);
        let counted = self.count(LoginAttempt { name: email.login_name(), block, device: None }).await?;
        // They are logged in already.
        Ok(CountedAttempt { asker: Asker::Known, ..counted })
    }

    pub(super) async fn count(&self, attempt: LoginAttempt) -> Result<CountedAttempt, LoginError> {
        let at = now();
        let decision = self.inner.failures.attempt(&self.inner.login_policy, &attempt, at).await;
        match decision.map_err(Failure::from)? {
            LoginDecision::Allowed { keys } => {
                // Its cookie alone proves nothing: it is counted apart if the account knows it.
                let known = keys.iter().flatten().any(|key| matches!(key, FailureKey::Device(..)));
                let strangers = Asker::Stranger(Some(attempt.block.neighbourhood()));
                let asker = if known { Asker::Known } else { strangers };
                Ok(CountedAttempt { attempt, keys, at, asker })
            }
            LoginDecision::Refused { by, retry_after_seconds } => {
                let (scope, name) = match by {
                    FailureKey::Block(_) => ("address", "failed_logins_of_address"),
                    _ => ("account", "failed_logins"),
                };
                let policy = &self.inner.login_policy;
                let by = CountStanding {
                    name,
                    units: policy.borne(&by),
                    window: policy.window,
                    remaining: 0,
                    seconds_left: retry_after_seconds,
                    full_at: policy.window_end(at),
                };
                Err(LoginError::Throttled { scope, by })
            }
        }
    }

    /// The attempt was a right one.
    pub(super) async fn forgive(&self, counted: &CountedAttempt) -> Result<(), Failure> {
        let CountedAttempt { attempt, keys, .. } = counted;
        Ok(self.inner.failures.succeeded(attempt, keys, now()).await?)
    }

    /// Looks at the password of an attempt.
    pub(super) async fn verdict(
        &self,
        counted: &CountedAttempt,
        stored: Option<&Secret<String>>,
        password: Secret<String>,
    ) -> Result<PasswordVerdict, Failure> {
        let hashing = self.inner.hashing.of(counted.asker);
        let verdict = hashing.verify(stored, password).await.map_err(Failure::from);
        self.judged(counted, verdict).await
    }

    /// What comes of an attempt; a fault of ours is no failure of whoever attempts.
    async fn judged<T>(&self, counted: &CountedAttempt, outcome: Result<T, Failure>) -> Result<T, Failure> {
        if outcome.is_err() {
            self.withdraw(counted).await;
        }
        outcome
    }

    /// Gives back an attempt that came to no verdict.
    pub(super) async fn withdraw(&self, counted: &CountedAttempt) {
        if let Err(error) = self.inner.failures.withdrawn(&counted.keys, counted.at).await {
            let cause = causes(&error).join(": ");
            tracing::warn!(error = %error, cause, "an attempt without a verdict stays counted as failed");
        }
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
            SecondFactorError::Throttled { by } => Self::Throttled { scope: "account", by },
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
