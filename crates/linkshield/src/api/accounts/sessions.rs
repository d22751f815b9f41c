//! The sessions of an account.

use axum::{
    Json,
    extract::{Path, State, rejection::PathRejection},
};
use http::StatusCode;
use shield_guard::SessionId;

use super::answers::SessionResponse;
use crate::{
    api::{
        problem::{FieldError, Location, Problem, ProblemDocument},
        state::App,
    },
    gate::Authenticated,
};

/// Lists the sessions that live.
#[utoipa::path(get, path = "/api/v1/user/sessions", tag = "user", responses(
    (status = 200, description = "The sessions", body = [SessionResponse]),
    (status = 401, description = "Nobody is logged in", body = ProblemDocument, content_type = "application/problem+json"),
))]
pub(super) async fn list(
    State(app): State<App>,
    Authenticated(principal): Authenticated,
) -> Result<Json<Vec<SessionResponse>>, Problem> {
    let sessions = app.accounts().sessions(principal.account).await?;
    Ok(Json(sessions.iter().map(|record| SessionResponse::of(record, principal.session)).collect()))
}

/// Ends one session with all its tokens, at once.
#[utoipa::path(delete, path = "/api/v1/user/sessions/{id}", tag = "user",
    params(("id" = String, Path, description = "Id of the session")), responses(
    (status = 204, description = "Ended"),
    (status = 401, description = "Nobody is logged in", body = ProblemDocument, content_type = "application/problem+json"),
    (status = 404, description = "The account has no such session", body = ProblemDocument, content_type = "application/problem+json"),
    (status = 422, description = "Not an id", body = ProblemDocument, content_type = "application/problem+json"),
))]
pub(super) async fn end(
    State(app): State<App>,
    Authenticated(principal): Authenticated,
    id: Result<Path<String>, PathRejection>,
) -> Result<StatusCode, Problem> {
    let session = parse_id(id)?;
    match app.accounts().end_session(principal.account, session).await? {
        true => Ok(StatusCode::NO_CONTENT),
        false => Err(Problem::unknown_session()),
    }
}

/// Ends every session but the one that asks.
#[utoipa::path(delete, path = "/api/v1/user/sessions", tag = "user", responses(
    (status = 204, description = "Ended"),
    (status = 401, description = "Nobody is logged in", body = ProblemDocument, content_type = "application/problem+json"),
))]
pub(super) async fn end_others(
    State(app): State<App>,
    Authenticated(principal): Authenticated,
) -> Result<StatusCode, Problem> {
    app.accounts().end_sessions(principal.account, Some(principal.session)).await?;
    Ok(StatusCode::NO_CONTENT)
}

fn parse_id(path: Result<Path<String>, PathRejection>) -> Result<SessionId, Problem> {
    // A path that is not UTF-8 when decoded is no id either.
    let text = path.map(|Path(text)| text).unwrap_or_default();
    SessionId::parse(&text).map_err(|_| {
        let shown: String = text.chars().take(64).collect();
        let (pointer, detail) = ("#/id".to_owned(), format!("is `{shown}`, accepted is a UUID"));
        let id = FieldError { location: Location::Path, pointer, detail };
        Problem::invalid("the id is not accepted, see `errors`".to_owned(), vec![id])
    })
}
