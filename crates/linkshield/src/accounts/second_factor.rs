//! The second factor: codes of an authenticator app, and recovery codes for when it is gone.
//!
//! The app's secret is kept sealed, bound to its account. A code works once. How wrong codes are counted, and why nobody who
//! only knows the password keeps its owner out: [`codes`](super::codes).

use shield_guard::{
    AccountId, SessionId,
    password::PasswordVerdict,
    totp::{
        Drift, RECOVERY_CODES, RecoveryCode, RecoveryCodeDigest, RecoveryError, TotpAttempt, TotpError,
        TotpSecret, redeem_recovery_code, verify_totp,
    },
};
use shield_types::Secret;
use thiserror::Error;

use super::{
    Accounts,
    attempts::{CountError, CountedAttempt, TooMany},
    codes::CodeOrigin,
    errands::address_of,
    failure::Failure,
    grant::RightLogin,
    service::SERVICE,
};
use crate::{
    clock::now,
    gate::CountStanding,
    keys::random_bytes,
    mail::Letter,
    store::{Account, Totp},
};

/// What an app is set up with.
#[derive(Debug)]
pub struct TotpSetup {
    /// For people whose camera is broken.
    pub secret: Secret<String>,
    /// What the QR code holds.
    pub uri: Secret<String>,
}

/// A code that was right, and works no more.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum UsedCode {
    /// Of the app.
    Totp,
    /// One of the recovery codes.
    Recovery {
        /// How many are left.
        left: u64,
    },
}

/// Why a second factor is neither set up nor taken away.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum SecondFactorError {
    /// One is set up already; it has to be taken away first.
    #[error("set up a second factor beside another")]
    Present,
    /// None is being set up, or is there.
    #[error("find the second factor")]
    Absent,
    /// The code is not good.
    #[error("take the code")]
    Code,
    /// The password is not right.
    #[error("confirm the password")]
    Password,
    /// Too many failed before.
    #[error("try a code or a password: {what}, try again in `{}` s", .by.seconds_left)]
    Throttled {
        /// What was counted.
        what: TooMany,
        /// The count that is full.
        by: CountStanding,
    },
    /// A fault of ours.
    #[error(transparent)]
    Failed(#[from] Failure),
}

// === impl Accounts ===

impl Accounts {
    /// Draws a secret for an app. It is asked for only once a code has shown that the app has it.
    ///
    /// # Errors
    /// When a second factor is set up already, or the fault is ours.
    pub async fn begin_totp(&self, account: AccountId) -> Result<TotpSetup, SecondFactorError> {
        let account = self.account(account).await?;
        let secret = TotpSecret::new(random_bytes());
        let plain = Secret::new(Box::from(secret.bytes().expose().as_slice()));
        let sealed = self.inner.sealing.seal(&context(account.id), &plain).map_err(Failure::from)?;
        match self.inner.store.begin_totp(account.id, sealed, now()).await.map_err(Failure::from)? {
            true => Ok(TotpSetup { secret: secret.base32(), uri: secret.uri(SERVICE, &account.email) }),
            false => Err(SecondFactorError::Present),
        }
    }

    /// Takes the app's first code, from when on codes are asked for at log-in. Answers the recovery codes, for once.
    ///
    /// # Errors
    /// When no app is being set up, the code is not good, or the fault is ours.
    pub async fn confirm_totp(
        &self,
        account: AccountId,
        code: &str,
    ) -> Result<Vec<Secret<String>>, SecondFactorError> {
        let account = self.account(account).await?;
        let totp = account.totp.as_ref().ok_or(SecondFactorError::Absent)?;
        if totp.since.is_some() {
            return Err(SecondFactorError::Present);
        }
        self.check_totp(&account, totp, code).await?;
        let codes: [RecoveryCode; _] = std::array::from_fn(|_| RecoveryCode::new(random_bytes()));
        let digests = codes.each_ref().map(|code| code.digest(account.id));
        if !self.enable(&account, totp, &digests).await? {
            return Err(SecondFactorError::Absent);
        }
        self.tell(&account, "The second factor")?;
        Ok(codes.iter().map(RecoveryCode::text).collect())
    }

    /// App and recovery codes together: codes of whoever comes second never replace those of who was first. False when another
    /// app is being set up by now, or one in use.
    async fn enable(
        &self,
        account: &Account,
        totp: &Totp,
        digests: &[RecoveryCodeDigest; RECOVERY_CODES],
    ) -> Result<bool, Failure> {
        let mut change = self.inner.store.change_account(account.id).await?;
        if !change.enable_totp(totp.sealed.clone(), now()).await? {
            change.abandon().await?;
            return Ok(false);
        }
        change.replace_recovery_codes(digests).await?;
        change.commit().await?;
        Ok(true)
    }

    /// Takes the second factor away, for who has both factors and is logged in to this session.
    ///
    /// # Errors
    /// When there is none, the password or the code is not good, or the fault is ours.
    pub async fn end_totp(
        &self,
        (account, session): (AccountId, SessionId),
        password: Secret<String>,
        code: &str,
    ) -> Result<UsedCode, SecondFactorError> {
        let account = self.account(account).await?;
        if !account.second_factor() {
            return Err(SecondFactorError::Absent);
        }
        self.inner.hashing.check_room().map_err(Failure::from)?;
        let counted = self.count_code(account.id, CodeOrigin::Session(session)).await?;
        if self.verdict(&counted, Some(&account.password), password).await? == PasswordVerdict::Wrong {
            return Err(SecondFactorError::Password);
        }
        let used = self.take_counted(&account, code, &counted).await?;
        self.inner.store.end_totp(account.id, now()).await.map_err(Failure::from)?;
        self.tell(&account, "The second factor")?;
        Ok(used)
    }

    /// Takes a code of the app, or a recovery code, from who has shown the password.
    pub(super) async fn check_second_factor(
        &self,
        login: &RightLogin<'_>,
        code: &str,
    ) -> Result<UsedCode, SecondFactorError> {
        let RightLogin { account, counted: password, .. } = login;
        let mut counted = self.count_code(account.id, CodeOrigin::of(password)).await?;
        // From a right code on, the device has a count of its own.
        counted.attempt.device = password.attempt.device;
        self.take_counted(account, code, &counted).await
    }

    /// Takes a code for which an attempt was counted.
    async fn take_counted(
        &self,
        account: &Account,
        code: &str,
        counted: &CountedAttempt,
    ) -> Result<UsedCode, SecondFactorError> {
        let taken = self.take_code(account, code).await;
        if let Err(SecondFactorError::Failed(_)) = taken {
            self.withdraw(counted).await;
        }
        let used = taken?;
        self.forgive(counted).await?;
        Ok(used)
    }

    async fn take_code(&self, account: &Account, code: &str) -> Result<UsedCode, SecondFactorError> {
        let totp = account.totp.as_ref().ok_or(SecondFactorError::Absent)?;
        match redeem_recovery_code(&self.inner.recovery, account.id, code).await {
            Ok(left) => Ok(UsedCode::Recovery { left: left as u64 }),
            Err(RecoveryError::Malformed | RecoveryError::NotOpen) => {
                self.check_totp(account, totp, code).await?;
                Ok(UsedCode::Totp)
            }
            Err(RecoveryError::Store(source)) => Err(Failure::from(source).into()),
        }
    }

    async fn check_totp(&self, account: &Account, totp: &Totp, code: &str) -> Result<(), SecondFactorError> {
        let opened = self.inner.sealing.open(&context(account.id), &totp.sealed).map_err(Failure::from)?;
        let bytes = opened.expose().as_ref().try_into();
        let bytes = bytes.map_err(|_| Failure::Damaged { what: "the secret of a second factor is cut" })?;
        let attempt = TotpAttempt { account: account.id, text: code, now: now() };
        let verified =
            verify_totp(&self.inner.steps, &TotpSecret::new(bytes), Drift::default(), attempt).await;
        verified.map_err(|error| match error {
            TotpError::Store(source) => Failure::from(source).into(),
            TotpError::Malformed | TotpError::Wrong | TotpError::Replayed => SecondFactorError::Code,
        })
    }

    fn tell(&self, account: &Account, what: &str) -> Result<(), SecondFactorError> {
        self.inner.mailer.send(address_of(account)?.mailbox(), Letter::changed(what, SERVICE));
        Ok(())
    }
}

impl From<CountError> for SecondFactorError {
    fn from(error: CountError) -> Self {
        match error {
            CountError::Throttled { what, by, .. } => Self::Throttled { what, by },
            CountError::Failed(failure) => failure.into(),
        }
    }
}

/// What a sealed secret is bound to.
fn context(account: AccountId) -> String {
    format!("second factor of {account}")
}
