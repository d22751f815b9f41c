//! Checking a code, once per step.

use std::future::Future;

use shield_types::Timestamp;

use super::{
    code::{Drift, TotpCode, TotpStep},
    secret::TotpSecret,
};
use crate::{AccountId, StoreError};

/// What the store made of a step.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum StepAcceptance {
    /// It is later than every accepted one, and was recorded.
    Accepted,
    /// It, or a later one, was accepted before.
    Replayed,
}

/// Remembers the last accepted step of each account.
pub trait TotpStepStore: Sync {
    /// Records `step` if it is later than the recorded one, in one operation (`UPDATE … WHERE last_step < ?`): of
    /// callers that race with the same step one is accepted.
    fn accept(
        &self,
        account: AccountId,
        step: TotpStep,
    ) -> impl Future<Output = Result<StepAcceptance, StoreError>> + Send;
}

/// Why a code was not taken.
#[derive(Debug, thiserror::Error)]
pub enum TotpError {
    /// Not six digits.
    #[error("verify a code: it is not six digits")]
    Malformed,
    /// Not the code of this moment.
    #[error("verify a code: it is not the code of this moment")]
    Wrong,
    /// The right code, for the second time, or an older one than the last that was used.
    #[error("verify a code: it was used before")]
    Replayed,
    /// The store could not decide.
    #[error("verify a code: the store gave no answer")]
    Store(#[source] StoreError),
}

// === impl TotpError ===

impl TotpError {
    /// The name in events.
    pub const fn reason(&self) -> &'static str {
        match self {
            Self::Malformed => "malformed",
            Self::Wrong => "wrong",
            Self::Replayed => "replayed",
            Self::Store(_) => "store-away",
        }
    }

    /// What a client is told: a used code and a wrong one look the same.
    pub const fn client_text(&self) -> &'static str {
        match self {
            Self::Malformed | Self::Wrong | Self::Replayed => "this code is not valid",
            Self::Store(_) => "this cannot be checked at the moment, please try again",
        }
    }
}

/// What somebody claims to have read from an app.
#[derive(Clone, Copy)]
pub struct TotpAttempt<'a> {
    /// Whose second factor it is.
    pub account: AccountId,
    /// What was typed.
    pub text: &'a str,
    /// The server's time, never a client's (ASVS 5.0, 6.5.8).
    pub now: Timestamp,
}

/// Takes a code, once. The store is asked only about codes that are right, so guesses cost it nothing.
pub async fn verify_totp(
    store: &impl TotpStepStore,
    secret: &TotpSecret,
    drift: Drift,
    attempt: TotpAttempt<'_>,
) -> Result<(), TotpError> {
    let code = TotpCode::parse(attempt.text).map_err(|_| TotpError::Malformed)?;
    let now = TotpStep::at(attempt.now);
    let step = secret.matching_step(code, now, drift).ok_or(TotpError::Wrong)?;
    match store.accept(attempt.account, step).await.map_err(TotpError::Store)? {
        StepAcceptance::Accepted => Ok(()),
        StepAcceptance::Replayed => Err(TotpError::Replayed),
    }
}

#[cfg(test)]
mod tests {
    use std::{collections::BTreeMap, future, sync::Mutex, thread};

    use super::*;
    use crate::one_time::testing::{away, ready};

    #[derive(Default)]
    struct Steps(Mutex<BTreeMap<AccountId, TotpStep>>);

    impl TotpStepStore for Steps {
        fn accept(
            &self,
            account: AccountId,
            step: TotpStep,
        ) -> impl Future<Output = Result<StepAcceptance, StoreError>> + Send {
            let mut steps = self.0.lock().unwrap();
            let acceptance = match steps.get(&account) {
                Some(last) if step <= *last => StepAcceptance::Replayed,
                _ => {
                    steps.insert(account, step);
                    StepAcceptance::Accepted
                }
            };
            future::ready(Ok(acceptance))
        }
    }

    struct Away;

    impl TotpStepStore for Away {
        fn accept(
            &self,
            _: AccountId,
            _: TotpStep,
        ) -> impl Future<Output = Result<StepAcceptance, StoreError>> + Send {
            future::ready(Err(away()))
        }
    }

    fn attempt(store: &impl TotpStepStore, text: &str, seconds: u64) -> Result<(), TotpError> {
        let secret = TotpSecret::new(*b"12345678901234567890");
        let account = AccountId::new(Timestamp(0), [0; 10]);
        let now = Timestamp(seconds * 1_000);
        ready(verify_totp(store, &secret, Drift::OneStep, TotpAttempt { account, text, now }))
    }

    // Codes of the steps 0 to 3, from RFC 4226.
    const CODES: [&str; 4] = ["755224", "287082", "359152", "969429"];

    #[test]
    fn asvs_v6_5_1_refuses_a_used_code() {
        let steps = Steps::default();
        assert!(attempt(&steps, CODES[1], 45).is_ok());
        assert!(matches!(attempt(&steps, CODES[1], 46), Err(TotpError::Replayed)));
        assert!(matches!(attempt(&steps, CODES[0], 46), Err(TotpError::Replayed)), "older than the used one");
        assert!(attempt(&steps, CODES[2], 46).is_ok(), "the next one is new");
    }

    #[test]
    fn asvs_v15_4_2_parallel_replay_has_one_winner() {
        let steps = Steps::default();
        let winners = thread::scope(|scope| {
            let racers: Vec<_> =
                (0..8).map(|_| scope.spawn(|| attempt(&steps, CODES[1], 45).is_ok())).collect();
            racers.into_iter().map(|racer| usize::from(racer.join().unwrap())).sum::<usize>()
        });
        assert_eq!(winners, 1);
    }

    #[test]
    fn refuses_codes_of_other_moments() {
        assert!(matches!(attempt(&Steps::default(), CODES[0], 60), Err(TotpError::Wrong)));
        assert!(matches!(attempt(&Steps::default(), "000000", 60), Err(TotpError::Wrong)));
    }

    #[test]
    fn asvs_v16_5_3_refuses_when_the_store_is_away() {
        assert!(matches!(attempt(&Away, CODES[1], 45), Err(TotpError::Store(_))));
        assert!(
            matches!(attempt(&Away, "000000", 45), Err(TotpError::Wrong)),
            "guesses do not reach the store"
        );
    }

    #[test]
    fn clients_cannot_tell_used_from_wrong() {
        assert_eq!(TotpError::Replayed.client_text(), TotpError::Wrong.client_text());
    }
}
