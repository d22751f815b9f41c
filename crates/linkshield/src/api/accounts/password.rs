//! New passwords.

use axum::extract::{Request, State};
use http::StatusCode;
use serde::Deserialize;
use shield_guard::event::SecurityEvent;
use utoipa::ToSchema;

use super::{
    ACCOUNT_BODY_BYTES_MAX, events,
    read::{self, TOKEN_LENGTH_MAX},
    register::EmailRequest,
};
use crate::{
    accounts::{ChangePassword, ChangePasswordError, PasswordWasReset, ResetPasswordError},
    api::{
        body::read_json,
        fields::Fields,
        problem::{Problem, ProblemDocument},
        state::App,
    },
    gate::{ClientAddress, LoggedIn, Witness},
};

/// Body of `POST /api/v1/user/change-password`.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[expect(dead_code, reason = "describes the body in the OpenAPI document; it is read field by field")]
pub(crate) struct ChangePasswordRequest {
    #[schema(max_length = 128)]
    current_password: String,
    #[schema(min_length = 8, max_length = 128)]
    new_password: String,
}

/// Body of `POST /api/v1/user/reset-password`.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[expect(dead_code, reason = "describes the body in the OpenAPI document; it is read field by field")]
pub(crate) struct ResetPasswordRequest {
    /// The line of 43 letters in the mail.
    token: String,
    #[schema(min_length = 8, max_length = 128)]
    new_password: String,
}

/// Changes the password and ends every other session.
#[utoipa::path(post, path = "/api/v1/user/change-password", tag = "user", request_body = ChangePasswordRequest, responses(
    (status = 204, description = "Changed"),
    (status = 400, description = "Not JSON, or the current password is wrong", body = ProblemDocument, content_type = "application/problem+json"),
    (status = 422, description = "Fields or the new password are not accepted", body = ProblemDocument, content_type = "application/problem+json"),
))]
pub(super) async fn change(
    State(app): State<App>,
    LoggedIn(holder): LoggedIn,
    ClientAddress(address): ClientAddress,
    witness: Witness,
    request: Request,
) -> Result<StatusCode, Problem> {
    let body = read_json(request, ACCOUNT_BODY_BYTES_MAX).await?;
    let mut fields = Fields::of(body, &["current_password", "new_password"])?;
    let current = read::password(&mut fields, "current_password");
    let new = read::password(&mut fields, "new_password");
    let (current, new) = fields.finish_required(current.zip(new))?;
    let (account, session) = (holder.account, holder.session);
    let change = ChangePassword { account, session, current, new, address };
    let changed = app.accounts().change_password(change).await.inspect_err(|error| match error {
        ChangePasswordError::Current => {
            let refused = SecurityEvent::PasswordChangeRefused { reason: "current-password" };
            witness.tell(&refused, StatusCode::BAD_REQUEST);
        }
        ChangePasswordError::Unchanged => {
            let refused = SecurityEvent::PasswordChangeRefused { reason: "unchanged" };
            witness.tell(&refused, StatusCode::UNPROCESSABLE_ENTITY);
        }
        ChangePasswordError::Throttled { by, .. } => {
            let throttled =
                SecurityEvent::LoginThrottled { scope: "account", retry_after_s: by.seconds_left };
            witness.tell(&throttled, StatusCode::TOO_MANY_REQUESTS);
        }
        _ => {}
    });
    let ended = changed?;
    witness.tell(&SecurityEvent::PasswordChanged {}, StatusCode::NO_CONTENT);
    events::sessions_ended(&witness, &ended, "password-changed", StatusCode::NO_CONTENT);
    Ok(StatusCode::NO_CONTENT)
}

/// Sends a token to set a new password. Answers the same, at once, whether or not the address has an account.
#[utoipa::path(post, path = "/api/v1/user/forgot-password", tag = "user", request_body = EmailRequest, responses(
    (status = 204, description = "Noted"),
))]
pub(super) async fn forgot(
    State(app): State<App>,
    witness: Witness,
    request: Request,
) -> Result<StatusCode, Problem> {
    let mut fields = Fields::of(read_json(request, ACCOUNT_BODY_BYTES_MAX).await?, &["email"])?;
    let email = read::email(&mut fields);
    let email = fields.finish_required(email)?;
    app.accounts().forgot_password(email);
    // Whose address it is, nobody looks up before the answer.
    witness.tell(&SecurityEvent::PasswordResetRequested {}, StatusCode::NO_CONTENT);
    Ok(StatusCode::NO_CONTENT)
}

/// Sets a new password, and ends every session and every API key.
#[utoipa::path(post, path = "/api/v1/user/reset-password", tag = "user", request_body = ResetPasswordRequest, responses(
    (status = 204, description = "Set"),
    (status = 400, description = "Not JSON, or the token is not valid", body = ProblemDocument, content_type = "application/problem+json"),
    (status = 422, description = "Fields or the new password are not accepted; the token stays valid", body = ProblemDocument, content_type = "application/problem+json"),
))]
pub(super) async fn reset(
    State(app): State<App>,
    witness: Witness,
    request: Request,
) -> Result<StatusCode, Problem> {
    let mut fields =
        Fields::of(read_json(request, ACCOUNT_BODY_BYTES_MAX).await?, &["token", "new_password"])?;
    let token = fields.text("token", 1..=TOKEN_LENGTH_MAX);
    let new = read::password(&mut fields, "new_password");
    let (token, new) = fields.finish_required(token.zip(new))?;
    let reset = app.accounts().reset_password(&token, new).await.inspect_err(|error| {
        if matches!(error, ResetPasswordError::NotOpen) {
            let (purpose, reason) = ("password-reset", "not-open");
            let refused = SecurityEvent::OneTimeTokenRefused { purpose, reason };
            witness.tell(&refused, StatusCode::BAD_REQUEST);
        }
    });
    let PasswordWasReset { account, ended, keys } = reset?;
    let witness = witness.proven(account, None);
    witness.tell(&SecurityEvent::PasswordReset {}, StatusCode::NO_CONTENT);
    events::sessions_ended(&witness, &ended, "password-reset", StatusCode::NO_CONTENT);
    events::api_keys_ended(&witness, &keys, "password-reset", StatusCode::NO_CONTENT);
    Ok(StatusCode::NO_CONTENT)
}
