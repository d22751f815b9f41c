//! What administrators do: to accounts, to their tokens, to the signing keys.

use axum::{
    Json,
    extract::{Request, State},
};
use http::StatusCode;
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use shield_guard::{
    AccountId, ApiKeyId, KeyId,
    event::SecurityEvent,
    limit::Tier,
    token::{KeyRecord, KeyState},
};
use utoipa::ToSchema;

use super::{
    ACCOUNT_BODY_BYTES_MAX,
    answers::{UserResponse, moment},
    events,
};
use crate::{
    accounts::Administrator,
    api::{
        body::read_json,
        fields::Fields,
        path_id::PathId,
        problem::{Problem, ProblemDocument},
        state::App,
    },
    clock::now,
    gate::{Admin, Witness},
    store::{AccountStatus, Role, StandingChange},
};

/// Body of `PUT /api/v1/admin/users/{id}`. What is missing stays.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[expect(dead_code, reason = "describes the body in the OpenAPI document; it is read field by field")]
pub(crate) struct StandingRequest {
    /// One of the six tiers, or an older name of one: `basic`, `pro`, `premium`.
    #[schema(required = false)]
    subscription_plan: Option<String>,
    /// `user`, `moderator`, `admin` or `super_admin`; administrators are made by super administrators.
    #[schema(required = false)]
    role: Option<String>,
    /// `active`, `inactive` or `suspended`.
    #[schema(required = false)]
    status: Option<String>,
    /// Whether the account is locked.
    #[schema(required = false)]
    locked: Option<bool>,
}

/// How many sessions ended.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct RevokedResponse {
    message: String,
    revoked_count: usize,
    user_id: String,
    admin_id: String,
}

/// API keys that were taken back.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct RevokedKeysResponse {
    revoked_count: usize,
    key_ids: Vec<String>,
    user_id: String,
    admin_id: String,
}

/// A signing key.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct SigningKeyResponse {
    key_id: String,
    #[schema(value_type = String)]
    algorithm: &'static str,
    /// `announced`, `active`, `retired`, `gone` or `killed`.
    #[schema(value_type = String)]
    state: KeyState,
    #[schema(value_type = String, format = DateTime)]
    signs_from: Timestamp,
    #[schema(value_type = Option<String>, format = DateTime)]
    signs_until: Option<Timestamp>,
}

/// Changes plan, role, status or lock of an account. One that may not be used any more loses its sessions.
#[utoipa::path(put, path = "/api/v1/admin/users/{id}", tag = "admin", request_body = StandingRequest,
    params(("id" = String, Path, description = "Id of the account")), responses(
    (status = 200, description = "The account", body = UserResponse),
    (status = 401, description = "Nobody is logged in, or the log-in is too long ago", body = ProblemDocument, content_type = "application/problem+json"),
    (status = 403, description = "Not an administrator, or not enough of one", body = ProblemDocument, content_type = "application/problem+json"),
    (status = 404, description = "No such account", body = ProblemDocument, content_type = "application/problem+json"),
))]
pub(super) async fn change_user(
    State(app): State<App>,
    Admin(holder, role): Admin,
    PathId(id): PathId<AccountId>,
    witness: Witness,
    request: Request,
) -> Result<Json<UserResponse>, Problem> {
    holder.require_recent_login()?;
    let change = standing(read_json(request, ACCOUNT_BODY_BYTES_MAX).await?)?;
    let witness = witness.about(id);
    let by = Administrator { account: holder.account, role };
    let changed = app.accounts().change_standing(by, id, change).await;
    let changed = changed.inspect_err(|error| events::change_refused(&witness, error))?;
    app.gate().forget(id);
    events::standing_changed(witness, &changed);
    Ok(Json(changed.account.into()))
}

fn standing(body: Value) -> Result<StandingChange, Problem> {
    let mut fields = Fields::of(body, &["subscription_plan", "role", "status", "locked"])?;
    let tiers = Tier::ALL.map(Tier::as_str).join(", ");
    let roles = Role::ALL.map(Role::as_str).join(", ");
    let status = |name: &str| {
        AccountStatus::from_name(name).filter(|status| *status != AccountStatus::PendingVerification)
    };
    let change = StandingChange {
        plan: named(&mut fields, "subscription_plan", &tiers, |name| name.parse().ok()),
        role: named(&mut fields, "role", &roles, Role::from_name),
        status: named(&mut fields, "status", "active, inactive, suspended", status),
        locked: fields.optional_truth("locked"),
    };
    fields.finish(change)
}

fn named<T>(
    fields: &mut Fields,
    name: &str,
    accepted: &str,
    read: impl FnOnce(&str) -> Option<T>,
) -> Option<T> {
    let text = fields.optional_text(name, 1..=64)?;
    let value = read(&text);
    if value.is_none() {
        fields.refuse(name, format!("is `{text}`, accepted are {accepted}"));
    }
    value
}

/// Ends every session of an account, with all tokens.
#[utoipa::path(post, path = "/auth/admin/revoke-user-tokens/{user_id}", tag = "admin",
    params(("user_id" = String, Path, description = "Id of the account")), responses(
    (status = 200, description = "Ended", body = RevokedResponse),
    (status = 401, description = "Nobody is logged in, or the log-in is too long ago", body = ProblemDocument, content_type = "application/problem+json"),
    (status = 403, description = "Not an administrator, or not enough of one", body = ProblemDocument, content_type = "application/problem+json"),
    (status = 404, description = "No such account", body = ProblemDocument, content_type = "application/problem+json"),
))]
pub(super) async fn revoke_tokens(
    State(app): State<App>,
    Admin(holder, role): Admin,
    PathId(account): PathId<AccountId>,
    witness: Witness,
) -> Result<Json<RevokedResponse>, Problem> {
    holder.require_recent_login()?;
    let witness = witness.about(account);
    let ended = app.accounts().end_sessions_of(role, account).await;
    let ended = ended.inspect_err(|error| events::change_refused(&witness, error))?;
    let revoked = SecurityEvent::TokensRevoked { scope: "account", owner: account, reason: "admin" };
    witness.tell(&revoked, StatusCode::OK);
    events::sessions_ended(&witness, &ended, "admin", StatusCode::OK);
    let revoked_count = ended.len();
    Ok(Json(RevokedResponse {
        message: format!("{revoked_count} sessions ended with all their tokens"),
        revoked_count,
        user_id: account.to_string(),
        admin_id: holder.account.to_string(),
    }))
}

/// Takes back every API key of an account, at once: for an account that is in other hands.
#[utoipa::path(delete, path = "/api/v1/admin/users/{id}/api-keys", tag = "admin",
    params(("id" = String, Path, description = "Id of the account")), responses(
    (status = 200, description = "Taken back", body = RevokedKeysResponse),
    (status = 401, description = "Nobody is logged in, or the log-in is too long ago", body = ProblemDocument, content_type = "application/problem+json"),
    (status = 403, description = "Not an administrator, or not enough of one", body = ProblemDocument, content_type = "application/problem+json"),
    (status = 404, description = "No such account", body = ProblemDocument, content_type = "application/problem+json"),
))]
pub(super) async fn revoke_api_keys(
    State(app): State<App>,
    Admin(holder, role): Admin,
    PathId(account): PathId<AccountId>,
    witness: Witness,
) -> Result<Json<RevokedKeysResponse>, Problem> {
    holder.require_recent_login()?;
    let witness = witness.about(account);
    let ended = app.accounts().take_back_api_keys(role, account).await;
    let ended = ended.inspect_err(|error| events::change_refused(&witness, error))?;
    events::api_keys_ended(&witness, &ended, "admin", StatusCode::OK);
    Ok(Json(RevokedKeysResponse {
        revoked_count: ended.len(),
        key_ids: ended.iter().map(ApiKeyId::to_string).collect(),
        user_id: account.to_string(),
        admin_id: holder.account.to_string(),
    }))
}

/// Takes back one API key, whoever has it, at once: for a key that leaked.
#[utoipa::path(delete, path = "/api/v1/admin/api-keys/{id}", tag = "admin",
    params(("id" = String, Path, description = "Id of the key")), responses(
    (status = 204, description = "Taken back"),
    (status = 401, description = "Nobody is logged in, or the log-in is too long ago", body = ProblemDocument, content_type = "application/problem+json"),
    (status = 403, description = "Not an administrator, or not enough of one", body = ProblemDocument, content_type = "application/problem+json"),
    (status = 404, description = "No such key, or it was taken back before", body = ProblemDocument, content_type = "application/problem+json"),
))]
pub(super) async fn revoke_api_key(
    State(app): State<App>,
    Admin(holder, role): Admin,
    PathId(key): PathId<ApiKeyId>,
    witness: Witness,
) -> Result<StatusCode, Problem> {
    holder.require_recent_login()?;
    let ended = app.accounts().take_back_api_key(role, key).await;
    let owner = ended.inspect_err(|error| events::change_refused(&witness, error))?;
    let owner = owner.ok_or_else(Problem::unknown_api_key)?;
    events::api_keys_ended(&witness.about(owner), &[key], "admin", StatusCode::NO_CONTENT);
    Ok(StatusCode::NO_CONTENT)
}

/// Which key signs, and whether the next is due.
#[utoipa::path(get, path = "/api/v1/jwt/status", tag = "admin", responses(
    (status = 200, description = "The state of the keys", body = Object),
))]
pub(super) async fn jwt_status(State(app): State<App>, _admin: Admin) -> Json<Value> {
    let (keys, now) = (app.accounts().keys(), now());
    let records = keys.records();
    let active = records.iter().find(|record| record.state(now) == KeyState::Active);
    Json(json!({
        "active_key_id": active.map(|record| record.id.to_string()),
        "key_count": records.len(),
        "rotation_due": keys.rotation_due(now),
    }))
}

/// The signing keys, oldest first.
#[utoipa::path(get, path = "/api/v1/jwt/keys", tag = "admin", responses(
    (status = 200, description = "The keys", body = [SigningKeyResponse]),
))]
pub(super) async fn jwt_keys(State(app): State<App>, _admin: Admin) -> Json<Vec<SigningKeyResponse>> {
    Json(app.accounts().keys().records().iter().map(SigningKeyResponse::from).collect())
}

/// Announces a new signing key, which takes over some minutes later.
#[utoipa::path(post, path = "/api/v1/jwt/rotate", tag = "admin", responses(
    (status = 200, description = "The new key's id", body = Object),
    (status = 401, description = "Nobody is logged in, or the log-in is too long ago", body = ProblemDocument, content_type = "application/problem+json"),
    (status = 409, description = "Another key is announced already", body = ProblemDocument, content_type = "application/problem+json"),
))]
pub(super) async fn jwt_rotate(
    State(app): State<App>,
    Admin(holder, _role): Admin,
    witness: Witness,
) -> Result<Json<Value>, Problem> {
    holder.require_recent_login()?;
    let id = app.accounts().keys().rotate(now()).await?;
    witness.tell(&SecurityEvent::SigningKeyRotated { kid: id }, StatusCode::OK);
    Ok(Json(json!({ "key_id": id.to_string() })))
}

/// Takes a signing key out of service at once, with every token that it signed.
#[utoipa::path(delete, path = "/api/v1/jwt/keys/{id}", tag = "admin",
    params(("id" = String, Path, description = "Id of the key")), responses(
    (status = 204, description = "Killed"),
    (status = 401, description = "Nobody is logged in, or the log-in is too long ago", body = ProblemDocument, content_type = "application/problem+json"),
    (status = 404, description = "No such key, or it was killed before", body = ProblemDocument, content_type = "application/problem+json"),
))]
pub(super) async fn jwt_kill(
    State(app): State<App>,
    Admin(holder, _role): Admin,
    PathId(id): PathId<KeyId>,
    witness: Witness,
) -> Result<StatusCode, Problem> {
    holder.require_recent_login()?;
    app.accounts().kill_signing_key(id).await?;
    let revoked = SecurityEvent::SigningKeyRevoked { kid: id, reason: "admin" };
    witness.tell(&revoked, StatusCode::NO_CONTENT);
    Ok(StatusCode::NO_CONTENT)
}

// === impl SigningKeyResponse ===

impl From<&KeyRecord> for SigningKeyResponse {
    fn from(record: &KeyRecord) -> Self {
        Self {
            key_id: record.id.to_string(),
            algorithm: record.algorithm.name(),
            state: record.state(now()),
            signs_from: moment(record.signs_from),
            signs_until: record.signs_until.map(moment),
        }
    }
}
