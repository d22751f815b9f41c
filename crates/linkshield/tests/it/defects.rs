//! Executed defects of the original that concern security and have no test elsewhere: each fails when its defect comes back.

use linkshield::store::Role;
use serde_json::json;
use sqlx::{Connection, SqliteConnection};

use crate::{
    backend::{Backend, CHECK, assert_problem},
    client::{get, post, wait_for},
    opened::{Limits, UNLIMITED},
    people::VERIFY,
};

const LIVE: &str = "/api/v1/health/live";
const LOGOUT: &str = "/api/v1/user/logout";
const PROFILE: &str = "/api/v1/user/profile";
const RESEND: &str = "/api/v1/user/resend-verification";
const SESSIONS: &str = "/api/v1/user/sessions";

impl Backend {
    /// Does something to the database behind the backend's back.
    async fn execute(&self, statement: &'static str) {
        let path = self.directory.path().join("linkshield.db");
        let mut connection =
            SqliteConnection::connect(&format!("sqlite://{}", path.display())).await.unwrap();
        sqlx::query(statement).execute(&mut connection).await.unwrap();
        connection.close().await.unwrap();
    }
}

#[tokio::test]
async fn signing_keys_wait_for_their_store() {
    let backend = Backend::start().await;
    let admin = backend.admin("root@example.org", Role::SuperAdmin).await;
    let keys = backend.bearer("GET", "/api/v1/jwt/keys", &admin, None).await.json();
    backend.execute("ALTER TABLE guard_key_rings RENAME TO guard_key_rings_away").await;
    let killed = format!("/api/v1/jwt/keys/{}", keys[0]["key_id"].as_str().unwrap());
    for (method, path) in [("POST", "/api/v1/jwt/rotate"), ("DELETE", &killed)] {
        assert_problem(&backend.bearer(method, path, &admin, None).await, 503, path);
    }
    backend.stop().await;
}

#[tokio::test]
async fn d2_without_its_store_nothing_revoked_is_taken() {
    let backend = Backend::start().await;
    backend.verified().await;
    let (ended, live) = (backend.logged_in().await, backend.logged_in().await);
    assert_eq!(backend.bearer("POST", LOGOUT, &ended, None).await.status, 204);
    backend.execute("ALTER TABLE guard_revocations RENAME TO guard_revocations_away").await;
    let failed = backend.bearer("POST", LOGOUT, &live, None).await;
    assert!(failed.status >= 500, "a log-out that is not written down is none: {}", failed.status);
    wait_for("the end of what may be believed", async || {
        let refused = backend.bearer("GET", PROFILE, &ended, None).await;
        assert!(matches!(refused.status, 401 | 503), "{}", refused.status);
        let stale = backend.bearer("GET", PROFILE, &live, None).await;
        assert!(matches!(stale.status, 200 | 503), "{}", stale.status);
        (stale.status == 503).then_some(())
    })
    .await;
    assert_problem(&backend.bearer("PUT", PROFILE, &live, Some(json!({}))).await, 503, PROFILE);
    backend.execute("ALTER TABLE guard_revocations_away RENAME TO guard_revocations").await;
    wait_for("the store", async || {
        (backend.bearer("GET", PROFILE, &live, None).await.status == 200).then_some(())
    })
    .await;
    assert_problem(&backend.bearer("GET", PROFILE, &ended, None).await, 401, PROFILE);
    backend.stop().await;
}

#[tokio::test]
async fn d4_a_fresh_limit_admits_its_burst_and_comes_back() {
    let backend = Backend::limited(Limits { address: 60, ..UNLIMITED }).await;
    for number in 0..60 {
        assert_eq!(get(backend.address, LIVE).await.status, 200, "request {number}");
    }
    wait_for("the limit", async || (get(backend.address, LIVE).await.status == 429).then_some(())).await;
    wait_for("another request", async || (get(backend.address, LIVE).await.status == 200).then_some(()))
        .await;
    backend.stop().await;
}

#[tokio::test]
async fn d5_one_request_too_many_is_429() {
    let backend = Backend::limited(Limits { anonymous: 3, ..UNLIMITED }).await;
    let body = json!({ "url": "https://example.com/" }).to_string();
    for _ in 0..3 {
        assert_eq!(post(backend.address, CHECK, &body).await.status, 200);
    }
    for _ in 0..30 {
        let refused = post(backend.address, CHECK, &body).await;
        assert_problem(&refused, 429, CHECK);
        let seconds: u64 = refused.header("retry-after").unwrap().parse().unwrap();
        assert!((1..=1_200).contains(&seconds), "{seconds}");
        assert_eq!(refused.header("x-ratelimit-limit"), Some("3"));
        assert_eq!(refused.header("x-ratelimit-remaining"), Some("0"));
        let reset: u64 = refused.header("x-ratelimit-reset").unwrap().parse().unwrap();
        assert!(reset > 1_700_000_000, "{reset}");
    }
    backend.stop().await;
}

#[tokio::test]
async fn d6_each_route_has_its_limit() {
    let backend = Backend::start().await;
    backend.verified().await;
    // One was verified with.
    for _ in 0..4 {
        let wrong = json!({ "token": "A".repeat(43) }).to_string();
        assert_eq!(post(backend.address, VERIFY, &wrong).await.status, 400);
    }
    assert_problem(&post(backend.address, VERIFY, "{}").await, 429, VERIFY);
    for _ in 0..3 {
        let email = json!({ "email": "eve@example.org" }).to_string();
        assert_eq!(post(backend.address, RESEND, &email).await.status, 204);
    }
    assert_problem(&post(backend.address, RESEND, "{}").await, 429, RESEND);
    let (held, change) = (backend.logged_in().await, "/api/v1/user/change-password");
    for _ in 0..20 {
        assert_eq!(backend.bearer("POST", change, &held, Some(json!({}))).await.status, 422);
    }
    assert_problem(&backend.bearer("POST", change, &held, Some(json!({}))).await, 429, change);
    backend.stop().await;
}

#[tokio::test]
async fn d11_the_last_use_of_a_session_is_noted() {
    let backend = Backend::start().await;
    backend.verified().await;
    let held = backend.logged_in().await;
    backend.execute("UPDATE guard_sessions SET last_seen_at = last_seen_at - 3600000").await;
    let last_activity = async || {
        let listed = backend.bearer("GET", SESSIONS, &held, None).await.json();
        listed[0]["last_activity_at"].as_str().unwrap().to_owned()
    };
    let before = last_activity().await;
    assert_eq!(backend.with("GET", PROFILE, &format!("cookie: {}", held.cookie), "").await.status, 200);
    wait_for("a later use", async || (last_activity().await > before).then_some(())).await;
    backend.stop().await;
}
