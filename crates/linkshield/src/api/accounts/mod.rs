//! The paths about accounts: the original's paths and field names. Every answer says that nobody may store it; every change comes
//! to its end.

mod admin;
mod answers;
mod api_keys;
mod events;
mod find_user;
mod login;
mod mfa;
mod password;
mod problems;
mod profile;
mod read;
mod refusals;
mod register;
mod sessions;
mod tokens;

use axum::{
    Router, middleware,
    response::Response,
    routing::{delete, get, post, put},
};
use http::{HeaderValue, header};
use utoipa::OpenApi;

use super::{changes::finish_what_began, openapi::CommonRefusals, state::App};

/// Largest body that these paths accept: a password of 128 characters, each escaped as two `\uXXXX`, fits twice.
pub const ACCOUNT_BODY_BYTES_MAX: usize = 16 * 1024;

/// The part of the OpenAPI document about accounts.
#[derive(Debug, OpenApi)]
#[openapi(
    modifiers(&CommonRefusals),
    paths(
    register::register,
    register::verify_email,
    register::resend_verification,
    login::login,
    login::refresh,
    login::logout,
    login::logout_short,
    password::change,
    password::forgot,
    password::reset,
    profile::show,
    profile::change,
    sessions::list,
    sessions::end,
    sessions::end_others,
    api_keys::list,
    api_keys::make,
    api_keys::rotate,
    api_keys::revoke,
    find_user::find_user,
    admin::change_user,
    admin::revoke_tokens,
    admin::revoke_api_keys,
    admin::revoke_api_key,
    admin::jwt_status,
    admin::jwt_keys,
    admin::jwt_rotate,
    admin::jwt_kill,
    mfa::begin,
    mfa::confirm,
    mfa::end,
    tokens::jwks,
    tokens::validate,
    tokens::revocations
))]
pub(super) struct AccountsDocument;

/// The paths about accounts.
pub(super) fn router(app: &App) -> Router<App> {
    Router::new()
        .route("/api/v1/user/register", post(register::register))
        .route("/api/v1/user/verify-email", post(register::verify_email))
        .route("/api/v1/user/resend-verification", post(register::resend_verification))
        .route("/api/v1/user/login", post(login::login))
        .route("/api/v1/user/refresh", post(login::refresh))
        .route("/api/v1/user/logout", post(login::logout))
        .route("/auth/logout", post(login::logout_short))
        .route("/api/v1/user/change-password", post(password::change))
        .route("/api/v1/user/forgot-password", post(password::forgot))
        .route("/api/v1/user/reset-password", post(password::reset))
        .route("/api/v1/user/profile", get(profile::show).put(profile::change))
        .route("/api/v1/user/sessions", get(sessions::list).delete(sessions::end_others))
        .route("/api/v1/user/sessions/{id}", delete(sessions::end))
        .route("/api/v1/user/api-keys", get(api_keys::list).post(api_keys::make))
        .route("/api/v1/user/api-keys/{id}", delete(api_keys::revoke))
        .route("/api/v1/user/api-keys/{id}/rotate", post(api_keys::rotate))
        .route("/api/v1/admin/users", get(find_user::find_user))
        .route("/api/v1/admin/users/{id}", put(admin::change_user))
        .route("/api/v1/admin/users/{id}/api-keys", delete(admin::revoke_api_keys))
        .route("/api/v1/admin/api-keys/{id}", delete(admin::revoke_api_key))
        .route("/auth/admin/revoke-user-tokens/{user_id}", post(admin::revoke_tokens))
        .route("/api/v1/jwt/status", get(admin::jwt_status))
        .route("/api/v1/jwt/keys", get(admin::jwt_keys))
        .route("/api/v1/jwt/keys/{id}", delete(admin::jwt_kill))
        .route("/api/v1/jwt/rotate", post(admin::jwt_rotate))
        .route("/api/v1/user/mfa/totp", post(mfa::begin).delete(mfa::end))
        .route("/api/v1/user/mfa/totp/confirm", post(mfa::confirm))
        .route("/auth/validate-token", post(tokens::validate))
        .route("/auth/admin/blacklist-stats", get(tokens::revocations))
        .layer(middleware::map_response(forbid_storing))
        .layer(middleware::from_fn_with_state(app.clone(), finish_what_began))
        .route("/.well-known/jwks.json", get(tokens::jwks))
}

/// Tokens and addresses must not lie in a cache (ASVS 5.0, 14.3.2).
async fn forbid_storing(mut response: Response) -> Response {
    response.headers_mut().insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    response
}
