//! Quotas.

use shield_data::{Database, SqlQuotas};
use shield_guard::limit::{QuotaCharge, QuotaPeriod, QuotaStore, QuotaWindow};
use shield_types::Timestamp;

use crate::fixture::{NOW, account, race};

on_both!(never_grants_more_than_units, windows_and_features_count_apart);

fn charge(cost: u32, units: u32) -> QuotaCharge<'static> {
    let window = QuotaWindow::at(QuotaPeriod::Day, NOW);
    QuotaCharge { account: account(1), feature: "checks", window, cost, units }
}

async fn never_grants_more_than_units(database: Database) {
    let quotas = SqlQuotas::new(database);
    let granted = race(40, |_| {
        let quotas = quotas.clone();
        async move { quotas.add(charge(2, 50)).await.unwrap() }
    });
    let mut sums: Vec<_> = granted.await.into_iter().flatten().collect();
    sums.sort_unstable();
    assert_eq!(sums, (1..=25).map(|number| number * 2).collect::<Vec<_>>());
    assert_eq!(quotas.add(charge(1, 50)).await.unwrap(), None);
    assert_eq!(quotas.add(charge(1, 51)).await.unwrap(), Some(51), "a refused charge added nothing");
    assert_eq!(quotas.add(charge(0, 51)).await.unwrap(), Some(51), "what costs nothing tells what was used");
}

async fn windows_and_features_count_apart(database: Database) {
    let quotas = SqlQuotas::new(database);
    let first = charge(1, 1);
    let tomorrow = QuotaWindow::at(QuotaPeriod::Day, Timestamp(NOW.0 + 86_400_000));
    let others = [
        QuotaCharge { feature: "reports", ..first },
        QuotaCharge { account: account(2), ..first },
        QuotaCharge { window: tomorrow, ..first },
        QuotaCharge { window: QuotaWindow::at(QuotaPeriod::Month, NOW), ..first },
    ];
    assert_eq!(quotas.add(first).await.unwrap(), Some(1));
    for other in others {
        assert_eq!(quotas.add(other).await.unwrap(), Some(1), "{other:?}");
    }
    assert_eq!(quotas.add(first).await.unwrap(), None);
    let dear = QuotaCharge { feature: "dear", cost: 2, ..first };
    assert_eq!(quotas.add(dear).await.unwrap(), None, "more than the whole window has");
}
