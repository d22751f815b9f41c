//! What plans include, from outside.

use linkshield::store::Role;
use serde_json::{Value, json};

use crate::{
    backend::{Backend, CHECK, assert_problem},
    client::Reply,
    people::Held,
};

const BULK: &str = "/api/v1/url-check/bulk-check";
const STATS: &str = "/api/v1/url-check/stats";

fn url() -> Option<Value> {
    Some(json!({ "url": "https://example.com/" }))
}

fn urls(count: usize) -> Option<Value> {
    Some(json!({ "urls": vec!["https://example.com/"; count] }))
}

/// What is left of a feature, as the headers say.
fn left(reply: &Reply, feature: &str) -> Option<u64> {
    let start = format!("\"{feature}\";r=");
    let rest = reply.headers("ratelimit").into_iter().find_map(|value| value.strip_prefix(&start))?;
    rest.split(';').next()?.parse().ok()
}

impl Backend {
    /// Somebody with this plan, logged in.
    async fn on(&self, plan: &str) -> Held {
        self.verified().await;
        let held = self.logged_in().await;
        let id = self.bearer("GET", "/api/v1/user/profile", &held, None).await.json()["id"].clone();
        let admin = self.admin("root@example.org", Role::SuperAdmin).await;
        let path = format!("/api/v1/admin/users/{}", id.as_str().unwrap());
        let change = Some(json!({ "subscription_plan": plan }));
        assert_eq!(self.bearer("PUT", &path, &admin, change).await.status, 200);
        held
    }
}

#[tokio::test]
async fn a_day_of_the_free_plan_has_thirty_checks() {
    let backend = Backend::start().await;
    backend.verified().await;
    let held = backend.logged_in().await;
    for number in 1..=30 {
        let reply = backend.bearer("POST", CHECK, &held, url()).await;
        assert_eq!((reply.status, left(&reply, "checks")), (200, Some(30 - number)), "{}", reply.body);
        assert!(left(&reply, "api_authenticated").is_some(), "the plan stands beside the limits");
        assert!(reply.headers("ratelimit-policy").contains(&"\"checks\";q=30;w=86400"));
    }
    let refused = backend.bearer("POST", CHECK, &held, url()).await;
    assert_problem(&refused, 429, CHECK);
    assert_eq!(refused.json()["type"], "urn:linkshield:problem:quota-used-up");
    let seconds: u64 = refused.header("retry-after").unwrap().parse().unwrap();
    assert!((1..=86_400).contains(&seconds), "{seconds}");
    assert_eq!(refused.headers("ratelimit").last().unwrap(), &format!("\"checks\";r=0;t={seconds}"));
    assert_eq!(refused.headers("ratelimit-policy").last().unwrap(), &"\"checks\";q=30;w=86400");
    assert!(left(&refused, "api_authenticated").is_some(), "{:?}", refused.headers("ratelimit"));
    let older = ["x-ratelimit-limit", "x-ratelimit-remaining"].map(|name| refused.header(name).unwrap());
    assert_eq!(older, ["30", "0"], "they are about what refused");
    let reset: u64 = refused.header("x-ratelimit-reset").unwrap().parse().unwrap();
    assert_eq!(reset % 86_400, 0, "the day of the calendar ends at midnight");
    backend.check("https://example.com/").await;
    let history = backend.bearer("GET", "/api/v1/url-check/history", &held, None).await;
    assert_eq!(history.status, 200, "reading costs nothing");
    let events = backend.events_until("rate.limited").await;
    let limited = events.iter().find(|(name, _)| name == "rate.limited").unwrap();
    assert_eq!(limited.1["unmapped"]["scope"], "checks");
    backend.stop().await;
}

#[tokio::test]
async fn bulk_requests_count_each_url_and_need_a_plan() {
    let backend = Backend::start().await;
    backend.verified().await;
    let free = backend.logged_in().await;
    let refused = backend.bearer("POST", BULK, &free, urls(1)).await;
    assert_problem(&refused, 403, BULK);
    assert_eq!(refused.json()["type"], "urn:linkshield:problem:plan-required");
    backend.stop().await;
    let backend = Backend::start().await;
    let held = backend.on("pro").await;
    let reply = backend.bearer("POST", BULK, &held, urls(10)).await;
    assert_eq!((left(&reply, "checks"), left(&reply, "bulk_checks")), (Some(290), Some(9)), "{}", reply.body);
    assert_problem(&backend.bearer("POST", BULK, &held, urls(51)).await, 400, BULK);
    for _ in 0..5 {
        assert_eq!(backend.bearer("POST", BULK, &held, urls(50)).await.status, 200);
    }
    let refused = backend.bearer("POST", BULK, &held, urls(50)).await;
    assert_problem(&refused, 429, BULK);
    assert_eq!((left(&refused, "checks"), left(&refused, "bulk_checks")), (Some(40), Some(3)));
    assert_eq!(refused.header("x-ratelimit-remaining"), Some("40"), "of what refused");
    let last = backend.bearer("POST", BULK, &held, urls(40)).await;
    assert_eq!((last.status, left(&last, "checks")), (200, Some(0)), "{}", last.body);
    backend.stop().await;
}

#[tokio::test]
async fn requests_of_keys_are_counted_by_the_hour() {
    let backend = Backend::start().await;
    let held = backend.on("professional").await;
    let made = backend.bearer("POST", "/api/v1/user/api-keys", &held, Some(json!({ "name": "a" }))).await;
    let key = format!("x-api-key: {}", made.json()["api_key"].as_str().unwrap());
    let reply = backend.with("POST", CHECK, &key, &url().unwrap().to_string()).await;
    assert_eq!((left(&reply, "api_requests"), left(&reply, "checks")), (Some(499), Some(999)));
    let by_session = backend.bearer("POST", CHECK, &held, url()).await;
    assert_eq!((left(&by_session, "api_requests"), left(&by_session, "checks")), (None, Some(998)));
    let read = backend.with("GET", "/api/v1/url-check/history", &key, "").await;
    assert_eq!(
        (read.status, left(&read, "api_requests")),
        (200, None),
        "what is only read is counted in memory"
    );
    assert!(left(&read, "api_authenticated").is_some(), "{:?}", read.headers("ratelimit"));
    let again = backend.with("POST", CHECK, &key, &url().unwrap().to_string()).await;
    assert_eq!(left(&again, "api_requests"), Some(498));
    backend.stop().await;
}

#[tokio::test]
async fn stats_count_ones_own_checks() {
    let backend = Backend::start().await;
    backend.verified().await;
    let held = backend.logged_in().await;
    backend.check("https://malware.test/").await;
    for url in ["https://example.com/a", "https://example.com/b", "https://malware.test/"] {
        assert_eq!(backend.bearer("POST", CHECK, &held, Some(json!({ "url": url }))).await.status, 200);
    }
    let stats = backend.bearer("GET", STATS, &held, None).await.json();
    assert_eq!((&stats["total_checks"], &stats["completed_checks"]), (&json!(3), &json!(3)));
    assert_eq!((&stats["failed_checks"], &stats["success_rate"]), (&json!(0), &json!(100.0)));
    let levels = json!({ "safe": 2, "low": 0, "medium": 0, "high": 0, "critical": 1 });
    assert_eq!(stats["threat_distribution"], levels);
    assert_eq!(stats["top_domains"][0], json!({ "domain": "example.com", "count": 2 }));
    assert_eq!(stats["recent_activity"][0]["url"], "https://malware.test/");
    assert_eq!(stats["recent_activity"][0]["threat_level"], "critical");
    for query in ["days=0", "days=366", "days=x", "from=1"] {
        let refused = backend.bearer("GET", &format!("{STATS}?{query}"), &held, None).await;
        assert_problem(&refused, 422, STATS);
    }
    assert_problem(&backend.with("GET", STATS, "accept: */*", "").await, 401, STATS);
    backend.stop().await;
}
