//! The log of revocations.

use shield_data::{Database, SqlRevocations};
use shield_guard::{
    TokenId,
    revocation::{Revocation, RevocationLog, RevocationReason, Revoked, Sequence},
};
use shield_types::Timestamp;

use crate::fixture::{NOW, race};

on_both!(
    empty_log_has_a_head,
    reads_back_in_pages,
    racing_writers_leave_no_holes,
    reader_never_sees_a_gap,
    new_epoch_is_higher,
);

fn entry(number: u8) -> Revocation {
    Revocation {
        revoked: Revoked::Token { token: TokenId::new(NOW, [number; 10]) },
        reason: RevocationReason::Logout,
        revoked_at: NOW,
        expires_at: Timestamp(NOW.0 + 900_000),
    }
}

async fn empty_log_has_a_head(database: Database) {
    let page = SqlRevocations::new(database).read_after(Sequence(0), 10).await.unwrap();
    assert_eq!((page.after, page.through, page.head), (Sequence(0), Sequence(0), Sequence(0)));
    assert!(page.entries.is_empty());
}

async fn reads_back_in_pages(database: Database) {
    let log = SqlRevocations::new(database);
    for number in 1..=5 {
        assert_eq!(log.append(&entry(number)).await.unwrap(), Sequence(u64::from(number)));
    }
    let page = log.read_after(Sequence(1), 3).await.unwrap();
    assert_eq!((page.after, page.through, page.head), (Sequence(1), Sequence(4), Sequence(5)));
    assert_eq!(
        page.entries,
        (2..=4).map(|number| (Sequence(u64::from(number)), entry(number))).collect::<Vec<_>>()
    );
    let rest = log.read_after(page.through, 3).await.unwrap();
    assert_eq!(
        (rest.through, rest.head, rest.entries),
        (Sequence(5), Sequence(5), vec![(Sequence(5), entry(5))])
    );
    let none = log.read_after(Sequence(5), 3).await.unwrap();
    assert_eq!((none.through, none.entries), (Sequence(5), Vec::new()));
}

async fn racing_writers_leave_no_holes(database: Database) {
    let log = SqlRevocations::new(database);
    let numbers = race(30, |racer| {
        let log = log.clone();
        async move { log.append(&entry(u8::try_from(racer).unwrap())).await.unwrap().0 }
    });
    let mut numbers = numbers.await;
    numbers.sort_unstable();
    assert_eq!(numbers, (1..=30).collect::<Vec<_>>());
}

/// Whoever sees entry n sees all before it, at every moment while others append.
async fn reader_never_sees_a_gap(database: Database) {
    let log = SqlRevocations::new(database);
    let writing = tokio::spawn({
        let log = log.clone();
        async move {
            race(60, |racer| {
                let log = log.clone();
                async move { log.append(&entry(u8::try_from(racer).unwrap())).await.unwrap() }
            })
            .await
        }
    });
    let mut cursor = Sequence(0);
    while cursor < Sequence(60) {
        let page = log.read_after(cursor, 1_000).await.unwrap();
        let numbers: Vec<_> = page.entries.iter().map(|(number, _)| number.0).collect();
        assert_eq!(numbers, (cursor.0 + 1..=page.head.0).collect::<Vec<_>>());
        assert_eq!(page.through, page.head);
        cursor = page.through;
    }
    assert_eq!(writing.await.unwrap().len(), 60);
}

async fn new_epoch_is_higher(database: Database) {
    let log = SqlRevocations::new(database);
    let epoch = async || log.read_after(Sequence(0), 1).await.unwrap().epoch;
    let first = epoch().await;
    log.begin_epoch(NOW).await.unwrap();
    let second = epoch().await;
    log.begin_epoch(NOW).await.unwrap();
    let third = epoch().await;
    assert!(first < second && second < third, "{first:?} {second:?} {third:?}");
}
