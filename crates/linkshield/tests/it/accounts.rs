//! Accounts from outside, over TCP; the original's defects as tests that fail when one comes back.

use std::fs;

use linkshield::{clock::now, store::Role};
use serde_json::{Value, json};

use crate::{
    authenticator::code_of,
    backend::{Backend, CHECK, assert_problem},
    client::{get, post, wait_for},
    opened::{Limits, UNLIMITED},
    people::{EMAIL, Held, LOGIN, PASSWORD, REGISTER, VERIFY},
};

const REFRESH: &str = "/api/v1/user/refresh";
const LOGOUT: &str = "/api/v1/user/logout";
const PROFILE: &str = "/api/v1/user/profile";
const SESSIONS: &str = "/api/v1/user/sessions";
const CHANGE: &str = "/api/v1/user/change-password";
const FORGOT: &str = "/api/v1/user/forgot-password";
const RESET: &str = "/api/v1/user/reset-password";
const RESEND: &str = "/api/v1/user/resend-verification";
const KEYS: &str = "/api/v1/user/api-keys";
const TOTP: &str = "/api/v1/user/mfa/totp";
const JWKS: &str = "/.well-known/jwks.json";

const OTHER_PASSWORD: &str = "giraffe ninety-one";

#[tokio::test]
async fn d9_register_verify_and_log_in() {
    let backend = Backend::start().await;
    let registered = backend.register().await;
    assert_eq!(registered.status, 200, "{}", registered.body);
    let user = registered.json();
    assert_eq!(user["email"], EMAIL);
    assert_eq!((&user["status"], &user["is_verified"]), (&json!("pending_verification"), &json!(false)));
    assert_eq!((&user["subscription_plan"], &user["role"]), (&json!("free"), &json!("user")));
    assert!(!registered.body.contains("argon2"), "{}", registered.body);
    assert_problem(&backend.log_in(PASSWORD).await, 403, LOGIN);
    let token = backend.mailed_token(EMAIL, "Confirm your e-mail address").await;
    let verify = async || post(backend.address, VERIFY, &json!({ "token": token }).to_string()).await;
    let verified = verify().await;
    assert_eq!((verified.status, &verified.json()["is_verified"]), (200, &json!(true)));
    assert_problem(&verify().await, 400, VERIFY);
    let reply = backend.log_in(PASSWORD).await;
    assert_eq!(reply.status, 200, "{}", reply.body);
    let cookie = reply.header("set-cookie").unwrap();
    assert!(cookie.starts_with("__Host-session="), "{cookie}");
    for attribute in ["Path=/", "Secure", "HttpOnly", "SameSite=Strict"] {
        assert!(cookie.contains(attribute), "{cookie}");
    }
    assert_eq!(reply.header("cache-control"), Some("no-store"));
    let body = reply.json();
    assert_eq!((&body["token_type"], &body["user"]["full_name"]), (&json!("bearer"), &json!("Ada")));
    assert!((890..=900).contains(&body["expires_in"].as_u64().unwrap()), "{body}");
    backend.stop().await;
}

#[tokio::test]
async fn d1_log_out_revokes_token_cookie_and_refresh() {
    let backend = Backend::start().await;
    backend.verified().await;
    let (held, other) = (backend.logged_in().await, backend.logged_in().await);
    let cookie = format!("cookie: {}", held.cookie);
    assert_eq!(backend.bearer("GET", PROFILE, &held, None).await.status, 200);
    assert_eq!(backend.with("GET", PROFILE, &cookie, "").await.status, 200);
    let ended = backend.bearer("POST", LOGOUT, &held, None).await;
    assert_eq!((ended.status, ended.body.as_str()), (204, ""));
    assert!(ended.header("set-cookie").unwrap().contains("Max-Age=0"));
    let refused = backend.bearer("GET", PROFILE, &held, None).await;
    assert_problem(&refused, 401, PROFILE);
    assert!(refused.header("www-authenticate").unwrap().contains("invalid_token"));
    assert_problem(&backend.with("GET", PROFILE, &cookie, "").await, 401, PROFILE);
    let refresh = json!({ "refresh_token": held.refresh }).to_string();
    assert_problem(&post(backend.address, REFRESH, &refresh).await, 401, REFRESH);
    assert_problem(&backend.bearer("POST", LOGOUT, &held, None).await, 401, LOGOUT);
    assert_eq!(backend.bearer("POST", "/auth/logout", &other, None).await.status, 204);
    assert_problem(&backend.bearer("GET", PROFILE, &other, None).await, 401, PROFILE);
    backend.stop().await;
}

#[tokio::test]
async fn d7_signing_keys_exist_and_are_published() {
    let backend = Backend::start().await;
    let reply = get(backend.address, JWKS).await;
    assert_eq!((reply.status, reply.header("content-type")), (200, Some("application/jwk-set+json")));
    assert_eq!(reply.header("cache-control"), Some("public, max-age=300"));
    let jwks = reply.json();
    let key = &jwks["keys"][0];
    assert_eq!((&key["kty"], &key["crv"], &key["alg"]), (&json!("OKP"), &json!("Ed25519"), &json!("EdDSA")));
    assert!(key.get("d").is_none(), "the private part stays here");
    backend.verified().await;
    let held = backend.logged_in().await;
    assert_eq!(held.access.split('.').count(), 3);
    backend.stop().await;
}

#[tokio::test]
async fn d8_garbage_is_no_session() {
    let backend = Backend::start().await;
    backend.verified().await;
    let held = backend.logged_in().await;
    assert_problem(&get(backend.address, PROFILE).await, 401, PROFILE);
    let swapped = held.access.replace('.', "..");
    for header in [
        "authorization: Bearer garbage".to_owned(),
        "authorization: Bearer ".to_owned(),
        "authorization: garbage".to_owned(),
        "authorization: Basic YWRhOmFkYQ==".to_owned(),
        format!("authorization: Bearer {swapped}"),
        format!("authorization: Bearer {}", held.session),
        format!("authorization: Bearer {}", held.refresh),
        format!("authorization: Bearer {0}\r\nauthorization: Bearer {0}", held.access),
        "cookie: __Host-session=garbage".to_owned(),
        format!("cookie: __Host-session={}", held.session),
        format!("cookie: __Host-session={}", "A".repeat(43)),
        format!("cookie: {0}; {0}", held.cookie),
        format!("authorization: Bearer garbage\r\ncookie: {}", held.cookie),
    ] {
        // Where nobody has to say who they are, whoever says it wrongly is told so.
        let open = format!("{CHECK}/01890a5d-ac96-774b-bcce-b302099a8057");
        for path in [PROFILE, &open] {
            let reply = backend.with("GET", path, &header, "").await;
            assert_eq!(reply.status, 401, "{path} {header}: {}", reply.body);
        }
    }
    backend.stop().await;
}

#[tokio::test]
async fn cookie_alone_changes_nothing() {
    let backend = Backend::start().await;
    backend.verified().await;
    let held = backend.logged_in().await;
    let cookie = format!("cookie: {}", held.cookie);
    assert_problem(&backend.with("DELETE", SESSIONS, &cookie, "").await, 403, SESSIONS);
    assert_problem(&backend.with("PUT", PROFILE, &cookie, "{}").await, 403, PROFILE);
    assert_eq!(backend.bearer("GET", SESSIONS, &held, None).await.status, 200);
    backend.stop().await;
}

#[tokio::test]
async fn wrong_password_and_absent_account_look_alike() {
    let backend = Backend::start().await;
    backend.verified().await;
    let wrong = backend.log_in(OTHER_PASSWORD).await;
    let absent = json!({ "email": "eve@example.org", "password": OTHER_PASSWORD }).to_string();
    let absent = post(backend.address, LOGIN, &absent).await;
    assert_problem(&wrong, 401, LOGIN);
    assert_problem(&absent, 401, LOGIN);
    assert_eq!(wrong.json()["detail"], "Invalid email or password");
    assert_eq!(wrong.json()["type"], absent.json()["type"]);
    assert_eq!(wrong.json()["detail"], absent.json()["detail"]);
    backend.stop().await;
}

#[tokio::test]
async fn guessing_ends_in_429_with_retry_after() {
    let backend = Backend::start().await;
    backend.verified().await;
    for _ in 0..5 {
        assert_eq!(backend.log_in("wrong").await.status, 401);
    }
    let refused = backend.log_in(PASSWORD).await;
    assert_problem(&refused, 429, LOGIN);
    let seconds: u64 = refused.header("retry-after").unwrap().parse().unwrap();
    assert!((1..=900).contains(&seconds), "{seconds}");
    assert_eq!(refused.headers("ratelimit").last().unwrap(), &format!("\"failed_logins\";r=0;t={seconds}"));
    assert_eq!(refused.headers("ratelimit-policy").last().unwrap(), &"\"failed_logins\";q=5;w=900");
    assert!(refused.headers("ratelimit").len() > 1, "beside the limits");
    let older = ["x-ratelimit-limit", "x-ratelimit-remaining"].map(|name| refused.header(name).unwrap());
    assert_eq!(older, ["5", "0"]);
    backend.stop().await;
}

/// The review of issue 4, 6.
#[tokio::test]
async fn asvs_v6_1_1_a_flood_of_log_ins_behind_one_address_hinders_no_known_device() {
    let backend = Backend::start().await;
    backend.verified().await;
    let first = backend.log_in(PASSWORD).await;
    let mut statuses = Vec::new();
    for number in 0..55 {
        let body = json!({ "email": format!("user{number}@example.org"), "password": PASSWORD });
        statuses.push(post(backend.address, LOGIN, &body.to_string()).await.status);
    }
    let looked_at = statuses.iter().filter(|status| **status == 401).count();
    assert_eq!(looked_at, 50, "wrong passwords of one address, whoever is meant: {statuses:?}");
    let refused = backend.log_in(PASSWORD).await;
    assert_problem(&refused, 429, LOGIN);
    let policies = refused.headers("ratelimit-policy");
    assert_eq!(policies.last().unwrap(), &"\"failed_logins_of_address\";q=50;w=900");
    let body = json!({ "email": EMAIL, "password": PASSWORD }).to_string();
    let device = format!("cookie: {}", first.cookie("__Host-device").unwrap());
    let again = backend.with("POST", LOGIN, &device, &body).await;
    assert_eq!(again.status, 200, "{}", again.body);
    backend.stop().await;
}

#[tokio::test]
async fn asvs_v6_1_1_a_known_device_is_not_locked_out() {
    let backend = Backend::start().await;
    backend.verified().await;
    let first = backend.log_in(PASSWORD).await;
    let cookie = first.headers("set-cookie").into_iter().find(|line| line.starts_with("__Host-device="));
    let attributes = "; Path=/; Secure; HttpOnly; SameSite=Strict; Max-Age=7776000";
    assert!(cookie.unwrap().ends_with(attributes), "{cookie:?}");
    for _ in 0..5 {
        assert_eq!(backend.log_in("wrong").await.status, 401);
    }
    assert_problem(&backend.log_in(PASSWORD).await, 429, LOGIN);
    let body = json!({ "email": EMAIL, "password": PASSWORD }).to_string();
    let device = format!("cookie: {}", first.cookie("__Host-device").unwrap());
    let again = backend.with("POST", LOGIN, &device, &body).await;
    assert_eq!(again.status, 200, "{}", again.body);
    assert_eq!(again.cookie("__Host-device"), first.cookie("__Host-device"));
    backend.stop().await;
}

#[tokio::test]
async fn registration_names_every_mistake() {
    let backend = Backend::start().await;
    let body = json!({ "email": "ada", "password": "", "accept_terms": false, "plan": "enterprise" });
    let refused = post(backend.address, REGISTER, &body.to_string()).await;
    assert_problem(&refused, 422, REGISTER);
    let refused = refused.json();
    let mut pointers: Vec<&str> = refused["errors"]
        .as_array()
        .unwrap()
        .iter()
        .map(|error| error["pointer"].as_str().unwrap())
        .collect();
    pointers.sort_unstable();
    assert_eq!(pointers, ["#/accept_terms", "#/email", "#/password", "#/plan"]);
    let weak = json!({ "email": EMAIL, "password": "Password1!", "accept_terms": true });
    let weak = post(backend.address, REGISTER, &weak.to_string()).await;
    assert_problem(&weak, 422, REGISTER);
    assert_eq!(weak.json()["errors"][0]["pointer"], "#/password");
    assert_eq!(backend.register().await.status, 200);
    assert_problem(&backend.register().await, 409, REGISTER);
    backend.stop().await;
}

#[tokio::test]
async fn refresh_rotates_and_reuse_ends_the_session() {
    let backend = Backend::start().await;
    backend.verified().await;
    let held = backend.logged_in().await;
    let refresh = async |token: &str| {
        post(backend.address, REFRESH, &json!({ "refresh_token": token }).to_string()).await
    };
    let first = refresh(&held.refresh).await;
    assert_eq!(first.status, 200, "{}", first.body);
    let successor = first.json()["refresh_token"].as_str().unwrap().to_owned();
    assert_eq!(first.json()["session_id"], held.session.as_str());
    assert_eq!(refresh(&held.refresh).await.json()["refresh_token"], successor.as_str());
    assert_eq!(refresh(&successor).await.status, 200);
    assert_problem(&refresh(&held.refresh).await, 401, REFRESH);
    assert_problem(&backend.bearer("GET", PROFILE, &held, None).await, 401, PROFILE);
    backend.stop().await;
}

#[tokio::test]
async fn sessions_are_listed_and_ended() {
    let backend = Backend::start().await;
    backend.verified().await;
    let (one, two, three) = (backend.logged_in().await, backend.logged_in().await, backend.logged_in().await);
    let listed = backend.bearer("GET", SESSIONS, &one, None).await.json();
    let listed = listed.as_array().unwrap();
    assert_eq!(listed.len(), 3);
    let current: Vec<_> = listed.iter().filter(|session| session["is_current"] == true).collect();
    assert_eq!((current.len(), &current[0]["id"]), (1, &json!(one.session)));
    assert_eq!(current[0]["ip_address"], "127.0.0.1");
    let path = format!("{SESSIONS}/{}", two.session);
    assert_eq!(backend.bearer("DELETE", &path, &one, None).await.status, 204);
    assert_problem(&backend.bearer("DELETE", &path, &one, None).await, 404, &path);
    let nonsense = format!("{SESSIONS}/nonsense");
    assert_problem(&backend.bearer("DELETE", &nonsense, &one, None).await, 422, &nonsense);
    assert_problem(&backend.bearer("GET", PROFILE, &two, None).await, 401, PROFILE);
    assert_eq!(backend.bearer("DELETE", SESSIONS, &one, None).await.status, 204);
    assert_problem(&backend.bearer("GET", PROFILE, &three, None).await, 401, PROFILE);
    assert_eq!(backend.bearer("GET", PROFILE, &one, None).await.status, 200);
    backend.stop().await;
}

#[tokio::test]
async fn password_is_changed_and_reset() {
    let backend = Backend::start().await;
    backend.verified().await;
    let (held, other) = (backend.logged_in().await, backend.logged_in().await);
    let change = async |current: &str, new: &str| {
        let body = json!({ "current_password": current, "new_password": new });
        backend.bearer("POST", CHANGE, &held, Some(body)).await
    };
    assert_problem(&change("wrong", OTHER_PASSWORD).await, 400, CHANGE);
    assert_problem(&change(PASSWORD, "short").await, 422, CHANGE);
    assert_eq!(change(PASSWORD, OTHER_PASSWORD).await.status, 204);
    assert_eq!(backend.bearer("GET", PROFILE, &held, None).await.status, 200);
    assert_problem(&backend.bearer("GET", PROFILE, &other, None).await, 401, PROFILE);
    assert_problem(&backend.log_in(PASSWORD).await, 401, LOGIN);
    for path in [FORGOT, RESEND] {
        for email in [EMAIL, "nobody@example.org"] {
            let reply = post(backend.address, path, &json!({ "email": email }).to_string()).await;
            assert_eq!((reply.status, reply.body.as_str()), (204, ""), "{path} {email}");
        }
    }
    let token = backend.mailed_token(EMAIL, "Choose a new password").await;
    let reset = async |new: &str| {
        post(backend.address, RESET, &json!({ "token": token, "new_password": new }).to_string()).await
    };
    assert_problem(&reset("short").await, 422, RESET);
    assert_eq!(reset(PASSWORD).await.status, 204);
    assert_problem(&reset(PASSWORD).await, 400, RESET);
    assert_problem(&backend.bearer("GET", PROFILE, &held, None).await, 401, PROFILE);
    assert_eq!(backend.log_in(PASSWORD).await.status, 200);
    backend.stop().await;
}

/// A hostile user of issue 4: what a policy refuses may not cost what is left of a token's hour.
#[tokio::test]
async fn new_password_may_take_some_attempts() {
    let backend = Backend::start().await;
    backend.verified().await;
    let held = backend.logged_in().await;
    let change = async |new: &str| {
        let body = json!({ "current_password": PASSWORD, "new_password": new });
        backend.bearer("POST", CHANGE, &held, Some(body)).await
    };
    assert_eq!(post(backend.address, FORGOT, &json!({ "email": EMAIL }).to_string()).await.status, 204);
    let token = backend.mailed_token(EMAIL, "Choose a new password").await;
    let reset = async |new: &str| {
        post(backend.address, RESET, &json!({ "token": token, "new_password": new }).to_string()).await
    };
    for weak in ["short", "password", "12345678", "Password1!", "linkshield", "qwertyuiop"] {
        assert_problem(&change(weak).await, 422, CHANGE);
        assert_problem(&reset(weak).await, 422, RESET);
    }
    assert_eq!(change(OTHER_PASSWORD).await.status, 204);
    assert_eq!(reset(PASSWORD).await.status, 204);
    assert_eq!(backend.log_in(PASSWORD).await.status, 200);
    backend.stop().await;
}

/// A hostile user of issue 4: a code that is not good is told from one that did not come.
#[tokio::test]
async fn wrong_code_is_told_from_none() {
    let backend = Backend::start().await;
    backend.verified().await;
    let held = backend.logged_in().await;
    let setup = backend.bearer("POST", TOTP, &held, None).await.json();
    let code = code_of(setup["secret"].as_str().unwrap(), now().0 / 30_000);
    let confirm = format!("{TOTP}/confirm");
    let confirmed = backend.bearer("POST", &confirm, &held, Some(json!({ "code": code }))).await;
    assert_eq!(confirmed.status, 200, "{}", confirmed.body);
    let log_in = async |code: Option<&str>| {
        let body = json!({ "email": EMAIL, "password": PASSWORD, "totp_code": code });
        post(backend.address, LOGIN, &body.to_string()).await
    };
    let missing = log_in(None).await;
    assert_problem(&missing, 401, LOGIN);
    assert_eq!(missing.json()["type"], "urn:linkshield:problem:second-factor-required");
    for refused in ["000000x", &code] {
        let wrong = log_in(Some(refused)).await;
        assert_problem(&wrong, 400, LOGIN);
        assert_eq!(wrong.json()["type"], "urn:linkshield:problem:bad-code", "{refused}");
    }
    let end = json!({ "password": PASSWORD, "code": "000000x" });
    for _ in 0..5 {
        assert_problem(&backend.bearer("DELETE", TOTP, &held, Some(end.clone())).await, 400, TOTP);
    }
    let throttled = backend.bearer("DELETE", TOTP, &held, Some(end)).await;
    assert_problem(&throttled, 429, TOTP);
    let policies = throttled.headers("ratelimit-policy");
    assert_eq!(policies.last().unwrap(), &"\"failed_codes_of_session\";q=5;w=900");
    assert!(throttled.body.contains("codes of the second factor were wrong"), "{}", throttled.body);
    let documented = get(backend.address, "/openapi.json").await.json();
    let refusal = &documented["paths"][LOGIN]["post"]["responses"]["400"]["description"];
    assert!(refusal.as_str().unwrap().contains("code is not valid"), "{refusal}");
    backend.stop().await;
}

#[tokio::test]
async fn profile_is_changed_field_by_field() {
    let backend = Backend::start().await;
    backend.verified().await;
    let held = backend.logged_in().await;
    let change = json!({ "full_name": "Ada King Lovelace", "company": "Analytical Engines" });
    let changed = backend.bearer("PUT", PROFILE, &held, Some(change)).await;
    assert_eq!(changed.status, 200, "{}", changed.body);
    assert_eq!(changed.json()["last_name"], "King Lovelace");
    let cleared = backend.bearer("PUT", PROFILE, &held, Some(json!({ "company": "" }))).await.json();
    assert_eq!((&cleared["company"], &cleared["full_name"]), (&Value::Null, &json!("Ada King Lovelace")));
    assert_problem(
        &backend.bearer("PUT", PROFILE, &held, Some(json!({ "role": "admin" }))).await,
        422,
        PROFILE,
    );
    backend.stop().await;
}

/// Found by a hostile user: scripts for whoever shows the picture, a name that NUL or a direction mark makes another.
#[tokio::test]
async fn profile_takes_nothing_that_misleads() {
    let backend = Backend::start().await;
    backend.verified().await;
    let held = backend.logged_in().await;
    for (field, text) in [
        ("profile_picture_url", "javascript:alert(1)"),
        ("profile_picture_url", "file:///etc/passwd"),
        ("full_name", "Ada\0"),
        ("full_name", "\u{202E}ecalevoL"),
        ("full_name", "Ada\nroot"),
        ("company", "\u{7}"),
        ("language", "\u{2066}en"),
        ("timezone", "nowhere at all"),
    ] {
        let refused = backend.bearer("PUT", PROFILE, &held, Some(json!({ field: text }))).await;
        assert_problem(&refused, 422, PROFILE);
        assert_eq!(refused.json()["errors"][0]["pointer"], format!("#/{field}"));
    }
    let good = json!({ "profile_picture_url": "https://a.example/ada.png", "timezone": "Europe/London", "language": "en" });
    let changed = backend.bearer("PUT", PROFILE, &held, Some(good)).await.json();
    assert_eq!(
        (&changed["avatar_url"], &changed["timezone"]),
        (&json!("https://a.example/ada.png"), &json!("Europe/London"))
    );
    let eve = json!({ "email": "eve@example.org", "password": PASSWORD, "accept_terms": true,
        "first_name": "Eve\0", "username": "\u{202E}", "avatar_url": "javascript:0" });
    let refused = post(backend.address, REGISTER, &eve.to_string()).await;
    assert_problem(&refused, 422, REGISTER);
    assert_eq!(refused.json()["errors"].as_array().unwrap().len(), 3, "{}", refused.body);
    backend.stop().await;
}

/// Found by a hostile user: their own address, or the password that they have.
#[tokio::test]
async fn asvs_v6_2_11_passwords_are_neither_ones_address_nor_the_old_one() {
    let backend = Backend::start().await;
    for password in ["ada@example.org", "ada@example.org42", "example.org42"] {
        let body = json!({ "email": EMAIL, "password": password, "accept_terms": true });
        assert_problem(&post(backend.address, REGISTER, &body.to_string()).await, 422, REGISTER);
    }
    backend.verified().await;
    let held = backend.logged_in().await;
    let change = async |current: &str, new: &str| {
        let body = json!({ "current_password": current, "new_password": new });
        backend.bearer("POST", CHANGE, &held, Some(body)).await
    };
    let same = change(PASSWORD, PASSWORD).await;
    assert_problem(&same, 422, CHANGE);
    assert_eq!(same.json()["errors"][0]["pointer"], "#/new_password");
    assert_problem(&change("wrong and wrong", "wrong and wrong").await, 400, CHANGE);
    assert_problem(&change(PASSWORD, "ada@example.org").await, 422, CHANGE);
    backend.stop().await;
}

#[tokio::test]
async fn administrators_find_accounts_by_address() {
    let backend = Backend::start().await;
    backend.verified().await;
    let user = backend.logged_in().await;
    let admin = backend.admin("root@example.org", Role::Admin).await;
    let path = |email: &str| format!("{USERS}?email={email}");
    let found = backend.bearer("GET", &path("ADA@example.org"), &admin, None).await;
    assert_eq!(found.status, 200, "{}", found.body);
    assert_eq!(found.json()["id"], json!(backend.id_of(&user).await));
    assert_problem(&backend.bearer("GET", &path("eve@example.org"), &admin, None).await, 404, USERS);
    assert_problem(&backend.bearer("GET", USERS, &admin, None).await, 422, USERS);
    assert_problem(&get(backend.address, &path(EMAIL)).await, 401, USERS);
    let refused = backend.bearer("GET", &path(EMAIL), &user, None).await;
    assert_problem(&refused, 403, USERS);
    assert!(refused.body.contains("`admin`; log in again or refresh"), "{}", refused.body);
    // The one that is written last.
    let revoke = format!("/auth/admin/revoke-user-tokens/{}", backend.id_of(&user).await);
    assert_eq!(backend.bearer("POST", &revoke, &admin, None).await.status, 200);
    let events = backend.events_until("tokens.revoked").await;
    let looked: Vec<_> = events.iter().filter(|(name, _)| name == "account.looked-up").collect();
    let accounts = looked.iter().map(|(_, event)| &event["unmapped"]["account"]).collect::<Vec<_>>();
    assert_eq!(accounts, [&found.json()["id"], &Value::Null], "whether or not there is one: {looked:?}");
    assert!(!format!("{looked:?}").contains("example.org"), "no address: {looked:?}");
    backend.stop().await;
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

impl Backend {
    async fn id_of(&self, held: &Held) -> String {
        self.bearer("GET", PROFILE, held, None).await.json()["id"].as_str().unwrap().to_owned()
    }
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
async fn what_a_role_does_not_allow_is_told() {
    let backend = Backend::start().await;
    backend.verified().await;
    let user = backend.logged_in().await;
    let (admin, id) = (backend.admin("admin@example.org", Role::Admin).await, backend.id_of(&user).await);
    let path = format!("{USERS}/{id}");
    let refused = backend.bearer("PUT", &path, &admin, Some(json!({ "role": "admin" }))).await;
    assert_problem(&refused, 403, &path);
    let own = format!("/auth/admin/revoke-user-tokens/{}", backend.id_of(&admin).await);
    assert_problem(&backend.bearer("POST", &own, &admin, None).await, 403, &own);
    // The two, and then one that is written after them.
    assert_eq!(backend.bearer("PUT", &path, &admin, Some(json!({ "locked": true }))).await.status, 200);
    let events = backend.events_until("account.locked").await;
    let denied = events.iter().filter(|(name, _)| name == "access.denied").map(|(_, event)| event);
    let denied: Vec<_> = denied.map(|event| event["unmapped"]["reason"].as_str().unwrap()).collect();
    assert_eq!(denied, ["role"; 2]);
    backend.stop().await;
}

const USERS: &str = "/api/v1/admin/users";
const SIGNING_KEYS: &str = "/api/v1/jwt/keys";

impl Backend {
    /// A key of this holder: its id, and the line of a head that shows it.
    async fn key(&self, held: &Held) -> (String, String) {
        let made = self.bearer("POST", KEYS, held, Some(json!({ "name": "a" }))).await;
        assert_eq!(made.status, 200, "{}", made.body);
        let text = |field: &str| made.json()[field].as_str().unwrap().to_owned();
        (text("id"), format!("x-api-key: {}", text("api_key")))
    }

    async fn checks_with(&self, key: &str) -> u16 {
        self.with("POST", CHECK, key, &json!({ "url": "https://example.com/" }).to_string()).await.status
    }
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

#[tokio::test]
async fn administrators_take_keys_back_in_an_emergency() {
    let backend = Backend::start().await;
    backend.verified().await;
    let user = backend.logged_in().await;
    let [(first, first_key), (_, second_key), (_, third_key)] =
        [backend.key(&user).await, backend.key(&user).await, backend.key(&user).await];
    let admin = backend.admin("admin@example.org", Role::Admin).await;
    let path = format!("/api/v1/admin/api-keys/{first}");
    assert_problem(&backend.bearer("DELETE", &path, &user, None).await, 403, &path);
    assert_eq!(backend.bearer("DELETE", &path, &admin, None).await.status, 204);
    assert_problem(&backend.bearer("DELETE", &path, &admin, None).await, 404, &path);
    assert_eq!((backend.checks_with(&first_key).await, backend.checks_with(&second_key).await), (401, 200));
    let id = backend.id_of(&user).await;
    let path = format!("{USERS}/{id}/api-keys");
    assert_problem(&backend.bearer("DELETE", &path, &user, None).await, 403, &path);
    let ended = backend.bearer("DELETE", &path, &admin, None).await;
    assert_eq!((ended.status, &ended.json()["revoked_count"]), (200, &json!(2)), "{}", ended.body);
    assert_eq!((backend.checks_with(&second_key).await, backend.checks_with(&third_key).await), (401, 401));
    assert_eq!(backend.bearer("GET", PROFILE, &user, None).await.status, 200, "sessions are another matter");
    let nobody = format!("{USERS}/01890000-0000-7000-8000-000000000000/api-keys");
    assert_problem(&backend.bearer("DELETE", &nobody, &admin, None).await, 404, &nobody);
    // What is a super administrator's, only they take back.
    let root = backend.admin("root@example.org", Role::SuperAdmin).await;
    let (key, _) = backend.key(&root).await;
    for path in
        [format!("/api/v1/admin/api-keys/{key}"), format!("{USERS}/{}/api-keys", backend.id_of(&root).await)]
    {
        assert_problem(&backend.bearer("DELETE", &path, &admin, None).await, 403, &path);
    }
    let events = backend.events_until("access.denied").await;
    assert!(
        events.iter().any(|(name, event)| name == "access.denied" && event["unmapped"]["reason"] == "role")
    );
    backend.stop().await;
}

#[tokio::test]
async fn administrators_lock_accounts_and_end_their_sessions() {
    let backend = Backend::start().await;
    backend.verified().await;
    let user = backend.logged_in().await;
    let id = backend.bearer("GET", PROFILE, &user, None).await.json()["id"].as_str().unwrap().to_owned();
    let path = format!("{USERS}/{id}");
    let lock = || Some(json!({ "locked": true }));
    assert_problem(&backend.bearer("PUT", &path, &user, lock()).await, 403, &path);
    assert_problem(&backend.with("PUT", &path, "accept: */*", "{}").await, 401, &path);
    let admin = backend.admin("root@example.org", Role::SuperAdmin).await;
    let changed = json!({ "subscription_plan": "basic", "role": "moderator" });
    let changed = backend.bearer("PUT", &path, &admin, Some(changed)).await.json();
    assert_eq!((&changed["subscription_plan"], &changed["role"]), (&json!("starter"), &json!("moderator")));
    let refused = backend.bearer("PUT", &path, &admin, Some(json!({ "role": "god", "status": "?" }))).await;
    assert_problem(&refused, 422, &path);
    let revoke = format!("/auth/admin/revoke-user-tokens/{id}");
    let lesser = backend.admin("lesser@example.org", Role::Admin).await;
    let above = format!("/auth/admin/revoke-user-tokens/{}", backend.id_of(&admin).await);
    assert_problem(&backend.bearer("POST", &above, &lesser, None).await, 403, &above);
    assert_eq!(backend.bearer("GET", PROFILE, &admin, None).await.status, 200, "nobody was logged out");
    let nobody = "/auth/admin/revoke-user-tokens/01890000-0000-7000-8000-000000000000";
    assert_problem(&backend.bearer("POST", nobody, &lesser, None).await, 404, nobody);
    let revoked = backend.bearer("POST", &revoke, &admin, None).await.json();
    assert_eq!((&revoked["revoked_count"], &revoked["user_id"]), (&json!(1), &json!(id)));
    assert_problem(&backend.bearer("GET", PROFILE, &user, None).await, 401, PROFILE);
    let again = backend.logged_in().await;
    assert_eq!(backend.bearer("PUT", &path, &admin, lock()).await.status, 200);
    assert_problem(&backend.bearer("GET", PROFILE, &again, None).await, 401, PROFILE);
    assert_problem(&backend.log_in(PASSWORD).await, 423, LOGIN);
    assert_eq!(backend.bearer("PUT", &path, &admin, Some(json!({ "locked": false }))).await.status, 200);
    assert_problem(&backend.bearer("GET", PROFILE, &again, None).await, 401, PROFILE);
    assert_eq!(backend.log_in(PASSWORD).await.status, 200);
    // Whoever could be the last does not lock themselves out; their plan is another matter.
    let own = format!("{USERS}/{}", backend.id_of(&admin).await);
    for change in [json!({ "locked": true }), json!({ "status": "suspended" }), json!({ "role": "admin" })] {
        assert_problem(&backend.bearer("PUT", &own, &admin, Some(change)).await, 403, &own);
    }
    let plan = json!({ "subscription_plan": "professional", "locked": false });
    assert_eq!(backend.bearer("PUT", &own, &admin, Some(plan)).await.status, 200);
    let nobody = format!("{USERS}/01890a5d-ac96-774b-bcce-b302099a8057");
    assert_problem(&backend.bearer("PUT", &nobody, &admin, lock()).await, 404, &nobody);
    for (method, path, parameter) in
        [("PUT", "/api/v1/admin/users/x", "#/id"), ("POST", "/auth/admin/revoke-user-tokens/x", "#/user_id")]
    {
        let refused = backend.bearer(method, path, &admin, lock()).await;
        assert_problem(&refused, 422, path);
        assert_eq!(refused.json()["errors"][0]["pointer"], parameter);
    }
    backend.stop().await;
}

#[tokio::test]
async fn administrators_do_not_make_their_like() {
    let backend = Backend::start().await;
    let super_admin = backend.admin("root@example.org", Role::SuperAdmin).await;
    let admin = backend.admin("helper@example.org", Role::Admin).await;
    backend.verified().await;
    let user = backend.logged_in().await;
    let id = async |held: &Held| {
        backend.bearer("GET", PROFILE, held, None).await.json()["id"].as_str().unwrap().to_owned()
    };
    let (of_user, of_super) = (id(&user).await, id(&super_admin).await);
    let path = format!("{USERS}/{of_user}");
    assert_problem(&backend.bearer("PUT", &path, &admin, Some(json!({ "role": "admin" }))).await, 403, &path);
    let above = format!("{USERS}/{of_super}");
    assert_problem(
        &backend.bearer("PUT", &above, &admin, Some(json!({ "locked": true }))).await,
        403,
        &above,
    );
    assert_eq!(
        backend.bearer("PUT", &path, &super_admin, Some(json!({ "role": "admin" }))).await.status,
        200
    );
    backend.stop().await;
}

#[tokio::test]
async fn d7_administrators_rotate_and_kill_signing_keys() {
    let backend = Backend::start().await;
    let admin = backend.admin("root@example.org", Role::SuperAdmin).await;
    let rotate = "/api/v1/jwt/rotate";
    let announced = backend.bearer("POST", rotate, &admin, None).await;
    assert_eq!(announced.status, 200, "{}", announced.body);
    assert_problem(&backend.bearer("POST", rotate, &admin, None).await, 409, rotate);
    let listed = backend.bearer("GET", SIGNING_KEYS, &admin, None).await.json();
    assert_eq!((&listed[0]["state"], &listed[1]["state"]), (&json!("active"), &json!("announced")));
    assert_eq!(get(backend.address, JWKS).await.json()["keys"].as_array().unwrap().len(), 2);
    let active = listed[0]["key_id"].as_str().unwrap();
    let status = backend.bearer("GET", "/api/v1/jwt/status", &admin, None).await.json();
    assert_eq!((&status["active_key_id"], &status["key_count"]), (&json!(active), &json!(2)));
    let path = format!("{SIGNING_KEYS}/{active}");
    assert_eq!(backend.bearer("DELETE", &path, &admin, None).await.status, 204);
    assert_problem(&backend.bearer("GET", PROFILE, &admin, None).await, 401, PROFILE);
    let refreshed = json!({ "refresh_token": admin.refresh }).to_string();
    let refreshed = post(backend.address, REFRESH, &refreshed).await;
    assert_eq!(refreshed.status, 200, "the session goes on under another key: {}", refreshed.body);
    let again = backend.held_by("root@example.org").await;
    assert_problem(&backend.bearer("DELETE", &path, &again, None).await, 404, &path);
    backend.stop().await;
}

#[tokio::test]
async fn checks_belong_to_their_account() {
    let backend = Backend::start().await;
    backend.verified().await;
    let (own, history) = (backend.logged_in().await, "/api/v1/url-check/history");
    let body = json!({ "url": "https://example.com/" });
    let check = backend.bearer("POST", CHECK, &own, Some(body.clone())).await.json();
    let path = format!("{CHECK}/{}", check["id"].as_str().unwrap());
    let results = format!("{path}/results");
    for path in [&path, &results] {
        assert_eq!(backend.bearer("GET", path, &own, None).await.status, 200);
        assert_problem(&get(backend.address, path).await, 403, path);
        assert_problem(&backend.ask("GET", path, "").await, 403, path);
    }
    let anonymous = backend.check("https://example.com/").await;
    assert_ne!(anonymous["id"], check["id"], "another's result is not taken");
    let anonymous = format!("{CHECK}/{}", anonymous["id"].as_str().unwrap());
    assert_eq!(get(backend.address, &anonymous).await.status, 200);
    assert_eq!(backend.bearer("GET", &anonymous, &own, None).await.status, 200);
    assert_eq!(backend.bearer("GET", history, &own, None).await.json()["total_count"], 1);
    assert_eq!(backend.ask("GET", history, "").await.json()["total_count"], 0);
    assert_problem(&get(backend.address, history).await, 401, history);
    let bulk = "/api/v1/url-check/bulk-check";
    assert_problem(&post(backend.address, bulk, "{\"urls\":[]}").await, 401, bulk);
    backend.stop().await;
}

#[tokio::test]
async fn d1_revoked_token_is_told_from_a_good_one() {
    let backend = Backend::start().await;
    backend.verified().await;
    let held = backend.logged_in().await;
    let validate = "/auth/validate-token";
    let inspect =
        async || post(backend.address, validate, &json!({ "token": held.access }).to_string()).await.json();
    let good = inspect().await;
    assert_eq!((&good["valid"], &good["session_id"]), (&json!(true), &json!(held.session)));
    assert_eq!(backend.bearer("POST", LOGOUT, &held, None).await.status, 204);
    assert_eq!(inspect().await, json!({ "valid": false, "reason": "malformed, expired or revoked" }));
    let stats = "/auth/admin/blacklist-stats";
    let admin = backend.admin("root@example.org", Role::SuperAdmin).await;
    // The session, and the word that an account has become an administrator's.
    assert_eq!(backend.bearer("GET", stats, &admin, None).await.json()["stats"]["revocations_total"], 2);
    assert_problem(&get(backend.address, stats).await, 401, stats);
    backend.stop().await;
}
