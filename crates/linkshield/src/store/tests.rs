//! The store against a real SQLite file, and a real PostgreSQL.

use std::{fs, os::unix::fs::PermissionsExt, time::Duration};

use futures_util::future::join_all;
use jiff::Timestamp;
use shield_data::Statement;
use shield_guard::AccountId;
use sqlx::AssertSqlSafe;

use super::{fixture::Fixture, *};
use crate::{analysis::ThreatLevel, telemetry::causes};

on_both!(
    reads_back_what_it_recorded,
    reuses_only_recent_same_analyzer,
    racing_checks_are_stored_once,
    failed_batch_stores_nothing,
    odd_texts_are_taken,
    lists_newest_first_by_filter,
    counts_recent_checks_of_account,
    prunes_by_age_and_number,
    two_stores_write_side_by_side,
);

fn owner() -> AccountId {
    AccountId::new(shield_types::Timestamp(1_000), [1; 10])
}

fn new_check(url: &str, created_at_ms: i64) -> NewCheck {
    let created_at = Timestamp::from_millisecond(created_at_ms).unwrap();
    NewCheck {
        account: Some(owner()),
        id: CheckId::new(),
        original_url: url.to_owned(),
        normalized_url: url.to_owned(),
        domain: "www.example.com".to_owned(),
        registrable_domain: "example.com".to_owned(),
        threat_level: ThreatLevel::High,
        confidence_score: 80,
        scan_started_at: created_at,
        scan_completed_at: created_at,
        analysis_results: r#"{"risk_score":75}"#.to_owned(),
        analyzer: "test/1".to_owned(),
        reusable: true,
        scan_results: vec![NewScanResult {
            scan_type: ScanType::Technical,
            provider: "test",
            threat_detected: true,
            threat_types: vec!["rule"],
            confidence_score: 80,
            metadata: serde_json::json!({}),
        }],
    }
}

async fn reads_back_what_it_recorded(fixture: Fixture) {
    let store = &fixture.store;
    let recorded = store.record(vec![new_check("https://a/", 1_000)], None).await.unwrap().remove(0);
    assert!(!recorded.reused);
    let found = store.find_check(recorded.check.id).await.unwrap().unwrap();
    let shown = |check: &StoredCheck| serde_json::to_value(check).unwrap();
    assert_eq!(shown(&found), shown(&recorded.check), "what was answered is what is kept");
    assert_eq!(found.account, recorded.check.account);
    assert_eq!(found.original_url, "https://a/");
    assert_eq!(found.created_at, Timestamp::from_millisecond(1_000).unwrap());
    assert_eq!(found.analysis_results.unwrap().get(), r#"{"risk_score":75}"#);
    let results = store.find_results(found.id).await.unwrap().unwrap();
    assert_eq!(results.len(), 1);
    assert_eq!(results[0].threat_types, ["rule"]);
    assert!(store.find_check(CheckId::new()).await.unwrap().is_none());
    assert!(store.find_results(CheckId::new()).await.unwrap().is_none());
}

async fn reuses_only_recent_same_analyzer(fixture: Fixture) {
    let store = &fixture.store;
    let since = |ms| Some(Timestamp::from_millisecond(ms).unwrap());
    let first = store.record(vec![new_check("https://a/", 1_000)], since(0)).await.unwrap().remove(0);
    let again = store.record(vec![new_check("https://a/", 2_000)], since(1_000)).await.unwrap().remove(0);
    assert_eq!((again.reused, again.check.id), (true, first.check.id));
    let late = store.record(vec![new_check("https://a/", 9_000)], since(1_001)).await.unwrap().remove(0);
    assert!(!late.reused);
    let other = NewCheck { analyzer: "test/2".to_owned(), ..new_check("https://a/", 9_000) };
    assert!(!store.record(vec![other], since(0)).await.unwrap()[0].reused);
    for account in [None, Some(AccountId::new(shield_types::Timestamp(1_000), [2; 10]))] {
        let strange = NewCheck { account, ..new_check("https://a/", 9_000) };
        assert!(!store.record(vec![strange], since(0)).await.unwrap()[0].reused, "one's own only");
    }
    let spelled = NewCheck { reusable: false, ..new_check("https://b/", 9_000) };
    store.record(vec![spelled], since(0)).await.unwrap();
    assert!(!store.record(vec![new_check("https://b/", 9_000)], since(0)).await.unwrap()[0].reused);
}

async fn failed_batch_stores_nothing(fixture: Fixture) {
    let store = &fixture.store;
    let one = new_check("https://a/", 1_000);
    let same_id = NewCheck { normalized_url: "https://b/".to_owned(), ..one.clone() };
    assert!(store.record(vec![one, same_id], None).await.is_err());
    let page = store.history(owner(), &HistoryFilter::default(), (10, 0)).await.unwrap();
    assert_eq!((page.total_count, page.checks.len()), (0, 0));
}

#[tokio::test]
async fn writes_again_after_full_disk() {
    let fixture = Fixture::sqlite().await;
    let store = &fixture.store;
    // As full as a disk can be: the file must not grow by a page.
    sqlx::query("PRAGMA max_page_count = 1").execute(&store.files().writer).await.unwrap();
    let large = || NewCheck {
        analysis_results: format!("\"{}\"", "a".repeat(100_000)),
        ..new_check("https://a/", 1)
    };
    let full = store.record(vec![large()], None).await.unwrap_err();
    assert!(causes(&full).concat().contains("full"), "{full:?}");
    store.record(vec![large()], None).await.unwrap();
}

async fn lists_newest_first_by_filter(fixture: Fixture) {
    let store = &fixture.store;
    for index in 0..5 {
        store.record(vec![new_check(&format!("https://{index}/"), index)], None).await.unwrap();
    }
    let safe = NewCheck {
        threat_level: ThreatLevel::Safe,
        domain: "other.org".to_owned(),
        registrable_domain: "other.org".to_owned(),
        ..new_check("https://other.org/", 9)
    };
    store.record(vec![safe], None).await.unwrap();
    let all = store.history(owner(), &HistoryFilter::default(), (2, 1)).await.unwrap();
    assert_eq!(all.total_count, 6);
    assert_eq!(
        all.checks.iter().map(|check| check.original_url.as_str()).collect::<Vec<_>>(),
        ["https://4/", "https://3/"]
    );
    let stranger = AccountId::new(shield_types::Timestamp(1_000), [2; 10]);
    assert_eq!(store.history(stranger, &HistoryFilter::default(), (10, 0)).await.unwrap().total_count, 0);
    let count =
        async |filter: HistoryFilter| store.history(owner(), &filter, (10, 0)).await.unwrap().total_count;
    let filter = HistoryFilter::default;
    assert_eq!(count(HistoryFilter { normalized_url: Some("https://3/".to_owned()), ..filter() }).await, 1);
    assert_eq!(
        count(HistoryFilter { registrable_domain: Some("example.com".to_owned()), ..filter() }).await,
        5
    );
    assert_eq!(count(HistoryFilter { host: Some("www.example.com".to_owned()), ..filter() }).await, 5);
    assert_eq!(count(HistoryFilter { threat_level: Some(ThreatLevel::Safe), ..filter() }).await, 1);
    assert_eq!(count(HistoryFilter { status: Some(CheckStatus::Completed), ..filter() }).await, 6);
    assert_eq!(count(HistoryFilter { status: Some(CheckStatus::Failed), ..filter() }).await, 0);
    let both = HistoryFilter {
        registrable_domain: Some("example.com".to_owned()),
        threat_level: Some(ThreatLevel::Safe),
        status: Some(CheckStatus::Completed),
        ..filter()
    };
    assert_eq!(count(both).await, 0);
    let quote = HistoryFilter { host: Some("' OR 1=1 --".to_owned()), ..filter() };
    assert_eq!(count(quote).await, 0);
}

async fn counts_recent_checks_of_account(fixture: Fixture) {
    let store = &fixture.store;
    for index in 0..3 {
        store.record(vec![new_check(&format!("https://{index}/"), index)], None).await.unwrap();
    }
    let strange = AccountId::new(shield_types::Timestamp(1_000), [2; 10]);
    store
        .record(vec![NewCheck { account: Some(strange), ..new_check("https://s/", 2) }], None)
        .await
        .unwrap();
    let stats = store.check_stats(owner(), Timestamp::from_millisecond(1).unwrap()).await.unwrap();
    let (status, threat_level) = (CheckStatus::Completed, Some(ThreatLevel::High));
    assert_eq!(stats.counts, [CheckCount { status, threat_level, count: 2 }]);
    assert_eq!(stats.top_domains, [("www.example.com".to_owned(), 2)]);
    let recent: Vec<_> = stats.recent.iter().map(|check| check.normalized_url.as_str()).collect();
    assert_eq!(recent, ["https://2/", "https://1/"]);
}

#[tokio::test]
async fn statements_use_indexes() {
    let fixture = Fixture::sqlite().await;
    let store = &fixture.store;
    let single = [
        (super::history::LIST, "checks_by_account"),
        (super::history::COUNT, "checks_by_account"),
        (super::checks::FIND_REUSABLE, "checks_by_normalized_url"),
        (super::checks::FIND, "sqlite_autoindex_checks_1"),
        (super::checks::FIND_RESULTS, "scan_results_by_check"),
    ];
    for (statement, index) in single {
        let explain = AssertSqlSafe(format!("EXPLAIN QUERY PLAN {statement}"));
        let plan: Vec<(i64, i64, i64, String)> =
            sqlx::query_as(explain).fetch_all(&store.files().reader).await.unwrap();
        let walks = |step: &String| step.contains(&format!("INDEX {index} "));
        assert!(plan.iter().any(|(.., step)| walks(step)), "{statement}: {plan:?}");
        assert!(!plan.iter().any(|(.., step)| step.starts_with("SCAN checks")), "{statement}: {plan:?}");
    }
}

async fn prunes_by_age_and_number(fixture: Fixture) {
    let store = &fixture.store;
    for index in 0..10 {
        store.record(vec![new_check(&format!("https://{index}/"), index * 1_000)], None).await.unwrap();
    }
    let now = Timestamp::from_millisecond(10_000).unwrap();
    let prune = async |age_ms, rows_max| {
        let limits = RetentionLimits { age_max: Duration::from_millis(age_ms), rows_max };
        store.prune_batch(limits, now).await.unwrap()
    };
    assert_eq!(prune(10_000, 10).await, 0);
    assert_eq!(prune(8_000, 10).await, 2);
    assert_eq!(prune(8_000, 5).await, 3);
    assert_eq!(prune(8_000, 5).await, 0);
    let left = Statement::new("SELECT count(*) AS left_over FROM scan_results");
    let left: i64 = store.checks.read_one(left).await.unwrap().unwrap().get("left_over").unwrap();
    assert_eq!(left, 5, "results go with their check");
}

#[tokio::test]
async fn listing_holds_up_nothing_else() {
    let fixture = Fixture::sqlite().await;
    let store = &fixture.store;
    let mut listings = Vec::new();
    for _ in 0..store.files().lister.options().get_max_connections() {
        listings.push(store.files().lister.acquire().await.unwrap());
    }
    store.ping().await.unwrap();
    let recorded = store.record(vec![new_check("https://a/", 1_000)], None).await.unwrap().remove(0);
    assert!(store.find_check(recorded.check.id).await.unwrap().is_some());
}

#[tokio::test]
async fn refuses_read_only_database() {
    let Fixture { store, directory, .. } = Fixture::sqlite().await;
    let path = directory.path().join(DATABASE_FILE);
    store.close().await;
    fs::set_permissions(&path, fs::Permissions::from_mode(0o444)).unwrap();
    // Root may write all the same; then there is nothing to refuse.
    let writable = fs::File::options().write(true).open(&path).is_ok();
    let opened = Store::open(directory.path()).await;
    assert!(matches!(&opened, Err(OpenError::ReadOnly { .. })) || (writable && opened.is_ok()), "{opened:?}");
}

async fn two_stores_write_side_by_side(fixture: Fixture) {
    let (one, two) = (&fixture.store, &fixture.again().await);
    let write = async |store: &Store, name: &str| {
        for index in 0..100 {
            store.record(vec![new_check(&format!("https://{name}/{index}"), index)], None).await.unwrap();
        }
    };
    tokio::join!(write(one, "one"), write(two, "two"));
    assert_eq!(one.history(owner(), &HistoryFilter::default(), (1, 0)).await.unwrap().total_count, 200);
    assert_eq!(two.history(owner(), &HistoryFilter::default(), (1, 0)).await.unwrap().total_count, 200);
}

async fn racing_checks_are_stored_once(fixture: Fixture) {
    let other = fixture.again().await;
    let since = Some(Timestamp::from_millisecond(0).unwrap());
    let batch = |racer: usize| {
        // In two orders, which must not wait for each other.
        let mut batch = vec![new_check("https://a/", 1_000), new_check("https://b/", 1_000)];
        batch.rotate_left(racer % 2);
        batch
    };
    let stores = [&fixture.store, &other];
    let racing = (0..8).map(|racer| stores[racer / 2 % 2].record(batch(racer), since));
    let recorded = join_all(racing).await.into_iter().flat_map(|recorded| recorded.unwrap());
    assert_eq!(recorded.filter(|recorded| !recorded.reused).count(), 2);
}

/// What clients may send: a NUL, which PostgreSQL has no place for, and more than fits into a row of its trees.
async fn odd_texts_are_taken(fixture: Fixture) {
    for url in ["https://a/\0".to_owned(), format!("https://a/{}", "x%20".repeat(5_000))] {
        let recorded = fixture.store.record(vec![new_check(&url, 1_000)], None).await.unwrap().remove(0);
        let found = fixture.store.find_check(recorded.check.id).await.unwrap().unwrap();
        let spelled = [url.clone(), url.replace('\0', "\u{fffd}")];
        assert!(spelled.contains(&found.original_url), "{}", found.original_url);
    }
}

#[cfg(feature = "postgres-tests")]
#[tokio::test]
async fn listing_leaves_connections_of_postgres() {
    let fixture = Fixture::postgres().await;
    let store = &fixture.store;
    let _first = store.turn_to_list().await.unwrap();
    let _second = store.turn_to_list().await.unwrap();
    let third = store.turn_to_list();
    assert!(futures_util::FutureExt::now_or_never(third).is_none(), "the third one waits");
    store.record(vec![new_check("https://a/", 1_000)], None).await.unwrap();
    store.ping().await.unwrap();
}
