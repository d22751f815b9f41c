//! Attempts at passwords and codes: counted before they are looked at, and given back when they were none at guessing.
//!
//! Whoever shows the right password has failed at no password, whatever keeps them out after that: their attempt is forgiven
//! with the log-in that it opens, else withdrawn. What stays counted is what was wrong.

use std::{fmt, net::IpAddr};

use shield_guard::{
    address::AddressBlock,
    limit::{DeviceDigest, FAILURE_KEYS_MAX, FailureKey, FailureStore, LoginAttempt, LoginDecision},
    password::PasswordVerdict,
};
use shield_types::{Secret, Timestamp};
use thiserror::Error;

use super::{Accounts, email::EmailAddress, failure::Failure, hashing::Asker, in_flight::Flight};
use crate::{clock::now, gate::CountStanding, telemetry::causes};

/// After how many seconds it makes sense to come back, when attempts that are being looked at are in the way.
const IN_FLIGHT_RETRY_S: u64 = 1;

/// What there was too much of.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TooMany {
    /// Wrong passwords.
    Passwords,
    /// Wrong codes of the second factor.
    Codes,
    /// Wrong passwords or codes, where both are asked for at once.
    PasswordsOrCodes,
    /// Attempts that nobody knows yet to be right or wrong.
    InFlight,
    /// Log-ins, right ones.
    LogIns,
}

/// Why an attempt is not looked at.
#[derive(Debug, Error)]
pub(super) enum CountError {
    /// There was too much before.
    #[error("count an attempt: {what}, try again in `{}` s", .by.seconds_left)]
    Throttled {
        /// Whose limit it is, for the log: `account` or `address`.
        scope: &'static str,
        /// What was counted.
        what: TooMany,
        /// The count that is full.
        by: CountStanding,
    },
    /// A fault of ours.
    #[error(transparent)]
    Failed(#[from] Failure),
}

/// An attempt that was counted as failed until it turns out otherwise.
pub(super) struct CountedAttempt {
    pub(super) attempt: LoginAttempt,
    /// The counters that it raised.
    pub(super) keys: [Option<FailureKey>; FAILURE_KEYS_MAX],
    /// Whose password is hashed.
    asker: Asker,
    at: Timestamp,
    _flight: Flight,
}

// === impl Accounts ===

impl Accounts {
    /// Counts an attempt at a password before it is looked at, so that a hundred at once are a hundred (ASVS 5.0, 15.4.2).
    pub(super) async fn count_attempt(
        &self,
        email: &EmailAddress,
        address: IpAddr,
    ) -> Result<CountedAttempt, CountError> {
        let block = AddressBlock::of(address);
        let attempt = LoginAttempt { name: email.login_name(), block, device: None };
        // They are logged in already.
        Ok(self.count(attempt, TooMany::Passwords).await?.of_somebody_known())
    }

    /// Counts an attempt among others of its kind.
    pub(super) async fn count(
        &self,
        attempt: LoginAttempt,
        kind: TooMany,
    ) -> Result<CountedAttempt, CountError> {
        let at = now();
        let policy = &self.inner.login_policy;
        let decision = self.inner.failures.attempt(policy, &attempt, at).await;
        match decision.map_err(Failure::from)? {
            LoginDecision::Allowed { keys } => {
                // Its cookie alone proves nothing: it is counted apart if the account knows it.
                let known = keys.iter().flatten().any(|key| matches!(key, FailureKey::Device(..)));
                let strangers = Asker::Stranger(Some(attempt.block.neighbourhood()));
                let asker = if known { Asker::Known } else { strangers };
                Ok(CountedAttempt { attempt, keys, asker, at, _flight: self.inner.in_flight.begin(keys) })
            }
            LoginDecision::Refused { by, retry_after_seconds } => {
                let scope = if matches!(by, FailureKey::Block(_)) { "address" } else { "account" };
                let (what, seconds_left) = match self.inner.in_flight.hold(&by) {
                    true => (TooMany::InFlight, IN_FLIGHT_RETRY_S),
                    false => (kind, retry_after_seconds),
                };
                let by = CountStanding {
                    name: count_name(kind, &by),
                    units: policy.borne(&by),
                    window: policy.window,
                    remaining: 0,
                    seconds_left,
                    full_at: policy.window_end(at),
                };
                Err(CountError::Throttled { scope, what, by })
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
    pub(super) async fn judged<T>(
        &self,
        counted: &CountedAttempt,
        outcome: Result<T, Failure>,
    ) -> Result<T, Failure> {
        if outcome.is_err() {
            self.withdraw(counted).await;
        }
        outcome
    }

    /// Gives back an attempt that was no wrong one.
    pub(super) async fn withdraw(&self, counted: &CountedAttempt) {
        if let Err(error) = self.inner.failures.withdrawn(&counted.keys, counted.at).await {
            let cause = causes(&error).join(": ");
            tracing::warn!(error = %error, cause, "an attempt that was no wrong one stays counted as failed");
        }
    }
}

// === impl TooMany ===

impl fmt::Display for TooMany {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(match self {
            Self::Passwords => "too many passwords were wrong",
            Self::Codes => "too many codes of the second factor were wrong",
            Self::PasswordsOrCodes => "too many passwords or codes of the second factor were wrong",
            Self::InFlight => "as many attempts as may fail are being checked right now",
            Self::LogIns => "the account was logged in to too often",
        })
    }
}

// === impl CountedAttempt ===

impl CountedAttempt {
    /// The same, of somebody who proved before who they are.
    pub(super) fn of_somebody_known(self) -> Self {
        Self { asker: Asker::Known, ..self }
    }

    /// The device that showed its cookie, if the account knows it.
    pub(super) fn known_device(&self) -> Option<DeviceDigest> {
        self.keys.iter().flatten().find_map(|key| match key {
            FailureKey::Device(_, device) => Some(*device),
            _ => None,
        })
    }
}

/// What clients read as the name of the count of this kind that is full.
fn count_name(kind: TooMany, full: &FailureKey) -> &'static str {
    match (kind, full) {
        (TooMany::Codes, _) => "failed_codes",
        (TooMany::PasswordsOrCodes, _) => "failed_codes_of_session",
        (_, FailureKey::Block(_)) => "failed_logins_of_address",
        _ => "failed_logins",
    }
}
