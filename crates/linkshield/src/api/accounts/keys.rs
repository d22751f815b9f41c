//! The public keys of access tokens, for whoever verifies them elsewhere.

use axum::{extract::State, response::IntoResponse};
use http::header;

use crate::{api::state::App, clock::now};

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
