//! Questions about tokens, and the public keys that they are verified with.

use axum::{
    Json,
    extract::{Request, State},
    response::IntoResponse,
};
use http::{HeaderMap, HeaderValue, header};
use jiff::Timestamp;
use serde::Serialize;
use serde_json::{Value, json};
use shield_guard::chain::Identity;
use utoipa::ToSchema;

use super::{ACCOUNT_BODY_BYTES_MAX, answers::moment, read::TOKEN_LENGTH_MAX, register::TokenRequest};
use crate::{
    api::{body::read_json, fields::Fields, problem::Problem, state::App},
    clock::now,
    gate::{Admin, ClientAddress},
};

/// What an access token is good for.
#[derive(Debug, Default, Serialize, ToSchema)]
pub(crate) struct TokenResponse {
    valid: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    user_id: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    session_id: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>, format = DateTime)]
    expires_at: Option<Timestamp>,
    /// One text for every token that is not good.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>)]
    reason: Option<&'static str>,
}

/// The key set (RFC 7517). It may be kept for as long as the answer says.
#[utoipa::path(get, path = "/.well-known/jwks.json", tag = "about", responses(
    (status = 200, description = "JSON Web Key Set", body = Object, content_type = "application/jwk-set+json"),
))]
pub(super) async fn jwks(State(app): State<App>) -> impl IntoResponse {
    let jwks = app.accounts().keys().jwks(now());
    let kept = format!("public, max-age={}", jwks.max_age.as_secs());
    (
        [(header::CONTENT_TYPE, "application/jwk-set+json".to_owned()), (header::CACHE_CONTROL, kept)],
        jwks.text,
    )
}

/// Says whether an access token is good now: signature, times, session and account.
#[utoipa::path(post, path = "/auth/validate-token", tag = "user", request_body = TokenRequest, responses(
    (status = 200, description = "Whether it is", body = TokenResponse),
))]
pub(super) async fn validate(
    State(app): State<App>,
    ClientAddress(address): ClientAddress,
    request: Request,
) -> Result<Json<TokenResponse>, Problem> {
    let mut fields = Fields::of(read_json(request, ACCOUNT_BODY_BYTES_MAX).await?, &["token"])?;
    let token = fields.text("token", 1..=TOKEN_LENGTH_MAX);
    let token = fields.finish_required(token)?;
    let principal = match HeaderValue::try_from(format!("Bearer {token}")) {
        Ok(credential) => {
            let headers = HeaderMap::from_iter([(header::AUTHORIZATION, credential)]);
            app.gate().whom(&headers, address).await?
        }
        // What no header can carry is no token.
        Err(_) => None,
    };
    let Some(Identity::Token(token)) = principal.map(|principal| principal.identity) else {
        let reason = Some("malformed, expired or revoked");
        return Ok(Json(TokenResponse { reason, ..TokenResponse::default() }));
    };
    Ok(Json(TokenResponse {
        valid: true,
        user_id: Some(token.account.to_string()),
        session_id: Some(token.session.to_string()),
        expires_at: Some(moment(token.expires_at)),
        reason: None,
    }))
}

/// How much was revoked.
#[utoipa::path(get, path = "/auth/admin/blacklist-stats", tag = "admin", responses(
    (status = 200, description = "Counts", body = Object),
))]
pub(super) async fn revocations(State(app): State<App>, _admin: Admin) -> Result<Json<Value>, Problem> {
    let revocations = app.accounts().revocations().await?;
    Ok(Json(json!({ "stats": { "revocations_total": revocations }, "timestamp": moment(now()) })))
}
