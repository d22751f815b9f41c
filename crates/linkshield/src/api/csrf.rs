//! The tokens that browsers send along with what changes something (see `shield_guard::csrf`).

use axum::{Json, extract::State, response::IntoResponse};
use http::{HeaderMap, HeaderValue, header};
use serde::Serialize;
use shield_guard::csrf::{CSRF_COOKIE, CSRF_HEADER};
use utoipa::ToSchema;

use super::{problem::Problem, state::App};
use crate::{gate::LoggedIn, keys::random_bytes};

/// When a page should ask for another token, in seconds. One works for as long as its session lives; who renews it hears in
/// time that the session is over.
const RENEW_AFTER_S: u64 = 3_600;

/// A token and how to send it.
#[derive(Serialize, ToSchema)]
#[schema(as = CSRFTokenResponse)]
pub(crate) struct CsrfTokenResponse {
    csrf_token: String,
    /// Seconds after which to ask for another.
    expires_in: u64,
    /// The cookie that hands it to scripts.
    #[schema(value_type = String)]
    cookie_name: &'static str,
    /// The header that brings it back.
    #[schema(value_type = String)]
    header_name: &'static str,
}

/// Whether a token is good.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = CSRFValidationResponse)]
pub(crate) struct CsrfValidationResponse {
    /// Whether it is this session's.
    valid: bool,
    /// Tokens are always bound to a session, and so to its account.
    user_bound: bool,
}

/// Makes a token for the session that asks. Sets a cookie with it, which scripts of our own pages can read.
#[utoipa::path(get, path = "/api/csrf/token", tag = "csrf", responses(
    (status = 200, description = "The token", body = CsrfTokenResponse,
        headers(("set-cookie" = String, description = "The token, for scripts"))),
))]
pub(super) async fn token(
    State(app): State<App>,
    LoggedIn(holder): LoggedIn,
) -> Result<impl IntoResponse, Problem> {
    let token = app.gate().csrf_keys().issue(holder.session, random_bytes());
    let cookie = token.cookie();
    let mut cookie =
        HeaderValue::from_str(cookie.expose()).map_err(|error| Problem::internal(error.to_string()))?;
    cookie.set_sensitive(true);
    let answer = CsrfTokenResponse {
        csrf_token: token.expose().to_owned(),
        expires_in: RENEW_AFTER_S,
        cookie_name: CSRF_COOKIE,
        header_name: CSRF_HEADER,
    };
    Ok(([(header::SET_COOKIE, cookie)], Json(answer)))
}

/// Says whether the token in `x-csrf-token` is this session's. Who comes by cookie with one that is not is refused, as
/// everywhere.
#[utoipa::path(post, path = "/api/csrf/validate", tag = "csrf", responses(
    (status = 200, description = "Whether it is", body = CsrfValidationResponse),
))]
pub(super) async fn validate(
    State(app): State<App>,
    LoggedIn(holder): LoggedIn,
    headers: HeaderMap,
) -> Json<CsrfValidationResponse> {
    let mut tokens = headers.get_all(CSRF_HEADER).iter();
    let valid = match (tokens.next(), tokens.next()) {
        (Some(token), None) => app.gate().csrf_keys().check(holder.session, token.as_bytes()).is_ok(),
        _ => false,
    };
    Json(CsrfValidationResponse { valid, user_bound: true })
}
