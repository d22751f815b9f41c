//! Accounts from outside, over TCP; the original's defects as tests that fail when one comes back.

use linkshield::{clock::now, store::Role};
use serde_json::{Value, json};

use crate::{
    authenticator::code_of,
    backend::{Backend, CHECK, assert_problem},
    client::{get, post},
    people::{
        EMAIL, FORGOT, JWKS, LOGIN, OTHER_PASSWORD, PASSWORD, PROFILE, REFRESH, REGISTER, RESET, VERIFY,
    },
};

const LOGOUT: &str = "/api/v1/user/logout";
const SESSIONS: &str = "/api/v1/user/sessions";
const CHANGE: &str = "/api/v1/user/change-password";
const RESEND: &str = "/api/v1/user/resend-verification";
const TOTP: &str = "/api/v1/user/mfa/totp";

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
