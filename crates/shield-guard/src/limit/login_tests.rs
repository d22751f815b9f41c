//! Guessers, owners and bystanders against the throttle of log-in.

use std::{
    collections::{BTreeMap, BTreeSet},
    future,
    pin::pin,
    sync::{Mutex, PoisonError},
    task::{Context, Poll, Waker},
};

use shield_types::Timestamp;

use super::{
    DeviceDigest, FAILURE_KEYS_MAX, FailureKey, FailureStore, Familiarity, LoginAttempt, LoginDecision,
    LoginName, LoginPolicy, LoginRecord, forgiveness,
};
use crate::{StoreError, address::AddressBlock};

const NOON: Timestamp = Timestamp(1_800_000_000_000);
const OWNER: LoginName = LoginName([1; 32]);

/// The store's contract in memory.
#[derive(Default)]
struct Memory(Mutex<Counts>);

#[derive(Default)]
struct Counts {
    failures: BTreeMap<(u64, FailureKey), u32>,
    blocks: BTreeSet<(LoginName, AddressBlock)>,
    devices: BTreeSet<(LoginName, DeviceDigest)>,
}

impl Counts {
    fn record(&self, window: u64, attempt: &LoginAttempt) -> LoginRecord {
        let LoginAttempt { name, block, device } = *attempt;
        let count = |key| self.failures.get(&(window, key)).copied().unwrap_or(0);
        let known = device.filter(|device| self.devices.contains(&(name, *device)));
        LoginRecord {
            familiarity: match known {
                Some(_) => Familiarity::Device,
                None if self.blocks.contains(&(name, block)) => Familiarity::Block,
                None => Familiarity::Stranger,
            },
            device: known.map_or(0, |device| count(FailureKey::Device(name, device))),
            pair: count(FailureKey::Pair(name, block)),
            neighbourhood: count(FailureKey::Neighbourhood(name, block.neighbourhood())),
            block: count(FailureKey::Block(block)),
            account: count(FailureKey::Account(name)),
        }
    }
}

impl FailureStore for Memory {
    fn attempt(
        &self,
        policy: &LoginPolicy,
        attempt: &LoginAttempt,
        now: Timestamp,
    ) -> impl Future<Output = Result<LoginDecision, StoreError>> + Send {
        let mut counts = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let window = policy.window_number(now);
        let decision = policy.decide(attempt, &counts.record(window, attempt), now);
        if let LoginDecision::Allowed { keys } = decision {
            for key in keys.into_iter().flatten() {
                *counts.failures.entry((window, key)).or_default() += 1;
            }
        }
        future::ready(Ok(decision))
    }

    fn succeeded(
        &self,
        attempt: &LoginAttempt,
        keys: &[Option<FailureKey>; FAILURE_KEYS_MAX],
        now: Timestamp,
    ) -> impl Future<Output = Result<(), StoreError>> + Send {
        let mut counts = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let window = LoginPolicy::default().window_number(now);
        for key in keys.iter().flatten() {
            let count = counts.failures.entry((window, *key)).or_default();
            *count = forgiveness(key, *count);
        }
        counts.blocks.insert((attempt.name, attempt.block));
        counts.devices.extend(attempt.device.map(|device| (attempt.name, device)));
        future::ready(Ok(()))
    }

    fn withdrawn(
        &self,
        keys: &[Option<FailureKey>; FAILURE_KEYS_MAX],
        counted_at: Timestamp,
    ) -> impl Future<Output = Result<(), StoreError>> + Send {
        let mut counts = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let window = LoginPolicy::default().window_number(counted_at);
        for key in keys.iter().flatten() {
            let count = counts.failures.entry((window, *key)).or_default();
            *count = count.saturating_sub(1);
        }
        future::ready(Ok(()))
    }
}

/// What a future that is ready says.
fn ready<T>(future: impl Future<Output = T>) -> T {
    match pin!(future).poll(&mut Context::from_waker(Waker::noop())) {
        Poll::Ready(value) => value,
        Poll::Pending => panic!("memory never waits"),
    }
}

fn attempt(name: LoginName, address: &str) -> LoginAttempt {
    LoginAttempt { name, block: AddressBlock::of(address.parse().unwrap()), device: None }
}

impl Memory {
    fn tries(&self, attempt: &LoginAttempt, now: Timestamp) -> LoginDecision {
        ready(self.attempt(&LoginPolicy::default(), attempt, now)).unwrap()
    }

    /// Wrong passwords until the throttle refuses, at most `most`.
    fn guesses(&self, attempt: &LoginAttempt, most: u32) -> u32 {
        let allowed = |_: &u32| matches!(self.tries(attempt, NOON), LoginDecision::Allowed { .. });
        u32::try_from((0..most).take_while(allowed).count()).unwrap()
    }

    fn logs_in(&self, attempt: &LoginAttempt) -> bool {
        match self.tries(attempt, NOON) {
            LoginDecision::Allowed { keys } => {
                ready(self.succeeded(attempt, &keys, NOON)).unwrap();
                true
            }
            LoginDecision::Refused { .. } => false,
        }
    }
}

#[test]
fn asvs_v6_3_1_stops_password_guessing() {
    let memory = Memory::default();
    let guesser = attempt(OWNER, "198.51.100.7");
    assert_eq!(memory.guesses(&guesser, 100), 5);
    let LoginDecision::Refused { retry_after_seconds, by } = memory.tries(&guesser, NOON) else { panic!() };
    assert_eq!(by, FailureKey::Pair(OWNER, guesser.block));
    let later = Timestamp(NOON.0 + retry_after_seconds * 1_000);
    assert!(matches!(memory.tries(&guesser, later), LoginDecision::Allowed { .. }), "{retry_after_seconds}");
}

#[test]
fn asvs_v6_3_1_stops_credential_stuffing() {
    let memory = Memory::default();
    let stuffed = |name: u8| memory.guesses(&attempt(LoginName([name; 32]), "198.51.100.7"), 1);
    assert_eq!((0..200).map(stuffed).sum::<u32>(), 50);
}

#[test]
fn asvs_v6_3_1_slows_distributed_guessing() {
    let memory = Memory::default();
    let blocks = 60;
    let guessed: u32 =
        (0..blocks).map(|block| memory.guesses(&attempt(OWNER, &format!("198.51.{block}.7")), 9)).sum();
    assert_eq!(guessed, 4 * 5 + (blocks - 4) * 2);
    // A whole IPv6 /48 is one neighbourhood.
    let guessed: u32 =
        (0..1_000).map(|block| memory.guesses(&attempt(OWNER, &format!("2001:db8:1:{block:x}::7")), 9)).sum();
    assert_eq!(guessed, 10);
}

#[test]
fn asvs_v6_1_1_prevents_malicious_lockout() {
    let memory = Memory::default();
    let cookie = DeviceDigest([7; 32]);
    let at_home = LoginAttempt { device: Some(cookie), ..attempt(OWNER, "192.0.2.1") };
    assert!(memory.logs_in(&at_home));
    for block in 0..200 {
        memory.guesses(&attempt(OWNER, &format!("198.51.{block}.7")), 9);
    }
    // From the owner's own block, too.
    memory.guesses(&attempt(OWNER, "192.0.2.1"), 100);
    for name in 100..200 {
        memory.guesses(&attempt(LoginName([name; 32]), "192.0.2.1"), 1);
    }
    assert!(memory.logs_in(&at_home), "a known device");
    assert!(
        memory.logs_in(&LoginAttempt { block: attempt(OWNER, "203.0.113.5").block, ..at_home }),
        "abroad"
    );
    assert!(memory.logs_in(&attempt(OWNER, "203.0.113.77")), "a new place");
}

#[test]
fn asvs_v15_4_2_counts_before_looking() {
    let memory = Memory::default();
    let guesser = attempt(OWNER, "198.51.100.7");
    let allowed =
        (0..100).filter(|_| matches!(memory.tries(&guesser, NOON), LoginDecision::Allowed { .. })).count();
    assert_eq!(allowed, 5, "none of them was settled");
}

#[test]
fn what_nobody_looked_at_does_not_count() {
    let memory = Memory::default();
    let owner = attempt(OWNER, "192.0.2.1");
    for _ in 0..100 {
        let LoginDecision::Allowed { keys } = memory.tries(&owner, NOON) else { panic!("it counts") };
        ready(memory.withdrawn(&keys, NOON)).unwrap();
    }
    assert_eq!(memory.guesses(&owner, 100), 5);
}

#[test]
fn right_password_that_opens_nothing_forgives_itself_only() {
    let memory = Memory::default();
    let owner = attempt(OWNER, "192.0.2.1");
    for _ in 0..5 {
        let LoginDecision::Allowed { keys } = memory.tries(&owner, NOON) else { panic!("it counts") };
        ready(memory.withdrawn(&keys, NOON)).unwrap();
        assert_eq!(memory.guesses(&owner, 1), 1);
    }
    assert_eq!(memory.guesses(&owner, 1), 0, "five were wrong");
}

#[test]
fn own_account_washes_nothing_clean() {
    let memory = Memory::default();
    let own = attempt(LoginName([2; 32]), "198.51.100.7");
    let mut guessed = 0;
    for name in 10..250 {
        guessed += memory.guesses(&attempt(LoginName([name; 32]), "198.51.100.7"), 1);
        memory.logs_in(&own);
    }
    assert_eq!(guessed, 50);
}

#[test]
fn stolen_cookie_has_its_limit() {
    let memory = Memory::default();
    let stolen = LoginAttempt { device: Some(DeviceDigest([7; 32])), ..attempt(OWNER, "192.0.2.1") };
    assert!(memory.logs_in(&stolen));
    assert_eq!(memory.guesses(&stolen, 100), 5);
    // A cookie that the account never saw is a stranger's.
    let invented = LoginAttempt { device: Some(DeviceDigest([8; 32])), ..attempt(OWNER, "198.51.100.7") };
    assert_eq!(memory.guesses(&invented, 100), 5);
    assert_eq!(memory.guesses(&LoginAttempt { device: Some(DeviceDigest([9; 32])), ..invented }, 100), 0);
}
