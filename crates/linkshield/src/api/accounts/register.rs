//! Making an account and verifying its address.

use axum::{
    Json,
    extract::{Request, State},
};
use http::StatusCode;
use serde::Deserialize;
use serde_json::Value;
use shield_guard::event::SecurityEvent;
use utoipa::ToSchema;

use super::{
    ACCOUNT_BODY_BYTES_MAX,
    answers::UserResponse,
    read::{self, TOKEN_LENGTH_MAX},
};
use crate::{
    accounts::{Register, VerifyEmailError},
    api::{
        body::read_json,
        fields::Fields,
        problem::{Problem, ProblemDocument},
        state::App,
    },
    gate::Witness,
    store::Profile,
};

const NAME_LENGTH_MAX: usize = 100;
const USERNAME_LENGTH_MAX: usize = 50;
const URL_LENGTH_MAX: usize = 2_048;

/// Body of `POST /api/v1/user/register`.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[expect(dead_code, reason = "describes the body in the OpenAPI document; it is read field by field")]
pub(crate) struct RegisterRequest {
    #[schema(max_length = 254, example = "ada@example.org")]
    email: String,
    /// Any characters; common ones and those made of the holder's or the service's name are refused.
    #[schema(min_length = 8, max_length = 128)]
    password: String,
    #[schema(required = false, max_length = 100)]
    first_name: Option<String>,
    #[schema(required = false, max_length = 100)]
    last_name: Option<String>,
    #[schema(required = false, max_length = 50)]
    username: Option<String>,
    /// An `https` or `http` URL.
    #[schema(required = false, max_length = 2048)]
    avatar_url: Option<String>,
    /// Has to be true.
    accept_terms: bool,
    #[schema(required = false, default = false)]
    marketing_consent: bool,
}

/// Body with a token.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[expect(dead_code, reason = "describes the body in the OpenAPI document; it is read field by field")]
pub(crate) struct TokenRequest {
    /// Of a letter: the line of 43 letters in it.
    token: String,
}

/// Body with nothing but an address.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[expect(dead_code, reason = "describes the body in the OpenAPI document; it is read field by field")]
pub(crate) struct EmailRequest {
    #[schema(max_length = 254, example = "ada@example.org")]
    email: String,
}

/// Makes an account, which can be used once its address is verified.
#[utoipa::path(post, path = "/api/v1/user/register", tag = "user", request_body = RegisterRequest, responses(
    (status = 200, description = "The account; a letter with a token is on its way", body = UserResponse),
    (status = 409, description = "The address has an account", body = ProblemDocument, content_type = "application/problem+json"),
    (status = 422, description = "Fields or the password are not accepted", body = ProblemDocument, content_type = "application/problem+json"),
))]
pub(super) async fn register(
    State(app): State<App>,
    witness: Witness,
    request: Request,
) -> Result<Json<UserResponse>, Problem> {
    let request = registration(read_json(request, ACCOUNT_BODY_BYTES_MAX).await?)?;
    let account = app.accounts().register(request).await?;
    witness.about(account.id).tell(&SecurityEvent::AccountRegistered {}, StatusCode::OK);
    Ok(Json(account.into()))
}

fn registration(body: Value) -> Result<Register, Problem> {
    let mut fields = Fields::of(
        body,
        &[
            "email",
            "password",
            "first_name",
            "last_name",
            "username",
            "avatar_url",
            "accept_terms",
            "marketing_consent",
        ],
    )?;
    let (email, password) = (read::email(&mut fields), read::password(&mut fields, "password"));
    let profile = Profile {
        first_name: fields.optional_line("first_name", 1..=NAME_LENGTH_MAX),
        last_name: fields.optional_line("last_name", 1..=NAME_LENGTH_MAX),
        username: fields.optional_line("username", 1..=USERNAME_LENGTH_MAX),
        avatar_url: fields.optional_web_url("avatar_url", 1..=URL_LENGTH_MAX),
        marketing_consent: fields.truth("marketing_consent"),
        ..Profile::default()
    };
    if fields.optional_truth("accept_terms") != Some(true) {
        fields.refuse("accept_terms", "has to be true".to_owned());
    }
    let (email, password) = fields.finish_required(email.zip(password))?;
    Ok(Register { email, password, profile })
}

/// Proves that the address belongs to the account's holder.
#[utoipa::path(post, path = "/api/v1/user/verify-email", tag = "user", request_body = TokenRequest, responses(
    (status = 200, description = "The account, which can be used now", body = UserResponse),
    (status = 400, description = "Not JSON, or the token is not valid", body = ProblemDocument, content_type = "application/problem+json"),
))]
pub(super) async fn verify_email(
    State(app): State<App>,
    witness: Witness,
    request: Request,
) -> Result<Json<UserResponse>, Problem> {
    let mut fields = Fields::of(read_json(request, ACCOUNT_BODY_BYTES_MAX).await?, &["token"])?;
    let token = fields.text("token", 1..=TOKEN_LENGTH_MAX);
    let token = fields.finish_required(token)?;
    let verified = app.accounts().verify_email(&token).await.inspect_err(|error| {
        if matches!(error, VerifyEmailError::NotOpen) {
            let (purpose, reason) = ("email-verification", "not-open");
            let refused = SecurityEvent::OneTimeTokenRefused { purpose, reason };
            witness.tell(&refused, StatusCode::BAD_REQUEST);
        }
    });
    let account = verified?;
    witness.proven(account.id, None).tell(&SecurityEvent::EmailVerified {}, StatusCode::OK);
    Ok(Json(account.into()))
}

/// Sends another token to an address that waits for one. Answers the same whatever becomes of it.
#[utoipa::path(post, path = "/api/v1/user/resend-verification", tag = "user", request_body = EmailRequest, responses(
    (status = 204, description = "Noted"),
))]
pub(super) async fn resend_verification(
    State(app): State<App>,
    request: Request,
) -> Result<StatusCode, Problem> {
    let mut fields = Fields::of(read_json(request, ACCOUNT_BODY_BYTES_MAX).await?, &["email"])?;
    let email = read::email(&mut fields);
    let email = fields.finish_required(email)?;
    app.accounts().resend_verification(email);
    Ok(StatusCode::NO_CONTENT)
}
