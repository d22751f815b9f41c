//! Limits that are counted exactly.

use std::{num::NonZeroU32, time::Duration};

use shield_data::{Database, SqlLeases};
use shield_guard::limit::{LeaseAnswer, LeaseRequest, LeaseStore, LimitKey, Rate};
use shield_types::Timestamp;

use crate::fixture::{NOW, race};

on_both!(never_lends_more_than_the_count, limits_keys_and_windows_count_apart);

const MINUTE_MS: u64 = 60_000;

fn request(want: u32, count: u32) -> LeaseRequest {
    LeaseRequest {
        limit: "auth_login",
        key: LimitKey::RouteClass(1),
        rate: Rate::new(count, Duration::from_millis(MINUTE_MS)).unwrap(),
        want: NonZeroU32::new(want).unwrap(),
        cost: NonZeroU32::MIN,
        window_start: NOW,
        window_end: Timestamp(NOW.0 + MINUTE_MS),
    }
}

async fn lent(leases: &SqlLeases, request: LeaseRequest) -> u32 {
    match leases.take(&request, NOW).await.unwrap() {
        LeaseAnswer::Granted { tokens } => tokens,
        LeaseAnswer::Forgotten => panic!("a database does not forget"),
    }
}

async fn never_lends_more_than_the_count(database: Database) {
    let leases = SqlLeases::new(database);
    let granted = race(40, |_| {
        let leases = leases.clone();
        async move { lent(&leases, request(2, 51)).await }
    });
    let mut granted = granted.await;
    granted.sort_unstable();
    let expected = [vec![0; 14], vec![1], vec![2; 25]].concat();
    assert_eq!(granted, expected, "all of them, and the last one alone");
    assert_eq!(lent(&leases, request(1, 52)).await, 1, "a higher tier has one more");
    assert_eq!(lent(&leases, request(1, 51)).await, 0);
}

async fn limits_keys_and_windows_count_apart(database: Database) {
    let leases = SqlLeases::new(database);
    let first = request(9, 3);
    let next = Timestamp(NOW.0 + MINUTE_MS);
    let others = [
        LeaseRequest { limit: "auth_registration", ..first },
        LeaseRequest { key: LimitKey::RouteClass(2), ..first },
        LeaseRequest { window_start: next, window_end: Timestamp(next.0 + MINUTE_MS), ..first },
    ];
    assert_eq!(lent(&leases, first).await, 3, "no more than there are");
    for other in others {
        assert_eq!(lent(&leases, other).await, 3, "{other:?}");
    }
    assert_eq!(lent(&leases, first).await, 0);
}
