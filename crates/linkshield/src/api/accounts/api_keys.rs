//! The API keys of an account.

use axum::{
    Json,
    extract::{Request, State},
};
use http::StatusCode;
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use shield_guard::{
    ApiKeyId,
    api_key::{ApiKeyRecord, ApiKeyState},
    event::SecurityEvent,
};
use utoipa::ToSchema;

use super::{
    ACCOUNT_BODY_BYTES_MAX,
    answers::{instant, moment},
};
use crate::{
    accounts::{KeyOrder, MadeKey, Permissions, scopes::ADMIN},
    api::{
        body::read_json,
        fields::Fields,
        path_id::PathId,
        problem::{Problem, ProblemDocument},
        state::App,
    },
    clock::now,
    gate::{LoggedIn, Witness},
};

const NAME_LENGTH_MAX: usize = 100;

/// Body of `POST /api/v1/user/api-keys`.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[expect(dead_code, reason = "describes the body in the OpenAPI document; it is read field by field")]
pub(crate) struct ApiKeyRequest {
    #[schema(min_length = 1, max_length = 100)]
    name: String,
    /// At most 366 days from now; 90 if nothing is said.
    #[schema(required = false, value_type = Option<String>, format = DateTime)]
    expires_at: Option<String>,
    /// One at least of `url_check`, `report_create` and `report_read`; `url_check` if nothing is said.
    #[schema(required = false, min_items = 1)]
    permissions: Option<Vec<String>>,
}

/// A key, as its owner sees it.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = APIKeyResponse)]
pub(crate) struct ApiKeyResponse {
    #[schema(format = "uuid")]
    id: String,
    name: String,
    /// How it begins.
    key_preview: String,
    #[schema(value_type = [String])]
    permissions: Vec<&'static str>,
    is_active: bool,
    /// Whether another was made in its place; it works until `expires_at`.
    is_replaced: bool,
    #[schema(value_type = String, format = DateTime)]
    expires_at: Timestamp,
    #[schema(value_type = Option<String>, format = DateTime)]
    last_used_at: Option<Timestamp>,
    #[schema(value_type = String, format = DateTime)]
    created_at: Timestamp,
    /// The key itself, in the answer that makes it and never again.
    #[serde(skip_serializing_if = "Option::is_none")]
    api_key: Option<String>,
}

/// Lists the keys that have not expired.
#[utoipa::path(get, path = "/api/v1/user/api-keys", tag = "user", responses(
    (status = 200, description = "The keys", body = [ApiKeyResponse]),
))]
pub(super) async fn list(
    State(app): State<App>,
    LoggedIn(holder): LoggedIn,
) -> Result<Json<Vec<ApiKeyResponse>>, Problem> {
    let keys = app.accounts().api_keys(holder.account).await?;
    Ok(Json(keys.into_iter().map(ApiKeyResponse::from).collect()))
}

/// Makes a key. It is in this answer and never shown again.
#[utoipa::path(post, path = "/api/v1/user/api-keys", tag = "user", request_body = ApiKeyRequest, responses(
    (status = 200, description = "The key", body = ApiKeyResponse),
    (status = 401, description = "Nobody is logged in, or the log-in is too long ago", body = ProblemDocument, content_type = "application/problem+json"),
    (status = 409, description = "The account has as many as its plan allows", body = ProblemDocument, content_type = "application/problem+json"),
))]
pub(super) async fn make(
    State(app): State<App>,
    LoggedIn(holder): LoggedIn,
    witness: Witness,
    request: Request,
) -> Result<Json<ApiKeyResponse>, Problem> {
    holder.require_recent_login()?;
    let order = order(read_json(request, ACCOUNT_BODY_BYTES_MAX).await?)?;
    let made = app.accounts().make_api_key(holder.account, order).await?;
    witness.tell(&SecurityEvent::ApiKeyCreated { key: made.record.id }, StatusCode::OK);
    Ok(Json(made.into()))
}

/// Makes a key in the place of another; both work until the other's grace of 30 days is over. The one that the other replaced
/// ends at once.
#[utoipa::path(post, path = "/api/v1/user/api-keys/{id}/rotate", tag = "user",
    params(("id" = String, Path, description = "Id of the key")), responses(
    (status = 200, description = "The new key", body = ApiKeyResponse),
    (status = 401, description = "Nobody is logged in, or the log-in is too long ago", body = ProblemDocument, content_type = "application/problem+json"),
    (status = 404, description = "The account has no such key", body = ProblemDocument, content_type = "application/problem+json"),
    (status = 409, description = "The key was replaced before, or too many replaced ones still work", body = ProblemDocument, content_type = "application/problem+json"),
))]
pub(super) async fn rotate(
    State(app): State<App>,
    LoggedIn(holder): LoggedIn,
    PathId(key): PathId<ApiKeyId>,
    witness: Witness,
) -> Result<Json<ApiKeyResponse>, Problem> {
    holder.require_recent_login()?;
    let made = app.accounts().replace_api_key(holder.account, key).await?;
    witness.tell(&SecurityEvent::ApiKeyRotated { key, successor: made.record.id }, StatusCode::OK);
    Ok(Json(made.into()))
}

/// Takes a key back, at once.
#[utoipa::path(delete, path = "/api/v1/user/api-keys/{id}", tag = "user",
    params(("id" = String, Path, description = "Id of the key")), responses(
    (status = 204, description = "Taken back"),
    (status = 404, description = "The account has no such key", body = ProblemDocument, content_type = "application/problem+json"),
))]
pub(super) async fn revoke(
    State(app): State<App>,
    LoggedIn(holder): LoggedIn,
    PathId(key): PathId<ApiKeyId>,
    witness: Witness,
) -> Result<StatusCode, Problem> {
    match app.accounts().revoke_api_key(holder.account, key).await? {
        true => {
            let revoked = SecurityEvent::ApiKeyRevoked { key, reason: "ended-by-owner" };
            witness.tell(&revoked, StatusCode::NO_CONTENT);
            Ok(StatusCode::NO_CONTENT)
        }
        false => Err(Problem::unknown_api_key()),
    }
}

fn order(body: Value) -> Result<KeyOrder, Problem> {
    let mut fields = Fields::of(body, &["name", "expires_at", "permissions"])?;
    let name = fields.line("name", 1..=NAME_LENGTH_MAX);
    let expires_at = fields.optional_text("expires_at", 1..=64).and_then(|text| {
        let parsed = text.parse::<Timestamp>().ok().and_then(instant).filter(|end| *end > now());
        if parsed.is_none() {
            fields.refuse(
                "expires_at",
                "is not a time to come, accepted is one like `2030-01-31T12:00:00Z`".to_owned(),
            );
        }
        parsed
    });
    let permissions = permissions(&mut fields);
    let name = fields.finish_required(name)?;
    Ok(KeyOrder { name, permissions, expires_at })
}

fn permissions(fields: &mut Fields) -> Permissions {
    let Some(names) = fields.texts("permissions") else { return Permissions::URL_CHECK };
    let accepted = Permissions::given_names().join(", ");
    if names.is_empty() {
        fields.refuse("permissions", format!("is empty, accepted is at least one of {accepted}"));
    }
    let mut permissions = Permissions::NONE;
    for (index, name) in names.iter().enumerate() {
        match Permissions::from_name(name) {
            Some(permission) => permissions = permissions.with(permission),
            None => {
                let shown: String = name.chars().take(40).collect();
                let detail = match name == ADMIN {
                    true => format!("is `{shown}`, which no API key may do, accepted are {accepted}"),
                    false => format!("is `{shown}`, accepted are {accepted}"),
                };
                fields.refuse(&format!("permissions/{index}"), detail);
            }
        }
    }
    permissions
}

// === impl ApiKeyResponse ===

impl From<ApiKeyRecord> for ApiKeyResponse {
    fn from(record: ApiKeyRecord) -> Self {
        let state = record.state(now());
        Self {
            id: record.id.to_string(),
            name: record.name.to_string(),
            key_preview: format!("ls_live_{}…", record.hint),
            permissions: Permissions::of_key(&record).names(),
            is_active: state != ApiKeyState::Expired,
            is_replaced: state == ApiKeyState::Replaced,
            expires_at: moment(record.expires_at),
            last_used_at: record.last_used_at.map(moment),
            created_at: moment(record.created_at),
            api_key: None,
        }
    }
}

impl From<MadeKey> for ApiKeyResponse {
    fn from(made: MadeKey) -> Self {
        Self { api_key: Some(made.text.expose().clone()), ..made.record.into() }
    }
}
