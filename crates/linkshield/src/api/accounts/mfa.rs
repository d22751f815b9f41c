//! The second factor of an account.

use axum::{
    Json,
    extract::{Request, State},
};
use http::StatusCode;
use serde::{Deserialize, Serialize};
use shield_guard::event::{SecondFactor, SecurityEvent};
use utoipa::ToSchema;

use super::{ACCOUNT_BODY_BYTES_MAX, events, read};
use crate::{
    api::{
        body::read_json,
        fields::Fields,
        problem::{Problem, ProblemDocument},
        state::App,
    },
    gate::{LoggedIn, Witness},
};

/// Longest text that is no code.
pub(super) const CODE_LENGTH_MAX: usize = 64;

/// Body with the code of an app.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[expect(dead_code, reason = "describes the body in the OpenAPI document; it is read field by field")]
pub(crate) struct CodeRequest {
    /// Six digits.
    #[schema(max_length = 64)]
    code: String,
}

/// Body of `DELETE /api/v1/user/mfa/totp`.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[expect(dead_code, reason = "describes the body in the OpenAPI document; it is read field by field")]
pub(crate) struct EndTotpRequest {
    #[schema(max_length = 128)]
    password: String,
    /// Six digits, or a recovery code.
    #[schema(max_length = 64)]
    code: String,
}

/// What an app is set up with.
#[derive(Serialize, ToSchema)]
pub(crate) struct TotpSetupResponse {
    /// To be typed.
    secret: String,
    /// To be scanned.
    otpauth_uri: String,
}

/// Codes for the day the app is gone.
#[derive(Serialize, ToSchema)]
pub(crate) struct RecoveryCodesResponse {
    /// Each works once. They are never shown again.
    recovery_codes: Vec<String>,
}

/// Begins to set up an app. Codes are asked for from the confirmation on.
#[utoipa::path(post, path = "/api/v1/user/mfa/totp", tag = "user", responses(
    (status = 200, description = "For the app", body = TotpSetupResponse),
    (status = 401, description = "Nobody is logged in, or the log-in is too long ago", body = ProblemDocument, content_type = "application/problem+json"),
    (status = 409, description = "One is set up already", body = ProblemDocument, content_type = "application/problem+json"),
))]
pub(super) async fn begin(
    State(app): State<App>,
    LoggedIn(holder): LoggedIn,
) -> Result<Json<TotpSetupResponse>, Problem> {
    holder.require_recent_login()?;
    let setup = app.accounts().begin_totp(holder.account).await?;
    let (secret, otpauth_uri) = (setup.secret.expose().clone(), setup.uri.expose().clone());
    Ok(Json(TotpSetupResponse { secret, otpauth_uri }))
}

/// Takes the app's first code.
#[utoipa::path(post, path = "/api/v1/user/mfa/totp/confirm", tag = "user", request_body = CodeRequest, responses(
    (status = 200, description = "Codes are asked for at log-in from now on", body = RecoveryCodesResponse),
    (status = 400, description = "Not JSON, or the code is not valid", body = ProblemDocument, content_type = "application/problem+json"),
    (status = 401, description = "Nobody is logged in, or the log-in is too long ago", body = ProblemDocument, content_type = "application/problem+json"),
    (status = 404, description = "None is being set up", body = ProblemDocument, content_type = "application/problem+json"),
    (status = 409, description = "One is set up already", body = ProblemDocument, content_type = "application/problem+json"),
))]
pub(super) async fn confirm(
    State(app): State<App>,
    LoggedIn(holder): LoggedIn,
    witness: Witness,
    request: Request,
) -> Result<Json<RecoveryCodesResponse>, Problem> {
    holder.require_recent_login()?;
    let mut fields = Fields::of(read_json(request, ACCOUNT_BODY_BYTES_MAX).await?, &["code"])?;
    let code = fields.text("code", 1..=CODE_LENGTH_MAX);
    let code = fields.finish_required(code)?;
    let codes = app.accounts().confirm_totp(holder.account, &code).await?;
    witness.tell(&SecurityEvent::SecondFactorEnabled { factor: SecondFactor::Totp }, StatusCode::OK);
    let recovery_codes = codes.iter().map(|code| code.expose().clone()).collect();
    Ok(Json(RecoveryCodesResponse { recovery_codes }))
}

/// Takes the second factor away, for who has both.
#[utoipa::path(delete, path = "/api/v1/user/mfa/totp", tag = "user", request_body = EndTotpRequest, responses(
    (status = 204, description = "Taken away"),
    (status = 400, description = "Not JSON, or password or code are not valid", body = ProblemDocument, content_type = "application/problem+json"),
    (status = 404, description = "There is none", body = ProblemDocument, content_type = "application/problem+json"),
))]
pub(super) async fn end(
    State(app): State<App>,
    LoggedIn(holder): LoggedIn,
    witness: Witness,
    request: Request,
) -> Result<StatusCode, Problem> {
    holder.require_recent_login()?;
    let body = read_json(request, ACCOUNT_BODY_BYTES_MAX).await?;
    let mut fields = Fields::of(body, &["password", "code"])?;
    let password = read::password(&mut fields, "password");
    let code = fields.text("code", 1..=CODE_LENGTH_MAX);
    let (password, code) = fields.finish_required(password.zip(code))?;
    let used = app.accounts().end_totp((holder.account, holder.session), password, &code).await?;
    events::second_factor_ended(&witness, used);
    Ok(StatusCode::NO_CONTENT)
}
