//! Load files against a shop with accounts, from text to verdict.

#![expect(clippy::unwrap_used, reason = "a panic is a test's failure")]

mod counter;
mod counting;
mod long_body;
mod shop;

use std::future::pending;
use std::net::SocketAddr;
use std::path::Path;

use shield_load::{RunResults, SessionOrder, Verdict, WorkerAddress, read_load_file, run_session};

use shop::Shop;

const CLOSED: &str = "[closed]\nusers = 4\niterations = 60\n";

/// Runs a load file against this target, here or on workers.
async fn run(address: SocketAddr, rest: &str, workers: Vec<WorkerAddress>) -> RunResults {
    let text = format!("name = \"shop\"\ntarget = \"http://{address}\"\n{rest}");
    let file = read_load_file(&text, "load.toml", Path::new("."));
    let file = file.unwrap_or_else(|mistakes| panic!("{text}\n{mistakes}"));
    let order = SessionOrder { file, trust_pem: None, faults: None, workers };
    let results = run_session(order, pending(), &mut |_| ()).await.unwrap();
    let totals = results.totals;
    assert_eq!(totals.offered, totals.answered + totals.failed + totals.unsent, "{results:?}");
    results
}

/// How often something is measured that was held up. Beside six busy loops on two cores, every second run is.
const ATTEMPTS: usize = 20;

/// The first attempt whose generator kept its own time, with what else is to be looked at. A run that other tests held up says
/// so and proves nothing; the next one has a target of its own.
async fn undisturbed<T>(attempt: impl AsyncFn() -> (RunResults, T)) -> (RunResults, T) {
    let mut reasons = Vec::new();
    for _ in 0..ATTEMPTS {
        let (results, more) = attempt().await;
        if results.verdict != Verdict::Invalid {
            return (results, more);
        }
        reasons = results.reasons;
    }
    panic!("invalid {ATTEMPTS} times in a row: {reasons:?}");
}

/// What this makes of a new and honest shop, undisturbed.
async fn load(rest: &str) -> (RunResults, Shop) {
    undisturbed(async || {
        let shop = Shop::open(None, None).await;
        (run(shop.address, rest, Vec::new()).await, shop)
    })
    .await
}

const BUYERS: &str = r#"
[[feed]]
name = "accounts"
order = "per-user"
rows = [
    { email = "a@x", password = "secret of a@x" },
    { email = "b@x", password = "secret of b@x" },
    { email = "c@x", password = "secret of c@x" },
    { email = "d@x", password = "secret of d@x" },
]

[[scenario]]
name = "buy"

[scenario.auth]
kind = "bearer"
login = { post = "/login", json = { email = "{{accounts.email}}", password = "{{accounts.password}}" } }
token = "/access_token"
refresh_token = "/refresh_token"
refresh = { post = "/refresh", json = { refresh_token = "{{refresh_token}}" }, token = "/access_token", on_status = [401] }

[[scenario.step]]
name = "order"
post = "/orders"
json = { id = "{{id}}", quantity = 2 }
ledger = true
check = [{ pointer = "/order/state", equals = "new" }, { pointer = "/order/id" }]

[ledger]
get = "/ledger"
"#;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn tokens_are_fetched_renewed_and_orders_applied_once() {
    let (results, shop) = load(&format!("{CLOSED}{BUYERS}")).await;
    let seen = shop.seen.lock().unwrap();
    // Each user logs in once, with its own account; a token that is used up costs one refused order and one refresh.
    let mut logins = seen.logins.clone();
    logins.sort();
    assert_eq!(logins, ["a@x", "b@x", "c@x", "d@x"]);
    assert_eq!(seen.customers.len(), 4);
    assert!(seen.refused > 0 && seen.refreshes > 0, "{seen:?}");
    assert_eq!(u64::from(seen.refused), results.totals.failed);
    assert_eq!(results.failed_by_kind.keys().collect::<Vec<_>>(), ["status-client-error"]);
    let reconciled = results.reconciled.unwrap();
    assert!(reconciled.agrees, "{reconciled:?}");
    let orders = results.steps.iter().find(|step| step.name == "order").unwrap();
    assert_eq!((orders.answered, orders.failed), (seen.orders.len() as u64, u64::from(seen.refused)));
    assert_eq!(
        results.checks.iter().map(|check| (check.passed, check.failed)).collect::<Vec<_>>(),
        [(orders.answered, 0); 2]
    );
    assert_eq!(results.verdict, Verdict::Passed);
    // The ledger's own request is none of the load's.
    assert_eq!(seen.requests, results.totals.answered + results.totals.failed + 1);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn lost_and_repeated_orders_are_named() {
    let (results, shop) = undisturbed(async || {
        let shop = Shop::open(Some(7), Some(11)).await;
        (run(shop.address, &format!("{CLOSED}{BUYERS}"), Vec::new()).await, shop)
    })
    .await;
    let reconciled = results.reconciled.unwrap();
    let seen = shop.seen.lock().unwrap();
    let with = |times: u32| seen.orders.values().filter(|applied| **applied == times).count();
    assert!(with(0) > 0 && with(2) > 0);
    assert_eq!((reconciled.missing.len(), reconciled.duplicate.len()), (with(0), with(2)), "{reconciled:?}");
    assert_eq!((results.verdict, results.reasons.len()), (Verdict::Failed, 1), "{:?}", results.reasons);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn sessions_carry_cookies_and_csrf_tokens() {
    let scenario = r#"
[[feed]]
name = "accounts"
order = "per-user"
rows = [{ email = "a@x" }, { email = "b@x" }]
[[scenario]]
name = "basket"
[scenario.auth]
kind = "session"
login = { post = "/session", json = { email = "{{accounts.email}}" } }
csrf = { cookie = "csrf_token", header = "X-CSRF-Token" }
[[scenario.step]]
post = "/basket"
json = {}
check = [{ body = true, contains = "session=" }]
[[scenario]]
name = "machine"
[scenario.auth]
kind = "api-key"
header = "X-API-Key"
value = "ls_test_1"
[[scenario.step]]
get = "/key"
[thresholds]
error_share = "0%"
"#;
    let (results, _) = load(&format!("{CLOSED}{scenario}")).await;
    assert_eq!((results.verdict, results.totals.failed), (Verdict::Passed, 0), "{:?}", results.failures);
    assert_eq!(results.totals.iterations, Some(60));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn failures_abort_and_thresholds_are_told() {
    let steps = "[[scenario]]\nname = \"broken\"\n[[scenario.step]]\nget = \"/broken\"\n\
                 [[scenario]]\nname = \"key\"\n[[scenario.step]]\nget = \"/key\"\nheaders = { x-api-key = \"ls_test_1\" }\n";
    let forever = "[open]\nphases = [{ rate = 100, for = \"10m\" }]\n";
    let abort = "[abort]\nerror_share = \"20%\"\nover = \"1s\"\n";
    let (results, _) = load(&format!("{forever}{steps}{abort}")).await;
    assert_eq!(results.verdict, Verdict::Aborted, "{:?}", results.reasons);
    let thresholds = "[thresholds]\nerror_share = \"0.1%\"\np99 = \"1m\"\n";
    let (results, _) = load(&format!("{CLOSED}{steps}{thresholds}")).await;
    let held: Vec<_> =
        results.thresholds.iter().map(|threshold| (threshold.name.as_str(), threshold.held)).collect();
    assert_eq!((results.verdict, held), (Verdict::Failed, vec![("p99", false), ("error_share", false)]));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn target_counts_are_held_against_limits() {
    let shop = Shop::open(None, None).await;
    let metrics = format!("[metrics]\nurl = \"http://{}/metrics\"\n", shop.address);
    let file = |limit: &str| {
        let target = "[[thresholds.target]]\nmetric = \"shop_requests\"\nat = \"increase\"\n";
        let step = "[[scenario]]\nname = \"key\"\n[[scenario.step]]\nget = \"/key\"\nheaders = { x-api-key = \"ls_test_1\" }\n";
        format!("{CLOSED}{step}{target}{limit}\n{metrics}")
    };
    let limited = async |file: String| {
        let once = async || (run(shop.address, &file, Vec::new()).await, ());
        undisturbed(once).await.0
    };
    // Sixty requests and the second scrape, at least.
    let results = limited(file("at_least = 61")).await;
    assert_eq!(results.verdict, Verdict::Passed, "{:?}", results.thresholds);
    let results = limited(file("at_most = 60")).await;
    assert_eq!(results.verdict, Verdict::Failed, "{:?}", results.thresholds);
    let missing = file("at_least = 1").replace("shop_requests", "no_such_metric");
    let results = limited(missing).await;
    assert_eq!(results.thresholds[0].measured, "not measured");
    assert_eq!(results.verdict, Verdict::Failed);
}
