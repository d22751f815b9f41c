//! Families of refresh tokens.

use shield_data::{Database, SqlRefreshFamilies};
use shield_guard::token::{Exchange, RefreshFamily, RefreshRotation, RefreshStore};
use shield_types::{Sha256Digest, Timestamp};

use crate::fixture::{NOW, account, race, session};

on_both!(reads_back_every_field, one_of_many_rotations_wins, session_has_one_family);

fn family() -> RefreshFamily {
    RefreshFamily {
        session: session(1),
        account: account(1),
        began_at: NOW,
        ends_at: Timestamp(NOW.0 + 86_400_000),
        revision: 1,
        current: Sha256Digest::of(b"first"),
        rotation: None,
        revoked_at: None,
    }
}

fn rotated(racer: u8) -> RefreshFamily {
    let salt = [racer; 32];
    let used = Sha256Digest::of(b"first");
    let rotation = RefreshRotation { number: 1, used, at: Timestamp(NOW.0 + 1), salt };
    RefreshFamily { revision: 2, current: Sha256Digest::of(&[racer]), rotation: Some(rotation), ..family() }
}

async fn reads_back_every_field(database: Database) {
    let store = SqlRefreshFamilies::new(database);
    assert_eq!(store.load(session(1)).await.unwrap(), None);
    assert_eq!(store.insert(&family()).await.unwrap(), Exchange::Done);
    assert_eq!(store.load(session(1)).await.unwrap(), Some(family()));
    assert_eq!(store.replace(&rotated(7)).await.unwrap(), Exchange::Done);
    assert_eq!(store.load(session(1)).await.unwrap(), Some(rotated(7)));
    let revoked = rotated(7).revoked(Timestamp(NOW.0 + 2));
    assert_eq!(store.replace(&revoked).await.unwrap(), Exchange::Done);
    assert_eq!(store.load(session(1)).await.unwrap(), Some(revoked));
}

async fn one_of_many_rotations_wins(database: Database) {
    let store = SqlRefreshFamilies::new(database);
    assert_eq!(store.insert(&family()).await.unwrap(), Exchange::Done);
    let answers = race(20, |racer| {
        let store = store.clone();
        async move {
            let racer = u8::try_from(racer).unwrap();
            (racer, store.replace(&rotated(racer)).await.unwrap())
        }
    });
    let answers = answers.await;
    let winners: Vec<_> = answers.iter().filter(|(_, exchange)| *exchange == Exchange::Done).collect();
    let [(winner, _)] = winners[..] else { panic!("{answers:?}") };
    assert_eq!(store.load(session(1)).await.unwrap(), Some(rotated(*winner)), "nothing of a loser is stored");
}

async fn session_has_one_family(database: Database) {
    let store = SqlRefreshFamilies::new(database);
    let answers = race(10, |_| {
        let store = store.clone();
        async move { store.insert(&family()).await.unwrap() }
    });
    let done = answers.await.into_iter().filter(|exchange| *exchange == Exchange::Done).count();
    assert_eq!(done, 1);
    let ahead = RefreshFamily { revision: 3, ..rotated(1) };
    assert_eq!(store.replace(&ahead).await.unwrap(), Exchange::Lost, "a revision was skipped");
}
