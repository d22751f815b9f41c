//! Keeping the tables bounded.

use shield_data::{Database, SqlFailures, SqlOneTimeTokens, SqlQuotas, SqlRevocations};
use shield_guard::{
    TokenId,
    address::AddressBlock,
    limit::{
        FailureStore, LoginAttempt, LoginDecision, LoginName, LoginPolicy, QuotaCharge, QuotaPeriod,
        QuotaStore, QuotaWindow,
    },
    one_time::{OneTimeStore, Purpose, TokenOrder, issue},
    revocation::{Revocation, RevocationLog, RevocationReason, Revoked, Sequence},
};
use shield_types::Timestamp;

use crate::fixture::{NOW, account};

on_both!(expired_rows_go_a_while_later, pruned_log_keeps_its_numbers);

const MINUTE_MS: u64 = 60_000;
const DAY_MS: u64 = 24 * 60 * MINUTE_MS;

fn after(millis: u64) -> Timestamp {
    Timestamp(NOW.0 + millis)
}

async fn expired_rows_go_a_while_later(database: Database) {
    let (failures, quotas) = (SqlFailures::new(database.clone()), SqlQuotas::new(database.clone()));
    let tokens = SqlOneTimeTokens::new(database.clone());
    let block = AddressBlock::of([192, 0, 2, 1].into());
    let attempt = LoginAttempt { name: LoginName([1; 32]), block, device: None };
    let decision = failures.attempt(&LoginPolicy::default(), &attempt, NOW).await.unwrap();
    let LoginDecision::Allowed { keys } = decision else { panic!("{decision:?}") };
    failures.succeeded(&attempt, &keys, NOW).await.unwrap();
    let window = QuotaWindow::at(QuotaPeriod::Day, NOW);
    let charge = QuotaCharge { account: account(1), feature: "checks", window, cost: 1, units: 9 };
    quotas.add(charge).await.unwrap();
    let order = TokenOrder { account: account(1), purpose: Purpose::PasswordReset, email: String::new() };
    let issued = issue(order, [1; 32], NOW);
    tokens.insert(issued.digest, issued.record.clone(), NOW).await.unwrap();

    assert_eq!(database.prune_batch(after(MINUTE_MS)).await.unwrap(), 0);
    // The token and four counters.
    assert_eq!(database.prune_batch(after(76 * MINUTE_MS)).await.unwrap(), 5);
    // The quota.
    assert_eq!(database.prune_batch(after(2 * DAY_MS)).await.unwrap(), 1);
    // The known block.
    assert_eq!(database.prune_batch(after(90 * DAY_MS)).await.unwrap(), 0);
    assert_eq!(database.prune_batch(after(90 * DAY_MS + 1)).await.unwrap(), 1);
}

async fn pruned_log_keeps_its_numbers(database: Database) {
    let log = SqlRevocations::new(database.clone());
    let entry = |number: u8, expires_at| Revocation {
        revoked: Revoked::Token { token: TokenId::new(NOW, [number; 10]) },
        reason: RevocationReason::Logout,
        revoked_at: NOW,
        expires_at,
    };
    for number in 1..=3 {
        log.append(&entry(number, after(u64::from(number) * DAY_MS))).await.unwrap();
    }
    assert_eq!(database.prune_batch(after(DAY_MS + 10 * MINUTE_MS)).await.unwrap(), 0, "within the margin");
    assert_eq!(database.prune_batch(after(DAY_MS + 16 * MINUTE_MS)).await.unwrap(), 1);
    let page = log.read_after(Sequence(0), 1).await.unwrap();
    assert_eq!((page.through, page.head, page.entries.len()), (Sequence(2), Sequence(3), 1));
    assert_eq!(database.prune_batch(after(9 * DAY_MS)).await.unwrap(), 2);
    let empty = log.read_after(Sequence(0), 10).await.unwrap();
    assert_eq!((empty.through, empty.head, empty.entries.len()), (Sequence(3), Sequence(3), 0));
    assert_eq!(log.append(&entry(4, after(99 * DAY_MS))).await.unwrap(), Sequence(4));
}
