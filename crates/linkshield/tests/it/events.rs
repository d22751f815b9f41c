//! What an account's life leaves in the file of security events.

use linkshield::{clock::now, store::Role};
use serde_json::{Value, json};

use crate::{
    authenticator::code_of,
    backend::Backend,
    client::post,
    people::{EMAIL, LOGIN, PASSWORD},
};

const PROFILE: &str = "/api/v1/user/profile";
const SESSIONS: &str = "/api/v1/user/sessions";
const KEYS: &str = "/api/v1/user/api-keys";
const TOTP: &str = "/api/v1/user/mfa/totp";
const OTHER_PASSWORD: &str = "giraffe ninety-one";

fn names(events: &[(String, Value)]) -> Vec<&str> {
    events.iter().map(|(name, _)| name.as_str()).collect()
}

#[tokio::test]
async fn asvs_v16_3_1_log_ins_and_log_outs_are_written_down() {
    let backend = Backend::start().await;
    backend.verified().await;
    assert_eq!(backend.log_in("wrong").await.status, 401);
    let absent = json!({ "email": "eve@example.org", "password": PASSWORD }).to_string();
    assert_eq!(post(backend.address, LOGIN, &absent).await.status, 401);
    let (one, two) = (backend.logged_in().await, backend.logged_in().await);
    assert_eq!(backend.bearer("DELETE", SESSIONS, &two, None).await.status, 204);
    assert_eq!(backend.bearer("POST", "/api/v1/user/logout", &two, None).await.status, 204);
    // Written last: the file keeps the order.
    assert_eq!(backend.bearer("GET", PROFILE, &one, None).await.status, 401);
    let events = backend.events_until("token.refused").await;
    let expected = [
        "account.registered",
        "email.verified",
        "login.failed",
        "login.failed",
        "login.succeeded",
        "login.succeeded",
        "session.ended",
        "session.ended",
        "token.refused",
    ];
    assert_eq!(names(&events), expected);
    let account = events[0].1["user"]["uid"].clone();
    assert!(account.is_string(), "{:?}", events[0]);
    assert_eq!(events[2].1["user"]["uid"], account, "whose password was guessed");
    assert_ne!(events[3].1["user"]["uid"], account);
    assert_eq!(events[4].1["unmapped"]["factors"], "password");
    assert_eq!(events[4].1["unmapped"]["session"], json!(one.session));
    assert_eq!(events[6].1["unmapped"]["session"], json!(one.session));
    assert_eq!(events[6].1["unmapped"]["reason"], "logout-everywhere");
    assert_eq!(events[7].1["unmapped"]["reason"], "logout");
    for (_, event) in &events {
        assert_eq!(event["src_endpoint"]["ip"], "127.0.0.1");
        assert!(event["metadata"]["correlation_uid"].is_string());
    }
    let text = format!("{events:?}");
    for secret in [PASSWORD, "wrong", EMAIL, "eve@", &one.access, &one.refresh] {
        assert!(!text.contains(secret), "`{secret}` is in {text}");
    }
    backend.stop().await;
}

#[tokio::test]
async fn asvs_v16_3_3_changes_of_credentials_are_written_down() {
    let backend = Backend::start().await;
    backend.verified().await;
    let held = backend.logged_in().await;
    let made = backend.bearer("POST", KEYS, &held, Some(json!({ "name": "a" }))).await.json();
    let path = format!("{KEYS}/{}", made["id"].as_str().unwrap());
    assert_eq!(backend.bearer("POST", &format!("{path}/rotate"), &held, None).await.status, 200);
    assert_eq!(backend.bearer("DELETE", &path, &held, None).await.status, 204);
    let setup = backend.bearer("POST", TOTP, &held, None).await.json();
    let code = code_of(setup["secret"].as_str().unwrap(), now().0 / 30_000);
    let confirmed =
        backend.bearer("POST", &format!("{TOTP}/confirm"), &held, Some(json!({ "code": code }))).await;
    assert_eq!(confirmed.status, 200, "{}", confirmed.body);
    let recovery = confirmed.json()["recovery_codes"][0].as_str().unwrap().to_owned();
    let end = json!({ "password": PASSWORD, "code": recovery });
    assert_eq!(backend.bearer("DELETE", TOTP, &held, Some(end)).await.status, 204);
    let change = async |current: &str| {
        let body = json!({ "current_password": current, "new_password": OTHER_PASSWORD });
        backend.bearer("POST", "/api/v1/user/change-password", &held, Some(body)).await.status
    };
    assert_eq!((change("wrong").await, change(PASSWORD).await), (400, 204));
    let events = backend.events_until("password.changed").await;
    let expected = [
        "account.registered",
        "email.verified",
        "login.succeeded",
        "api-key.created",
        "api-key.rotated",
        "api-key.revoked",
        "second-factor.enabled",
        "recovery-code.used",
        "second-factor.disabled",
        "password.change-refused",
        "password.changed",
    ];
    assert_eq!(names(&events), expected);
    assert_eq!(events[3].1["unmapped"]["key"], made["id"]);
    assert_eq!(events[4].1["unmapped"]["key"], made["id"]);
    let text = format!("{events:?}");
    for secret in [made["api_key"].as_str().unwrap(), setup["secret"].as_str().unwrap(), &code, &recovery] {
        assert!(!text.contains(secret), "`{secret}` is in {text}");
    }
    backend.stop().await;
}

#[tokio::test]
async fn asvs_v16_3_3_what_administrators_change_is_written_down() {
    let backend = Backend::start().await;
    backend.verified().await;
    let user = backend.logged_in().await;
    let id = backend.bearer("GET", PROFILE, &user, None).await.json()["id"].as_str().unwrap().to_owned();
    let admin = backend.admin("root@example.org", Role::SuperAdmin).await;
    let path = format!("/api/v1/admin/users/{id}");
    for change in [
        json!({ "subscription_plan": "basic", "role": "moderator" }),
        json!({ "locked": true }),
        json!({ "locked": true }),
        json!({ "locked": false }),
    ] {
        assert_eq!(backend.bearer("PUT", &path, &admin, Some(change)).await.status, 200);
    }
    assert_eq!(backend.bearer("POST", "/api/v1/jwt/rotate", &admin, None).await.status, 200);
    let events = backend.events_until("signing-key.rotated").await;
    let at = events.iter().position(|(name, _)| name == "role.changed").unwrap();
    let expected = [
        "role.changed",
        "plan.changed",
        "account.locked",
        "session.ended",
        "account.unlocked",
        "signing-key.rotated",
    ];
    assert_eq!(names(&events[at..]), expected, "a change that changes nothing is none");
    let role = &events[at].1;
    assert_eq!((&role["unmapped"]["from"], &role["unmapped"]["to"]), (&json!("user"), &json!("moderator")));
    assert_eq!(role["user"]["uid"], json!(id));
    assert_ne!(role["actor"]["user"]["uid"], json!(id));
    backend.stop().await;
}

/// The review of issue 4, 17.
#[tokio::test]
async fn asvs_v16_3_2_what_is_not_theirs_is_written_down() {
    let backend = Backend::start().await;
    backend.verified().await;
    let held = backend.logged_in().await;
    let url = json!({ "url": "https://example.org/" });
    let check = backend.bearer("POST", "/api/v1/url-check/check", &held, Some(url)).await.json();
    let path = format!("/api/v1/url-check/check/{}", check["id"].as_str().unwrap());
    let other = backend.admin("root@example.org", Role::Admin).await;
    assert_eq!(backend.bearer("GET", &path, &other, None).await.status, 403);
    let events = backend.events_until("access.denied").await;
    let (_, denied) = events.last().unwrap();
    assert_eq!(
        (&denied["message"], &denied["unmapped"]["reason"]),
        (&json!("access.denied"), &json!("owner"))
    );
    assert!(denied["actor"]["user"]["uid"].is_string());
    backend.stop().await;
}

#[tokio::test]
async fn asvs_v16_3_1_a_right_password_without_its_factor_is_written_down() {
    let backend = Backend::start().await;
    backend.verified().await;
    let held = backend.logged_in().await;
    let setup = backend.bearer("POST", TOTP, &held, None).await.json();
    let code = code_of(setup["secret"].as_str().unwrap(), now().0 / 30_000);
    let confirmed =
        backend.bearer("POST", &format!("{TOTP}/confirm"), &held, Some(json!({ "code": code }))).await;
    assert_eq!(confirmed.status, 200, "{}", confirmed.body);
    assert_eq!(backend.log_in(PASSWORD).await.status, 401);
    let events = backend.events_until("second-factor.missing").await;
    let account = &events[0].1["user"]["uid"];
    assert_eq!(&events.last().unwrap().1["user"]["uid"], account, "whose password is known");
    backend.stop().await;
}
