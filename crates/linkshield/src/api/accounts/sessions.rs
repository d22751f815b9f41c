//! The sessions of an account.

use axum::{Json, extract::State};
use http::StatusCode;
use shield_guard::{SessionId, revocation::RevocationReason};

use super::{answers::SessionResponse, events};
use crate::{
    api::{
        path_id::PathId,
        problem::{Problem, ProblemDocument},
        state::App,
    },
    gate::{LoggedIn, Witness},
};

/// Lists the sessions that live.
#[utoipa::path(get, path = "/api/v1/user/sessions", tag = "user", responses(
    (status = 200, description = "The sessions", body = [SessionResponse]),
))]
pub(super) async fn list(
    State(app): State<App>,
    LoggedIn(holder): LoggedIn,
) -> Result<Json<Vec<SessionResponse>>, Problem> {
    let sessions = app.accounts().sessions(holder.account).await?;
    Ok(Json(sessions.iter().map(|record| SessionResponse::of(record, holder.session)).collect()))
}

/// Ends one session with all its tokens, at once.
#[utoipa::path(delete, path = "/api/v1/user/sessions/{id}", tag = "user",
    params(("id" = String, Path, description = "Id of the session")), responses(
    (status = 204, description = "Ended"),
    (status = 404, description = "The account has no such session", body = ProblemDocument, content_type = "application/problem+json"),
))]
pub(super) async fn end(
    State(app): State<App>,
    LoggedIn(holder): LoggedIn,
    PathId(session): PathId<SessionId>,
    witness: Witness,
) -> Result<StatusCode, Problem> {
    match app.accounts().end_session(holder.account, session, RevocationReason::EndedByOwner).await? {
        true => {
            events::sessions_ended(&witness, &[session], "ended-by-owner", StatusCode::NO_CONTENT);
            Ok(StatusCode::NO_CONTENT)
        }
        false => Err(Problem::unknown_session()),
    }
}

/// Ends every session but the one that asks.
#[utoipa::path(delete, path = "/api/v1/user/sessions", tag = "user", responses(
    (status = 204, description = "Ended"),
))]
pub(super) async fn end_others(
    State(app): State<App>,
    LoggedIn(holder): LoggedIn,
    witness: Witness,
) -> Result<StatusCode, Problem> {
    let (spared, reason) = (Some(holder.session), RevocationReason::EndedByOwner);
    let ended = app.accounts().end_sessions(holder.account, spared, reason).await?;
    events::sessions_ended(&witness, &ended, "logout-everywhere", StatusCode::NO_CONTENT);
    Ok(StatusCode::NO_CONTENT)
}
