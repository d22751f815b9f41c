//! Signing keys.

use std::error::Error;

use shield_data::{Database, MasterKey, MasterKeys, SqlKeys, SqlRevocations};
use shield_guard::{
    KeyId, StoreError,
    revocation::{Revocation, RevocationLog, RevocationReason, Revoked, Sequence},
    token::{Algorithm, Exchange, KeyRecord, KeyStore, StoredKey, StoredRing},
};
use shield_types::{Secret, Timestamp};
use sqlx::query_scalar;

use crate::fixture::{Fixture, NOW, race};

on_both!(
    reads_back_keys_and_private_parts,
    one_of_many_rotations_wins,
    killed_key_is_in_the_log_or_nothing_is,
    issuers_have_their_own_keys,
    wrong_master_key_is_damage,
);

const PRIVATE: &[u8] = b"thirty-two bytes of private key!";

fn master_keys(byte: u8) -> MasterKeys {
    MasterKeys::new(MasterKey::new(&Secret::new([byte; 32])))
}

fn store(database: &Database) -> SqlKeys {
    SqlKeys::new(database.clone(), "https://issuer".to_owned(), master_keys(1))
}

fn ring(revision: u64, mark: u8) -> StoredRing {
    let record = KeyRecord {
        id: KeyId::from_thumbprint([mark; 32]),
        algorithm: Algorithm::EdDsa,
        public: Some(vec![mark; 32]),
        announced_at: NOW,
        signs_from: Timestamp(NOW.0 + 1),
        signs_until: Some(Timestamp(NOW.0 + 2)),
        verifies_until: None,
        killed_at: None,
    };
    let public_only = StoredKey { record: record.clone(), secret: None };
    let whole = StoredKey { record, secret: Some(Secret::new(Box::from(PRIVATE))) };
    StoredRing { revision, keys: vec![whole, public_only] }
}

async fn reads_back_keys_and_private_parts(database: Database) {
    let keys = store(&database);
    assert!(keys.load().await.unwrap().is_none());
    assert_eq!(keys.replace(&ring(1, 1)).await.unwrap(), Exchange::Done);
    assert_eq!(keys.replace(&ring(2, 2)).await.unwrap(), Exchange::Done);
    let loaded = keys.load().await.unwrap().unwrap();
    assert_eq!(loaded.revision, 2);
    assert_eq!(keys.load_newer(1).await.unwrap().unwrap().revision, 2);
    assert!(keys.load_newer(2).await.unwrap().is_none());
    let expected = ring(2, 2);
    for (loaded, expected) in loaded.keys.iter().zip(&expected.keys) {
        assert_eq!(loaded.record, expected.record);
        assert_eq!(loaded.secret.as_ref().map(Secret::expose), expected.secret.as_ref().map(Secret::expose));
    }
    assert_eq!(loaded.keys.len(), 2);
}

async fn one_of_many_rotations_wins(database: Database) {
    let keys = store(&database);
    for revision in 1..=2 {
        let answers = race(12, |racer| {
            let keys = keys.clone();
            async move { keys.replace(&ring(revision, u8::try_from(racer).unwrap())).await.unwrap() }
        });
        let done = answers.await.into_iter().filter(|exchange| *exchange == Exchange::Done).count();
        assert_eq!(done, 1, "revision {revision}");
    }
    assert_eq!(keys.replace(&ring(4, 1)).await.unwrap(), Exchange::Lost, "a revision was skipped");
}

async fn killed_key_is_in_the_log_or_nothing_is(database: Database) {
    let (keys, log) = (store(&database), SqlRevocations::new(database.clone()));
    let entry = |mark| Revocation {
        revoked: Revoked::SigningKey { key: KeyId::from_thumbprint([mark; 32]) },
        reason: RevocationReason::SecurityIncident,
        revoked_at: NOW,
        expires_at: Timestamp(NOW.0 + 1_000),
    };
    assert_eq!(keys.replace(&ring(1, 1)).await.unwrap(), Exchange::Done);
    let answers = race(6, |racer| {
        let keys = keys.clone();
        async move {
            let mark = u8::try_from(racer).unwrap();
            (mark, keys.replace_and_revoke(&ring(2, mark), &entry(mark)).await.unwrap())
        }
    });
    let done: Vec<_> =
        answers.await.into_iter().filter(|(_, exchange)| *exchange == Exchange::Done).collect();
    let [(mark, _)] = done[..] else { panic!("{done:?}") };
    assert_eq!(keys.load().await.unwrap().unwrap().keys[0].record, ring(2, mark).keys[0].record);
    let page = log.read_after(Sequence(0), 10).await.unwrap();
    assert_eq!(
        (page.head, page.entries),
        (Sequence(1), vec![(Sequence(1), entry(mark))]),
        "the losers left nothing"
    );
}

async fn issuers_have_their_own_keys(database: Database) {
    let other = SqlKeys::new(database.clone(), "https://other".to_owned(), master_keys(1));
    assert_eq!(store(&database).replace(&ring(1, 1)).await.unwrap(), Exchange::Done);
    assert!(other.load().await.unwrap().is_none());
    assert_eq!(other.replace(&ring(1, 2)).await.unwrap(), Exchange::Done);
}

async fn wrong_master_key_is_damage(database: Database) {
    assert_eq!(store(&database).replace(&ring(1, 1)).await.unwrap(), Exchange::Done);
    let stranger = SqlKeys::new(database, "https://issuer".to_owned(), master_keys(2));
    let error = stranger.load().await.unwrap_err();
    assert!(matches!(error, StoreError::Damaged { .. }), "{error}");
    let chain = format!("{error:?} {:?}", error.source());
    assert!(!chain.contains("private key!"), "{chain}");
}

#[tokio::test]
async fn nothing_private_in_the_database() {
    let fixture = Fixture::sqlite().await;
    assert_eq!(store(&fixture.database).replace(&ring(1, 1)).await.unwrap(), Exchange::Done);
    let pools = fixture.files.as_ref().unwrap();
    let kept: Vec<u8> =
        query_scalar("SELECT keys FROM guard_key_rings").fetch_one(&pools.reader).await.unwrap();
    let text = String::from_utf8(kept).unwrap();
    assert!(text.contains("\"sealed\":\"A"), "{text}");
    // As bytes, as JSON writes bytes, and as base64 would.
    for clear in ["private", "112,114,105,118,97,116,101", "dGhpcnR5LXR3by"] {
        assert!(!text.contains(clear), "{text}");
    }
}
