//! What administrators may do to accounts and keys, from outside, over TCP.

use linkshield::store::Role;
use serde_json::{Value, json};

use crate::{
    backend::{Backend, assert_problem},
    client::{get, post},
    people::{EMAIL, Held, JWKS, LOGIN, PASSWORD, PROFILE, REFRESH, SIGNING_KEYS, USERS},
};

impl Backend {
    pub(crate) async fn id_of(&self, held: &Held) -> String {
        self.bearer("GET", PROFILE, held, None).await.json()["id"].as_str().unwrap().to_owned()
    }
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
