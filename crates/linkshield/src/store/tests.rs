//! The store against a real SQLite file.

use std::{fs, os::unix::fs::PermissionsExt, time::Duration};

use jiff::Timestamp;
use shield_guard::AccountId;
use sqlx::AssertSqlSafe;

use super::*;
use crate::{analysis::ThreatLevel, scratch::ScratchDirectory, telemetry::causes};

struct Fixture {
    store: Store,
    _directory: ScratchDirectory,
}

async fn fixture() -> Fixture {
    let directory = ScratchDirectory::new();
    Fixture { store: Store::open(directory.path()).await.unwrap(), _directory: directory }
}

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

#[tokio::test]
async fn reads_back_what_it_recorded() {
    let Fixture { store, _directory } = fixture().await;
    let recorded = store.record(vec![new_check("https://a/", 1_000)], None).await.unwrap().remove(0);
    assert!(!recorded.reused);
    let found = store.find_check(recorded.check.id).await.unwrap().unwrap();
    assert_eq!(found.original_url, "https://a/");
    assert_eq!(found.created_at, Timestamp::from_millisecond(1_000).unwrap());
    assert_eq!(found.analysis_results.unwrap().get(), r#"{"risk_score":75}"#);
    let results = store.find_results(found.id).await.unwrap().unwrap();
    assert_eq!(results.len(), 1);
    assert_eq!(results[0].threat_types, ["rule"]);
    assert!(store.find_check(CheckId::new()).await.unwrap().is_none());
    assert!(store.find_results(CheckId::new()).await.unwrap().is_none());
}

#[tokio::test]
async fn reuses_only_recent_same_analyzer() {
    let Fixture { store, _directory } = fixture().await;
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

#[tokio::test]
async fn failed_batch_stores_nothing() {
    let Fixture { store, _directory } = fixture().await;
    let one = new_check("https://a/", 1_000);
    let same_id = NewCheck { normalized_url: "https://b/".to_owned(), ..one.clone() };
    assert!(store.record(vec![one, same_id], None).await.is_err());
    let page = store.history(owner(), &HistoryFilter::default(), (10, 0)).await.unwrap();
    assert_eq!((page.total_count, page.checks.len()), (0, 0));
}

#[tokio::test]
async fn writes_again_after_full_disk() {
    let Fixture { store, _directory } = fixture().await;
    // As full as a disk can be: the file must not grow by a page.
    sqlx::query("PRAGMA max_page_count = 1").execute(&store.writer).await.unwrap();
    let large = || NewCheck {
        analysis_results: format!("\"{}\"", "a".repeat(100_000)),
        ..new_check("https://a/", 1)
    };
    let full = store.record(vec![large()], None).await.unwrap_err();
    assert!(causes(&full).concat().contains("full"), "{full:?}");
    store.record(vec![large()], None).await.unwrap();
}

#[tokio::test]
async fn lists_newest_first_by_filter() {
    let Fixture { store, _directory } = fixture().await;
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

#[tokio::test]
async fn statements_use_indexes() {
    let Fixture { store, _directory } = fixture().await;
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
            sqlx::query_as(explain).fetch_all(&store.reader).await.unwrap();
        let walks = |step: &String| step.contains(&format!("INDEX {index} "));
        assert!(plan.iter().any(|(.., step)| walks(step)), "{statement}: {plan:?}");
        assert!(!plan.iter().any(|(.., step)| step.starts_with("SCAN checks")), "{statement}: {plan:?}");
    }
}

#[tokio::test]
async fn prunes_by_age_and_number() {
    let Fixture { store, _directory } = fixture().await;
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
    let left: i64 =
        sqlx::query_scalar("SELECT count(*) FROM scan_results").fetch_one(&store.reader).await.unwrap();
    assert_eq!(left, 5, "results go with their check");
}

#[tokio::test]
async fn listing_holds_up_nothing_else() {
    let Fixture { store, _directory } = fixture().await;
    let mut listings = Vec::new();
    for _ in 0..store.lister.options().get_max_connections() {
        listings.push(store.lister.acquire().await.unwrap());
    }
    store.ping().await.unwrap();
    let recorded = store.record(vec![new_check("https://a/", 1_000)], None).await.unwrap().remove(0);
    assert!(store.find_check(recorded.check.id).await.unwrap().is_some());
}

#[tokio::test]
async fn refuses_read_only_database() {
    let Fixture { store, _directory: directory } = fixture().await;
    let path = directory.path().join(DATABASE_FILE);
    store.close().await;
    fs::set_permissions(&path, fs::Permissions::from_mode(0o444)).unwrap();
    // Root may write all the same; then there is nothing to refuse.
    let writable = fs::File::options().write(true).open(&path).is_ok();
    let opened = Store::open(directory.path()).await;
    assert!(matches!(&opened, Err(OpenError::ReadOnly { .. })) || (writable && opened.is_ok()), "{opened:?}");
}

#[tokio::test]
async fn two_stores_write_side_by_side() {
    let directory = ScratchDirectory::new();
    let (one, two) =
        (Store::open(directory.path()).await.unwrap(), Store::open(directory.path()).await.unwrap());
    let write = async |store: &Store, name: &str| {
        for index in 0..100 {
            store.record(vec![new_check(&format!("https://{name}/{index}"), index)], None).await.unwrap();
        }
    };
    tokio::join!(write(&one, "one"), write(&two, "two"));
    assert_eq!(one.history(owner(), &HistoryFilter::default(), (1, 0)).await.unwrap().total_count, 200);
    assert_eq!(two.history(owner(), &HistoryFilter::default(), (1, 0)).await.unwrap().total_count, 200);
}
