//! API keys.

use std::collections::BTreeSet;

use shield_data::{Database, SqlApiKeys, SqlRevocations};
use shield_guard::{
    api_key::{
        ApiKeyFormat, ApiKeyOrder, ApiKeyPolicy, ApiKeyRandom, ApiKeyRecord, ApiKeyStore, Environment,
        KeyLimit, KeyRotation, StoredApiKey, StoredRotation,
    },
    revocation::{RevocationCause, RevocationLog, RevocationReason, Revoked, Sequence},
};
use shield_types::Timestamp;

use crate::fixture::{NOW, account, race};

on_both!(
    reads_back_every_field,
    limit_holds_in_a_race,
    asvs_v13_3_4_one_of_many_rotations_wins,
    rotations_without_end_leave_two_alive,
    replaced_keys_are_limited_too,
    revoked_key_is_announced_once,
    touch_moves_forward_only,
    pages_cover_all_keys_once,
);

const MANY: KeyLimit = KeyLimit(1_000);
const BY_OWNER: RevocationCause = RevocationCause { reason: RevocationReason::EndedByOwner, at: NOW };
const YEAR_MS: u64 = 365 * 86_400_000;

fn policy() -> ApiKeyPolicy {
    ApiKeyPolicy::new(ApiKeyFormat::new("ls").unwrap())
}

fn record(owner: u8, number: u8) -> ApiKeyRecord {
    let order = ApiKeyOrder {
        account: account(owner),
        name: "build server",
        // The sign bit of the column too.
        scopes: u64::MAX - 1,
        environment: Environment::Test,
        life: None,
    };
    let (mut id, mut key) = ([number; 10], [number; 32]);
    (id[4], key[0]) = (owner, owner);
    policy().make(&order, NOW, ApiKeyRandom { id, key }).unwrap().record
}

async fn reads_back_every_field(database: Database) {
    let store = SqlApiKeys::new(database);
    let key = record(1, 1);
    assert_eq!(store.create(&key, MANY).await.unwrap(), StoredApiKey::Kept);
    assert_eq!(store.list(account(1), NOW).await.unwrap(), [key]);
    assert!(store.list(account(2), NOW).await.unwrap().is_empty());
    assert!(store.list(account(1), Timestamp(NOW.0 + YEAR_MS)).await.unwrap().is_empty());
}

async fn limit_holds_in_a_race(database: Database) {
    let store = SqlApiKeys::new(database);
    // Many short races: one alone can end well by chance.
    for owner in 1..=10 {
        let answers = race(12, |racer| {
            let store = store.clone();
            async move { store.create(&record(owner, u8::try_from(racer).unwrap()), KeyLimit(3)).await.unwrap() }
        });
        let kept = answers.await.into_iter().filter(|answer| *answer == StoredApiKey::Kept).count();
        let listed = store.list(account(owner), NOW).await.unwrap().len();
        assert_eq!((kept, listed), (3, 3), "account {owner}");
    }
}

async fn asvs_v13_3_4_one_of_many_rotations_wins(database: Database) {
    let store = SqlApiKeys::new(database);
    let old = record(1, 100);
    store.create(&old, KeyLimit(1)).await.unwrap();
    let answers = race(12, |racer| {
        let (store, old) = (store.clone(), old.clone());
        async move {
            let random = ApiKeyRandom { id: [racer as u8; 10], key: [racer as u8; 32] };
            store.rotate(&policy().replace(&old, NOW, random).unwrap(), MANY).await.unwrap()
        }
    });
    assert_eq!(answers.await.into_iter().filter(kept).count(), 1);
    let keys = store.list(account(1), NOW).await.unwrap();
    let [replaced, successor] = &keys[..] else { panic!("{keys:?}") };
    let (replaced, successor) =
        if replaced.successor.is_some() { (replaced, successor) } else { (successor, replaced) };
    assert_eq!((replaced.id, replaced.successor, successor.successor), (old.id, Some(successor.id), None));
    assert!(replaced.expires_at < old.expires_at, "its grace ends before its life");
    let full = store.create(&record(1, 50), KeyLimit(1)).await.unwrap();
    assert_eq!(full, StoredApiKey::LimitReached, "the successor counts");
    let two = store.create(&record(1, 50), KeyLimit(2)).await.unwrap();
    assert_eq!(two, StoredApiKey::Kept, "the replaced one does not");
}

fn kept(rotation: &StoredRotation) -> bool {
    matches!(rotation, StoredRotation::Kept { .. })
}

fn successor_of(old: &ApiKeyRecord, at: Timestamp, number: u8) -> KeyRotation {
    policy().replace(old, at, ApiKeyRandom { id: [number; 10], key: [number; 32] }).unwrap()
}

async fn rotations_without_end_leave_two_alive(database: Database) {
    let store = SqlApiKeys::new(database);
    let mut old = record(1, 1);
    store.create(&old, KeyLimit(1)).await.unwrap();
    let mut before: Option<ApiKeyRecord> = None;
    for number in 2..30 {
        let at = Timestamp(NOW.0 + u64::from(number));
        let rotation = successor_of(&old, at, number);
        let StoredRotation::Kept { ended } = store.rotate(&rotation, KeyLimit(1)).await.unwrap() else {
            panic!("rotation {number}")
        };
        assert_eq!(ended.as_ref().map(|key| key.id), before.as_ref().map(|key| key.id));
        assert!(ended.is_none_or(|key| key.expires_at == at), "it ends now");
        let listed: BTreeSet<_> =
            store.list(account(1), at).await.unwrap().iter().map(|key| key.id).collect();
        assert_eq!(listed, BTreeSet::from([old.id, rotation.successor.record.id]));
        before = Some(old);
        old = rotation.successor.record;
    }
}

async fn replaced_keys_are_limited_too(database: Database) {
    let (store, limit) = (SqlApiKeys::new(database), KeyLimit(2));
    // Each successor is taken back, so that the next key may be made: what is left lives out its grace.
    for number in [1, 3] {
        let old = record(1, number);
        assert_eq!(store.create(&old, limit).await.unwrap(), StoredApiKey::Kept);
        let rotation = successor_of(&old, NOW, number + 1);
        assert!(kept(&store.rotate(&rotation, limit).await.unwrap()));
        store.revoke(account(1), rotation.successor.record.id, BY_OWNER).await.unwrap().unwrap();
    }
    let (third, first) = (record(1, 5), record(1, 1));
    store.create(&third, limit).await.unwrap();
    let rotation = successor_of(&third, NOW, 6);
    assert_eq!(store.rotate(&rotation, limit).await.unwrap(), StoredRotation::LimitReached);
    let listed = store.list(account(1), NOW).await.unwrap();
    let third = listed.iter().find(|key| key.id == third.id).unwrap();
    assert_eq!((listed.len(), third.successor), (3, None), "nothing was kept of it");
    store.revoke(account(1), first.id, BY_OWNER).await.unwrap().unwrap();
    assert!(kept(&store.rotate(&rotation, limit).await.unwrap()), "there is room again");
}

async fn revoked_key_is_announced_once(database: Database) {
    let store = SqlApiKeys::new(database.clone());
    let key = record(1, 1);
    store.create(&key, MANY).await.unwrap();
    assert_eq!(store.revoke(account(2), key.id, BY_OWNER).await.unwrap(), None);
    let answers = race(8, |_| {
        let (store, id) = (store.clone(), key.id);
        async move { store.revoke(account(1), id, BY_OWNER).await.unwrap() }
    });
    let taken: Vec<_> = answers.await.into_iter().flatten().collect();
    assert_eq!(taken, std::slice::from_ref(&key));
    let page = SqlRevocations::new(database).read_after(Sequence(0), 10).await.unwrap();
    let announced: Vec<_> = page.entries.iter().map(|(_, entry)| entry.revoked).collect();
    assert_eq!(announced, [Revoked::ApiKey { key: key.id }]);
    assert!(store.page(None, NOW, 10).await.unwrap().is_empty());
    assert!(store.list(account(1), NOW).await.unwrap().is_empty());
    let late = policy().replace(&key, NOW, ApiKeyRandom { id: [9; 10], key: [9; 32] }).unwrap();
    let late = store.rotate(&late, MANY).await.unwrap();
    assert_eq!(late, StoredRotation::Over, "what was taken back has no successor");
}

async fn touch_moves_forward_only(database: Database) {
    let store = SqlApiKeys::new(database);
    let key = record(1, 1);
    store.create(&key, MANY).await.unwrap();
    for (used, expected) in [(50, 50), (20, 50), (70, 70)] {
        store.touch(key.id, Timestamp(NOW.0 + used)).await.unwrap();
        let listed = store.list(account(1), NOW).await.unwrap();
        assert_eq!(listed[0].last_used_at, Some(Timestamp(NOW.0 + expected)));
    }
}

async fn pages_cover_all_keys_once(database: Database) {
    let store = SqlApiKeys::new(database);
    let keys: Vec<_> = (0..25).map(|number| record(number % 3, number)).collect();
    for key in &keys {
        store.create(key, MANY).await.unwrap();
    }
    store.revoke(keys[7].account, keys[7].id, BY_OWNER).await.unwrap().unwrap();
    let (mut after, mut seen) = (None, Vec::new());
    loop {
        let page = store.page(after, NOW, 4).await.unwrap();
        assert!(page.len() <= 4);
        let Some(last) = page.last() else { break };
        after = Some(last.id);
        seen.extend(page.iter().map(|key| key.id));
    }
    let expected: BTreeSet<_> = keys.iter().map(|key| key.id).filter(|id| *id != keys[7].id).collect();
    assert_eq!(seen, expected.into_iter().collect::<Vec<_>>());
    assert!(store.page(None, Timestamp(NOW.0 + YEAR_MS), 10).await.unwrap().is_empty());
}
