//! Throttling of log-in.

use std::net::IpAddr;

use shield_data::{Database, SqlFailures};
use shield_guard::{
    address::AddressBlock,
    limit::{DeviceDigest, FailureKey, FailureStore, LoginAttempt, LoginDecision, LoginName, LoginPolicy},
};
use shield_types::Timestamp;

use crate::fixture::{NOW, race};

on_both!(
    asvs_v15_4_2_parallel_guesses_are_counted,
    asvs_v6_3_1_stranger_cannot_lock_out_a_known_device,
    success_forgives_and_remembers,
    crossed_attempts_never_deadlock,
    next_window_starts_at_zero,
    withdrawn_attempt_never_was,
    forgotten_devices_are_strangers,
);

fn attempt(name: u8, address: &str) -> LoginAttempt {
    let block = AddressBlock::of(address.parse::<IpAddr>().unwrap());
    LoginAttempt { name: LoginName([name; 32]), block, device: None }
}

async fn allowed(store: &SqlFailures, attempt: &LoginAttempt, now: Timestamp) -> bool {
    let decision = store.attempt(&LoginPolicy::default(), attempt, now).await.unwrap();
    matches!(decision, LoginDecision::Allowed { .. })
}

async fn asvs_v15_4_2_parallel_guesses_are_counted(database: Database) {
    let store = SqlFailures::new(database);
    let answers = race(30, |_| {
        let store = store.clone();
        async move { allowed(&store, &attempt(1, "192.0.2.1"), NOW).await }
    });
    let allowed = answers.await.into_iter().filter(|allowed| *allowed).count();
    assert_eq!(allowed, LoginPolicy::default().pair as usize);
}

async fn asvs_v6_3_1_stranger_cannot_lock_out_a_known_device(database: Database) {
    let store = SqlFailures::new(database);
    let owner = LoginAttempt { device: Some(DeviceDigest([9; 32])), ..attempt(1, "198.51.100.7") };
    let LoginDecision::Allowed { keys } = store.attempt(&LoginPolicy::default(), &owner, NOW).await.unwrap()
    else {
        panic!("the first attempt was refused");
    };
    store.succeeded(&owner, &keys, NOW).await.unwrap();
    for host in 1..=40 {
        allowed(&store, &attempt(1, &format!("203.0.{host}.1")), NOW).await;
    }
    // From a new place, with the device that was seen.
    let moved = LoginAttempt { device: owner.device, ..attempt(1, "203.0.1.1") };
    let decision = store.attempt(&LoginPolicy::default(), &moved, NOW).await.unwrap();
    let LoginDecision::Allowed { keys } = decision else { panic!("{decision:?}") };
    assert!(matches!(keys[0], Some(FailureKey::Device(..))), "{keys:?}");
}

async fn success_forgives_and_remembers(database: Database) {
    let store = SqlFailures::new(database);
    let here = attempt(1, "192.0.2.1");
    for round in 0..20 {
        let decision = store.attempt(&LoginPolicy::default(), &here, NOW).await.unwrap();
        let LoginDecision::Allowed { keys } = decision else { panic!("round {round}: {decision:?}") };
        // A stranger at first, and then known by the block.
        let stranger = keys.iter().flatten().any(|key| matches!(key, FailureKey::Account(_)));
        assert_eq!(stranger, round == 0, "{keys:?}");
        store.succeeded(&here, &keys, NOW).await.unwrap();
    }
    let later = Timestamp(NOW.0 + 91 * 86_400_000);
    let decision = store.attempt(&LoginPolicy::default(), &here, later).await.unwrap();
    let LoginDecision::Allowed { keys } = decision else { panic!("{decision:?}") };
    assert!(keys.iter().flatten().any(|key| matches!(key, FailureKey::Account(_))), "forgotten: {keys:?}");
}

/// Accounts and blocks are shared crosswise: without one order of locks, some of these would wait in a ring.
async fn crossed_attempts_never_deadlock(database: Database) {
    let store = SqlFailures::new(database);
    let answers = race(60, |racer| {
        let store = store.clone();
        async move {
            let racer = u8::try_from(racer).unwrap();
            let here = attempt(racer % 3, &format!("192.0.2.{}", racer % 4));
            let decision = store.attempt(&LoginPolicy::default(), &here, NOW).await.unwrap();
            if let LoginDecision::Allowed { keys } = decision {
                store.succeeded(&here, &keys, NOW).await.unwrap();
            }
        }
    });
    assert_eq!(answers.await.len(), 60);
}

async fn next_window_starts_at_zero(database: Database) {
    let store = SqlFailures::new(database);
    let here = attempt(1, "192.0.2.1");
    while allowed(&store, &here, NOW).await {}
    let next = Timestamp(NOW.0 + 900_000);
    assert!(allowed(&store, &here, next).await);
    // A node whose clock is behind goes on counting in the old window.
    assert!(!allowed(&store, &here, NOW).await);
}

async fn withdrawn_attempt_never_was(database: Database) {
    let store = SqlFailures::new(database);
    let here = attempt(1, "192.0.2.1");
    for round in 0..20 {
        let decision = store.attempt(&LoginPolicy::default(), &here, NOW).await.unwrap();
        let LoginDecision::Allowed { keys } = decision else { panic!("round {round}: {decision:?}") };
        let stranger = keys.iter().flatten().any(|key| matches!(key, FailureKey::Account(_)));
        assert!(stranger, "nobody becomes known by it: {keys:?}");
        store.withdrawn(&keys, NOW).await.unwrap();
        store.withdrawn(&keys, NOW).await.unwrap();
    }
    let pair = LoginPolicy::default().pair;
    for guess in 0..=pair {
        assert_eq!(allowed(&store, &here, NOW).await, guess < pair, "{guess}: never below zero");
    }
}

async fn forgotten_devices_are_strangers(database: Database) {
    let store = SqlFailures::new(database.clone());
    let device = Some(DeviceDigest([9; 32]));
    let (owner, other) = (
        LoginAttempt { device, ..attempt(1, "192.0.2.1") },
        LoginAttempt { device, ..attempt(2, "192.0.2.1") },
    );
    let known = async |who: &LoginAttempt| {
        let decision = store.attempt(&LoginPolicy::default(), who, NOW).await.unwrap();
        let LoginDecision::Allowed { keys } = decision else { panic!("{decision:?}") };
        store.succeeded(who, &keys, NOW).await.unwrap();
        matches!(keys[0], Some(FailureKey::Device(..)))
    };
    for who in [&owner, &other] {
        assert!(!known(who).await);
        assert!(known(who).await);
    }
    let mut transaction = database.begin().await.unwrap();
    SqlFailures::forget_known_within(&mut transaction, owner.name).await.unwrap();
    transaction.commit().await.unwrap();
    assert!(!known(&owner).await && known(&other).await);
}
