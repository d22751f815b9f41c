//! API keys from outside, over TCP: made, limited, shown once, rotated, revoked.

use std::fs;

use linkshield::store::Role;
use serde_json::{Value, json};

use crate::{
    backend::{Backend, CHECK, assert_problem},
    client::{post, wait_for},
    opened::{Limits, UNLIMITED},
    people::{EMAIL, FORGOT, Held, OTHER_PASSWORD, PROFILE, RESET, SIGNING_KEYS, USERS},
};

const KEYS: &str = "/api/v1/user/api-keys";

impl Backend {
    /// A key of this holder: its id, and the line of a head that shows it.
    pub(crate) async fn key(&self, held: &Held) -> (String, String) {
        let made = self.bearer("POST", KEYS, held, Some(json!({ "name": "a" }))).await;
        assert_eq!(made.status, 200, "{}", made.body);
        let text = |field: &str| made.json()[field].as_str().unwrap().to_owned();
        (text("id"), format!("x-api-key: {}", text("api_key")))
    }

    pub(crate) async fn checks_with(&self, key: &str) -> u16 {
        self.with("POST", CHECK, key, &json!({ "url": "https://example.com/" }).to_string()).await.status
    }
}

#[tokio::test]
async fn d10_api_key_is_shown_once_and_works_until_it_is_revoked() {
    let backend = Backend::start().await;
    backend.verified().await;
    let held = backend.logged_in().await;
    let made = backend.bearer("POST", KEYS, &held, Some(json!({ "name": "build server" }))).await;
    assert_eq!(made.status, 200, "{}", made.body);
    let (id, key) =
        (made.json()["id"].as_str().unwrap().to_owned(), made.json()["api_key"].as_str().unwrap().to_owned());
    assert!(key.starts_with("ls_live_"), "{key}");
    assert_eq!(made.json()["permissions"], json!(["url_check"]));
    let listed = backend.bearer("GET", KEYS, &held, None).await;
    assert!(!listed.body.contains(&key), "{}", listed.body);
    assert_eq!((&listed.json()[0]["id"], &listed.json()[0]["api_key"]), (&json!(id), &Value::Null));
    let check = async |header: String| {
        backend.with("POST", CHECK, &header, &json!({ "url": "https://example.com/" }).to_string()).await
    };
    assert_eq!(check(format!("x-api-key: {key}")).await.status, 200);
    assert_eq!(check(format!("authorization: Bearer {key}")).await.status, 200);
    let wrong = format!("{}{}", &key[..key.len() - 1], if key.ends_with('0') { '1' } else { '0' });
    for header in [
        format!("x-api-key: {wrong}"),
        "x-api-key: garbage".to_owned(),
        format!("x-api-key: {key}\r\nx-api-key: {key}"),
    ] {
        assert_problem(&check(header).await, 401, CHECK);
    }
    let about_the_account = backend.with("GET", PROFILE, &format!("x-api-key: {key}"), "").await;
    assert_problem(&about_the_account, 403, PROFILE);
    let path = format!("{KEYS}/{id}/rotate");
    let rotated = backend.bearer("POST", &path, &held, None).await;
    assert_eq!(rotated.status, 200, "{}", rotated.body);
    let successor = rotated.json()["api_key"].as_str().unwrap().to_owned();
    assert_eq!(check(format!("x-api-key: {successor}")).await.status, 200);
    assert_eq!(check(format!("x-api-key: {key}")).await.status, 200, "both work until the grace is over");
    assert_problem(&backend.bearer("POST", &path, &held, None).await, 409, &path);
    let path = format!("{KEYS}/{id}");
    assert_eq!(backend.bearer("DELETE", &path, &held, None).await.status, 204);
    assert_problem(&backend.bearer("DELETE", &path, &held, None).await, 404, &path);
    assert_problem(&check(format!("x-api-key: {key}")).await, 401, CHECK);
    assert_eq!(check(format!("x-api-key: {successor}")).await.status, 200);
    backend.stop().await;
}

#[tokio::test]
async fn a_stolen_key_does_not_keep_its_owner_from_revoking_it() {
    let backend = Backend::limited(Limits { account: 5, ..UNLIMITED }).await;
    backend.verified().await;
    let held = backend.logged_in().await;
    let made = backend.bearer("POST", KEYS, &held, Some(json!({ "name": "a" }))).await.json();
    let key = format!("x-api-key: {}", made["api_key"].as_str().unwrap());
    let path = format!("{KEYS}/{}", made["id"].as_str().unwrap());
    for (method, path) in
        [("DELETE", path.as_str()), ("GET", PROFILE), ("GET", USERS)].iter().cycle().take(12)
    {
        let stolen = backend.with(method, path, &key, "").await;
        assert!([403, 404, 405, 429].contains(&stolen.status), "{}", stolen.body);
    }
    assert_problem(&backend.with("GET", PROFILE, &key, "").await, 429, PROFILE);
    assert_eq!(backend.bearer("GET", KEYS, &held, None).await.status, 200);
    assert_eq!(backend.bearer("DELETE", &path, &held, None).await.status, 204);
    // The sessions of an account have limits of their own as well.
    let other = backend.logged_in().await;
    for _ in 0..5 {
        backend.bearer("GET", PROFILE, &other, None).await;
    }
    assert_problem(&backend.bearer("GET", PROFILE, &other, None).await, 429, PROFILE);
    assert_eq!(backend.bearer("GET", PROFILE, &held, None).await.status, 200);
    backend.stop().await;
}

#[tokio::test]
async fn keys_are_made_at_a_limited_rate() {
    let backend = Backend::start().await;
    backend.verified().await;
    let held = backend.logged_in().await;
    for _ in 0..20 {
        let made = backend.bearer("POST", KEYS, &held, Some(json!({ "name": "a" }))).await;
        assert_eq!(made.status, 200, "{}", made.body);
        let path = format!("{KEYS}/{}", made.json()["id"].as_str().unwrap());
        assert_eq!(backend.bearer("DELETE", &path, &held, None).await.status, 204);
    }
    assert_problem(&backend.bearer("POST", KEYS, &held, Some(json!({ "name": "a" }))).await, 429, KEYS);
    backend.stop().await;
}

#[tokio::test]
async fn keys_are_limited_by_plan_and_permission() {
    let backend = Backend::start().await;
    backend.verified().await;
    let held = backend.logged_in().await;
    let make = async |body: Value| backend.bearer("POST", KEYS, &held, Some(body)).await;
    let reader = make(json!({ "name": "reader", "permissions": ["report_read"] })).await;
    let reader = reader.json()["api_key"].as_str().unwrap().to_owned();
    let check = json!({ "url": "https://example.com/" });
    let refused = backend.with("POST", CHECK, &format!("x-api-key: {reader}"), &check.to_string()).await;
    assert_problem(&refused, 403, CHECK);
    assert!(refused.body.contains("the permission `url_check`"), "what is missing: {}", refused.body);
    let refused = make(json!({ "name": "", "permissions": ["account"], "expires_at": "yesterday" })).await;
    assert_problem(&refused, 422, KEYS);
    assert_eq!(refused.json()["errors"].as_array().unwrap().len(), 3);
    for year in ["2020", "2999"] {
        let end = format!("{year}-01-01T00:00:00Z");
        assert_problem(&make(json!({ "name": "b", "expires_at": end })).await, 422, KEYS);
    }
    assert_eq!(make(json!({ "name": "b" })).await.status, 200);
    assert_eq!(make(json!({ "name": "c" })).await.status, 200);
    assert_problem(&make(json!({ "name": "d" })).await, 409, KEYS);
    backend.stop().await;
}

/// Found by a hostile user: keys were made that could do nothing.
#[tokio::test]
async fn keys_that_can_do_nothing_are_not_made() {
    let backend = Backend::start().await;
    backend.verified().await;
    let (user, admin) =
        (backend.logged_in().await, backend.admin("root@example.org", Role::SuperAdmin).await);
    let order = |permissions: Value| Some(json!({ "name": "a", "permissions": permissions }));
    for held in [&user, &admin] {
        let refused = backend.bearer("POST", KEYS, held, order(json!(["admin"]))).await;
        assert_problem(&refused, 422, KEYS);
        assert_eq!(refused.json()["errors"][0]["pointer"], "#/permissions/0");
        assert!(refused.body.contains("which no API key may do"), "{}", refused.body);
        assert_problem(&backend.bearer("POST", KEYS, held, order(json!([]))).await, 422, KEYS);
        assert_eq!(backend.bearer("GET", KEYS, held, None).await.json(), json!([]), "no place is taken");
    }
    let key = backend.bearer("POST", KEYS, &admin, Some(json!({ "name": "a" }))).await.json();
    let key = format!("x-api-key: {}", key["api_key"].as_str().unwrap());
    let refused = backend.with("GET", SIGNING_KEYS, &key, "").await;
    assert_problem(&refused, 403, SIGNING_KEYS);
    assert!(refused.body.contains("no API key may do this"), "{}", refused.body);
    backend.stop().await;
}

#[tokio::test]
async fn asvs_v6_3_7_a_new_key_is_told_by_mail_and_ends_with_a_reset() {
    let backend = Backend::start().await;
    backend.verified().await;
    let held = backend.logged_in().await;
    let (id, key) = backend.key(&held).await;
    let letters = async || {
        let files = fs::read_dir(backend.directory.path().join("mail")).unwrap();
        let texts = files.filter_map(|file| fs::read_to_string(file.unwrap().path()).ok());
        texts.filter(|text| text.contains("Subject: An API key was made")).count()
    };
    wait_for("a letter", async || (letters().await == 1).then_some(())).await;
    let rotated = backend.bearer("POST", &format!("{KEYS}/{id}/rotate"), &held, None).await.json();
    let successor = format!("x-api-key: {}", rotated["api_key"].as_str().unwrap());
    wait_for("another letter", async || (letters().await == 2).then_some(())).await;
    assert_eq!((backend.checks_with(&key).await, backend.checks_with(&successor).await), (200, 200));
    assert_eq!(post(backend.address, FORGOT, &json!({ "email": EMAIL }).to_string()).await.status, 204);
    let token = backend.mailed_token(EMAIL, "Choose a new password").await;
    let reset = json!({ "token": token, "new_password": OTHER_PASSWORD }).to_string();
    assert_eq!(post(backend.address, RESET, &reset).await.status, 204);
    assert_eq!((backend.checks_with(&key).await, backend.checks_with(&successor).await), (401, 401));
    let events = backend.events_until("api-key.revoked").await;
    let revoked = events.iter().find(|(name, _)| name == "api-key.revoked").unwrap();
    assert_eq!(revoked.1["unmapped"]["reason"], "password-reset");
    backend.stop().await;
}
