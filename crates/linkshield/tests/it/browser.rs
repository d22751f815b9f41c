//! A browser's way: it logs in, keeps the cookie, fetches a token, changes things; and what another site can do to it.

use serde_json::{Value, json};

use crate::{
    backend::{Backend, assert_problem},
    client::{Reply, send},
    people::{EMAIL, LOGIN, PASSWORD},
};

const TOKEN: &str = "/api/csrf/token";
const VALIDATE: &str = "/api/csrf/validate";
const PROFILE: &str = "/api/v1/user/profile";
const SESSIONS: &str = "/api/v1/user/sessions";
const LOGOUT: &str = "/api/v1/user/logout";

/// What a browser says of a request from a page of this very service.
const OWN: &str = "origin: http://test\r\nsec-fetch-site: same-origin";

/// A browser with its cookies.
struct Browser<'a> {
    backend: &'a Backend,
    cookies: String,
}

impl<'a> Browser<'a> {
    /// Logged in.
    async fn logged_in(backend: &'a Backend) -> Self {
        let body = json!({ "email": EMAIL, "password": PASSWORD }).to_string();
        let reply = backend.with("POST", LOGIN, OWN, &body).await;
        assert_eq!(reply.status, 200, "{}", reply.body);
        let cookies = ["__Host-session", "__Host-device"].map(|name| reply.cookie(name).unwrap());
        Self { backend, cookies: cookies.join("; ") }
    }

    async fn ask(&self, method: &str, path: &str, lines: &str, body: &str) -> Reply {
        let lines = format!("cookie: {}\r\n{lines}", self.cookies);
        self.backend.with(method, path, &lines, body).await
    }

    async fn token(&self) -> String {
        let reply = self.ask("GET", TOKEN, "sec-fetch-site: same-origin", "").await;
        assert_eq!(reply.status, 200, "{}", reply.body);
        reply.json()["csrf_token"].as_str().unwrap().to_owned()
    }
}

fn refused_as_forged(reply: &Reply, path: &str) {
    assert_problem(reply, 403, path);
    assert_eq!(reply.json()["type"], "urn:linkshield:problem:csrf-refused");
}

#[tokio::test]
async fn d3_a_browser_gets_a_token_and_changes_things() {
    let backend = Backend::start().await;
    backend.verified().await;
    let browser = Browser::logged_in(&backend).await;
    let issued = browser.ask("GET", TOKEN, "sec-fetch-site: same-origin", "").await;
    let token = issued.json()["csrf_token"].as_str().unwrap().to_owned();
    let expected = json!({
        "csrf_token": token,
        "expires_in": 3600,
        "cookie_name": "__Host-csrf_token",
        "header_name": "x-csrf-token",
    });
    assert_eq!((issued.status, issued.json()), (200, expected));
    let cookie = issued.header("set-cookie").unwrap();
    assert_eq!(cookie, format!("__Host-csrf_token={token}; Path=/; Secure; SameSite=Strict"));
    assert_eq!(issued.header("cache-control"), Some("no-store"));
    let with_token = format!("{OWN}\r\nx-csrf-token: {token}");
    let change = json!({ "company": "Analytical Engines" }).to_string();
    let changed = browser.ask("PUT", PROFILE, &with_token, &change).await;
    assert_eq!((changed.status, &changed.json()["company"]), (200, &json!("Analytical Engines")));
    let valid = browser.ask("POST", VALIDATE, &with_token, "").await;
    assert_eq!((valid.status, valid.json()), (200, json!({ "valid": true, "user_bound": true })));
    assert_eq!(browser.ask("PUT", PROFILE, &with_token, &change).await.status, 200, "not used up");
    assert_eq!(browser.ask("POST", LOGOUT, &with_token, "").await.status, 204);
    assert_problem(&browser.ask("GET", TOKEN, OWN, "").await, 401, TOKEN);
    backend.stop().await;
}

#[tokio::test]
async fn asvs_v3_5_1_another_site_changes_nothing() {
    let backend = Backend::start().await;
    backend.verified().await;
    let (browser, other) = (Browser::logged_in(&backend).await, Browser::logged_in(&backend).await);
    let (token, foreign) = (browser.token().await, other.token().await);
    let forged = [
        OWN.to_owned(),
        format!("{OWN}\r\nx-csrf-token: garbage"),
        format!("{OWN}\r\nx-csrf-token: {foreign}"),
        format!("{OWN}\r\nx-csrf-token: {token}\r\nx-csrf-token: {token}"),
        format!("origin: http://test\r\nsec-fetch-site: cross-site\r\nx-csrf-token: {token}"),
        format!("origin: http://evil.test\r\nsec-fetch-site: same-site\r\nx-csrf-token: {token}"),
        format!("origin: http://evil.test\r\nx-csrf-token: {token}"),
        format!("origin: null\r\nx-csrf-token: {token}"),
    ];
    for lines in &forged {
        refused_as_forged(&browser.ask("DELETE", SESSIONS, lines, "").await, SESSIONS);
        refused_as_forged(&browser.ask("POST", VALIDATE, lines, "").await, VALIDATE);
    }
    assert_eq!(other.ask("GET", PROFILE, OWN, "").await.status, 200, "no session was ended");
    let events = backend.events_until("csrf.refused").await;
    let refused = events.iter().filter(|(name, _)| name == "csrf.refused").count();
    assert!(refused >= 1, "{refused}");
    backend.stop().await;
}

#[tokio::test]
async fn asvs_v3_5_1_another_site_logs_nobody_in() {
    let backend = Backend::start().await;
    backend.verified().await;
    let body = json!({ "email": EMAIL, "password": PASSWORD }).to_string();
    for lines in
        ["sec-fetch-site: cross-site", "origin: http://evil.test", "origin: null", "sec-fetch-site: what"]
    {
        refused_as_forged(&backend.with("POST", LOGIN, lines, &body).await, LOGIN);
    }
    assert_eq!(backend.with("POST", LOGIN, "accept: */*", &body).await.status, 200, "a program");
    backend.stop().await;
}

#[tokio::test]
async fn d3_programs_need_no_token() {
    let backend = Backend::start().await;
    backend.verified().await;
    let held = backend.logged_in().await;
    let change = Some(json!({ "company": "A" }));
    assert_eq!(backend.bearer("PUT", PROFILE, &held, change).await.status, 200);
    let token = backend.bearer("GET", TOKEN, &held, None).await.json();
    let validate = async |token: &str| {
        let lines = format!("authorization: Bearer {}\r\nx-csrf-token: {token}", held.access);
        backend.with("POST", VALIDATE, &lines, "").await.json()["valid"].clone()
    };
    assert_eq!(validate(token["csrf_token"].as_str().unwrap()).await, json!(true));
    assert_eq!(validate("garbage").await, json!(false));
    let bare = backend.bearer("POST", VALIDATE, &held, None).await.json();
    assert_eq!(bare, json!({ "valid": false, "user_bound": true }));
    backend.stop().await;
}

#[tokio::test]
async fn without_a_session_there_is_no_token() {
    let backend = Backend::start().await;
    assert_problem(&backend.with("GET", TOKEN, "accept: */*", "").await, 401, TOKEN);
    assert_problem(&backend.with("POST", VALIDATE, "accept: */*", "").await, 401, VALIDATE);
    backend.verified().await;
    let held = backend.logged_in().await;
    let made = backend.bearer("POST", "/api/v1/user/api-keys", &held, Some(json!({ "name": "a" }))).await;
    let key: Value = made.json()["api_key"].clone();
    let key = format!("x-api-key: {}", key.as_str().unwrap());
    assert_problem(&backend.with("GET", TOKEN, &key, "").await, 403, TOKEN);
    backend.stop().await;
}

/// An old browser says no more than `Origin`, and the proxy in front listens elsewhere than the backend.
#[tokio::test]
async fn without_a_public_url_the_host_is_the_origin() {
    let backend = Backend::start().await;
    backend.verified().await;
    let browser = Browser::logged_in(&backend).await;
    let token = browser.token().await;
    let change = async |host: &str, origin: &str| {
        let (cookies, body) = (&browser.cookies, json!({ "company": "A" }).to_string());
        let request = format!(
            "PUT {PROFILE} HTTP/1.1\r\nhost: {host}\r\nconnection: close\r\ncookie: {cookies}\r\n\
             origin: {origin}\r\nx-csrf-token: {token}\r\ncontent-type: application/json\r\n\
             content-length: {}\r\n\r\n{body}",
            body.len()
        );
        send(backend.address, request).await.status
    };
    assert_eq!(change("links.example:8443", "https://links.example:8443").await, 200);
    assert_eq!(change("links.example", "https://links.example").await, 200);
    assert_eq!(change("links.example", &format!("http://{}", backend.address)).await, 403);
    assert_eq!(change("links.example", "https://links.example:8443").await, 403);
    backend.stop().await;
}

#[tokio::test]
async fn asvs_v7_2_4_logging_in_again_ends_the_session_before() {
    let backend = Backend::start().await;
    backend.verified().await;
    let browser = Browser::logged_in(&backend).await;
    let body = json!({ "email": EMAIL, "password": PASSWORD }).to_string();
    let again = browser.ask("POST", LOGIN, OWN, &body).await;
    assert_eq!(again.status, 200, "{}", again.body);
    assert_problem(&browser.ask("GET", PROFILE, OWN, "").await, 401, PROFILE);
    let cookies = ["__Host-session", "__Host-device"].map(|name| again.cookie(name).unwrap());
    let browser = Browser { backend: &backend, cookies: cookies.join("; ") };
    let sessions = browser.ask("GET", SESSIONS, OWN, "").await;
    assert_eq!(
        (sessions.status, sessions.json().as_array().map(Vec::len)),
        (200, Some(1)),
        "{}",
        sessions.body
    );
    let events = backend.events_until("session.ended").await;
    let (_, ended) = events.iter().find(|(name, _)| name == "session.ended").unwrap();
    assert_eq!(ended["unmapped"]["reason"], "replaced");
    backend.stop().await;
}
