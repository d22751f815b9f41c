//! API keys.

use std::{collections::BTreeSet, pin::pin, time::Duration};

use shield_data::{Database, Dialect, SqlApiKeys, SqlRevocations, SqlitePools, Statement, guard_migrations};
use shield_guard::{
    api_key::{
        ApiKeyChange, ApiKeyChangeNumber, ApiKeyFormat, ApiKeyOrder, ApiKeyPolicy, ApiKeyQuestion,
        ApiKeyRandom, ApiKeyRecord, ApiKeyStore, Environment, KeyLimit, KeyRotation, StoredApiKey,
        StoredRotation,
    },
    revocation::{RevocationCause, RevocationLog, RevocationReason, Revoked, Sequence},
};
use shield_testkit::Postgres;
use shield_types::Timestamp;
use sqlx::{migrate::Migrator, sqlite::SqlitePoolOptions};
use tokio::time::timeout;

use crate::fixture::{NOW, PATIENCE, account, pool, race};

on_both!(
    reads_back_every_field,
    limit_holds_in_a_race,
    asvs_v13_3_4_one_of_many_rotations_wins,
    rotations_without_end_leave_two_alive,
    replaced_keys_are_limited_too,
    revoked_key_is_announced_once,
    all_keys_of_an_account_are_taken_back,
    touch_moves_forward_only,
    pages_cover_all_keys_once,
    every_change_but_a_use_is_followed,
    no_change_is_passed_over_in_a_race,
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
    let start = ApiKeyChangeNumber(0);
    let living = store.changes(ApiKeyQuestion::Living { after: start }, NOW, 10).await.unwrap();
    assert_eq!(
        (living.changes, living.head, living.through),
        (Vec::new(), ApiKeyChangeNumber(2), ApiKeyChangeNumber(2))
    );
    let changed = store.changes(ApiKeyQuestion::Changed { after: start }, NOW, 10).await.unwrap();
    assert_eq!(changed.changes, [ApiKeyChange { record: key.clone(), revoked: true }]);
    assert!(store.list(account(1), NOW).await.unwrap().is_empty());
    let late = policy().replace(&key, NOW, ApiKeyRandom { id: [9; 10], key: [9; 32] }).unwrap();
    let late = store.rotate(&late, MANY).await.unwrap();
    assert_eq!(late, StoredRotation::Over, "what was taken back has no successor");
}

async fn all_keys_of_an_account_are_taken_back(database: Database) {
    let store = SqlApiKeys::new(database.clone());
    for (owner, number) in [(1, 1), (1, 2), (2, 3)] {
        store.create(&record(owner, number), MANY).await.unwrap();
    }
    // A replaced key works until its grace is over.
    let rotation = successor_of(&record(1, 1), NOW, 4);
    assert!(kept(&store.rotate(&rotation, MANY).await.unwrap()));
    let answers = race(8, |_| {
        let store = store.clone();
        async move { store.revoke_all(account(1), BY_OWNER).await.unwrap() }
    });
    let taken: BTreeSet<_> = answers.await.into_iter().flatten().map(|key| key.id).collect();
    let expected = [record(1, 1).id, record(1, 2).id, rotation.successor.record.id];
    assert_eq!(taken, BTreeSet::from(expected));
    let page = SqlRevocations::new(database).read_after(Sequence(0), 10).await.unwrap();
    let announced: Vec<_> = page.entries.iter().map(|(_, entry)| entry.revoked).collect();
    assert_eq!(announced.len(), 3, "each once");
    assert!(expected.iter().all(|key| announced.contains(&Revoked::ApiKey { key: *key })));
    assert!(store.list(account(1), NOW).await.unwrap().is_empty());
    assert_eq!(store.list(account(2), NOW).await.unwrap(), [record(2, 3)]);
    assert_eq!(
        store.owner(record(1, 2).id).await.unwrap(),
        Some(account(1)),
        "its id still says whose it was"
    );
    assert_eq!(store.owner(record(3, 9).id).await.unwrap(), None);
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
    let (mut after, mut seen) = (ApiKeyChangeNumber(0), Vec::new());
    loop {
        let page = store.changes(ApiKeyQuestion::Living { after }, NOW, 4).await.unwrap();
        assert!(page.changes.len() <= 4 && page.through <= page.head);
        seen.extend(page.changes.iter().map(|change| change.record.id));
        after = page.through;
        if after == page.head {
            break;
        }
    }
    let expected: Vec<_> = keys.iter().map(|key| key.id).filter(|id| *id != keys[7].id).collect();
    assert_eq!(seen, expected, "as they were made");
    let question = ApiKeyQuestion::Living { after: ApiKeyChangeNumber(0) };
    let later = store.changes(question, Timestamp(NOW.0 + YEAR_MS), 10).await.unwrap();
    assert!(later.changes.is_empty() && later.through == later.head);
}

/// What changed after `after`: the keys, and the last change.
async fn changed(store: &SqlApiKeys, after: ApiKeyChangeNumber) -> (Vec<ApiKeyChange>, ApiKeyChangeNumber) {
    let page = store.changes(ApiKeyQuestion::Changed { after }, NOW, 100).await.unwrap();
    assert_eq!(page.through, page.head);
    (page.changes, page.head)
}

async fn every_change_but_a_use_is_followed(database: Database) {
    let store = SqlApiKeys::new(database);
    let old = record(1, 1);
    store.create(&old, MANY).await.unwrap();
    let (made, after) = changed(&store, ApiKeyChangeNumber(0)).await;
    assert_eq!(made, [ApiKeyChange { record: old.clone(), revoked: false }]);
    store.touch(old.id, Timestamp(NOW.0 + 50)).await.unwrap();
    assert_eq!(changed(&store, after).await, (Vec::new(), after), "a use is no change");
    let rotation = successor_of(&old, NOW, 2);
    store.rotate(&rotation, MANY).await.unwrap();
    let (rotated, after) = changed(&store, after).await;
    let ends: BTreeSet<_> =
        rotated.iter().map(|change| (change.record.id, change.record.expires_at)).collect();
    let successor = &rotation.successor.record;
    let expected = [(old.id, rotation.replaced.expires_at), (successor.id, successor.expires_at)];
    assert_eq!(ends, BTreeSet::from(expected), "the old key's new end as well");
    let later = Timestamp(NOW.0 + 100);
    store.rotate(&successor_of(successor, later, 3), MANY).await.unwrap();
    let (again, after) = changed(&store, after).await;
    let first = again.iter().find(|change| change.record.id == old.id).unwrap();
    assert_eq!((again.len(), first.record.expires_at), (3, later), "the one before ends, and says so");
    store.revoke(account(1), successor.id, BY_OWNER).await.unwrap().unwrap();
    let (revoked, _) = changed(&store, after).await;
    assert!(matches!(&revoked[..], [change] if change.revoked && change.record.id == successor.id));
}

async fn no_change_is_passed_over_in_a_race(database: Database) {
    let store = SqlApiKeys::new(database);
    let makers = race(8, |racer| {
        let store = store.clone();
        async move {
            for number in 0..8 {
                let key = record(u8::try_from(racer).unwrap() + 1, number);
                assert_eq!(store.create(&key, MANY).await.unwrap(), StoredApiKey::Kept);
            }
        }
    });
    let (mut seen, mut after) = (BTreeSet::new(), ApiKeyChangeNumber(0));
    let mut makers = pin!(makers);
    loop {
        let done = timeout(Duration::ZERO, &mut makers).await.is_ok();
        let (page, head) = changed(&store, after).await;
        seen.extend(page.iter().map(|change| change.record.id));
        after = head;
        if done {
            break;
        }
    }
    assert_eq!((seen.len(), after), (64, ApiKeyChangeNumber(64)));
}

/// What the release before change numbers wrote.
async fn made_by_an_older_release(database: &Database) {
    const INSERT: &str =
        "INSERT INTO guard_api_keys (id, account, digest, name, hint, scopes, environment, created_at,
        expires_at) VALUES ($1, $2, $3, 'a', 'aaaa', 1, 'live', $4, $5)";
    for number in 1..=3 {
        let key = record(1, number);
        let insert = Statement::new(INSERT).with(key.id).with(key.account).with(key.digest.as_bytes());
        database.write(insert.with(key.created_at).with(key.expires_at)).await.unwrap();
    }
}

async fn numbered(database: Database) {
    let store = SqlApiKeys::new(database.clone());
    let question = ApiKeyQuestion::Living { after: ApiKeyChangeNumber(0) };
    let page = store.changes(question, NOW, 2).await.unwrap();
    assert_eq!((page.through, page.head), (ApiKeyChangeNumber(2), ApiKeyChangeNumber(3)));
    let ids: Vec<_> = page.changes.iter().map(|change| change.record.id).collect();
    assert_eq!(ids, [1, 2].map(|number| record(1, number).id));
    // The older release still runs beside this one, and knows nothing of numbers.
    let end = "UPDATE guard_api_keys SET expires_at = $2 WHERE id = $1";
    database.write(Statement::new(end).with(record(1, 1).id).with(NOW)).await.unwrap();
    let (after, _) = changed(&store, page.head).await;
    assert!(matches!(&after[..], [change] if change.record.expires_at == NOW), "{after:?}");
}

#[tokio::test]
async fn keys_of_an_older_release_are_numbered_in_sqlite() {
    let pool = SqlitePoolOptions::new().max_connections(1).connect("sqlite::memory:").await.unwrap();
    let database = Database::forgetful_sqlite(
        SqlitePools { reader: pool.clone(), writer: pool.clone() },
        Duration::from_secs(60),
    );
    let migrations = guard_migrations(Dialect::Sqlite);
    Migrator::with_migrations(migrations[..2].to_vec()).run(&pool).await.unwrap();
    made_by_an_older_release(&database).await;
    Migrator::with_migrations(migrations).run(&pool).await.unwrap();
    numbered(database).await;
}

#[tokio::test]
async fn keys_of_an_older_release_are_numbered_in_postgres() {
    let url = Postgres::shared().create_database().unwrap();
    let pool = pool(&url, PATIENCE).await;
    let migrations = guard_migrations(Dialect::Postgres);
    pool.migrate(&Migrator::with_migrations(migrations[..2].to_vec())).await.unwrap();
    made_by_an_older_release(&Database::postgres(pool.clone())).await;
    pool.migrate(&Migrator::with_migrations(migrations)).await.unwrap();
    numbered(Database::postgres(pool)).await;
}
