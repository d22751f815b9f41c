//! Checking URLs and reading checks back.

use axum::{
    Json,
    extract::{Path, Request, State, rejection::PathRejection},
    response::{IntoResponse, Response},
};
use http::{HeaderName, HeaderValue};
use shield_guard::AccountId;

use super::{
    body::{BULK_BODY_BYTES_MAX, CHECK_BODY_BYTES_MAX, read_json, read_json_in_turn},
    problem::{FieldError, Location, Problem, ProblemDocument},
    requests::{BULK_URLS_MAX, BulkRequest, CheckRequest},
    state::App,
};
use crate::{
    accounts::scopes::URL_CHECK,
    analysis::Target,
    gate::{Authenticated, MaybeAuthenticated, Principal},
    service::Reuse,
    store::{CheckId, Recorded, StoredCheck, StoredScanResult},
};

/// Indexes of the URLs that a bulk request left out because they are none.
const SKIPPED_HEADER: HeaderName = HeaderName::from_static("x-skipped-urls");

/// Checks one URL. Open to everyone; a credential that comes along has to be good. A result of the last five minutes for the same normalised URL is reused unless
/// `priority` is set.
#[utoipa::path(post, path = "/api/v1/url-check/check", tag = "url-check", request_body = CheckRequest, responses(
    (status = 200, description = "The verdict", body = StoredCheck),
    (status = 400, description = "Not JSON, or not a URL", body = ProblemDocument, content_type = "application/problem+json"),
    (status = 401, description = "A credential came along that is not good", body = ProblemDocument, content_type = "application/problem+json"),
    (status = 403, description = "The credential is not good for this", body = ProblemDocument, content_type = "application/problem+json"),
    (status = 408, description = "The body came too slowly", body = ProblemDocument, content_type = "application/problem+json"),
    (status = 413, description = "The body is too large", body = ProblemDocument, content_type = "application/problem+json"),
    (status = 415, description = "The body is not declared as JSON, or is compressed", body = ProblemDocument, content_type = "application/problem+json"),
    (status = 422, description = "Fields are missing or out of range", body = ProblemDocument, content_type = "application/problem+json"),
))]
pub(super) async fn check(
    State(app): State<App>,
    MaybeAuthenticated(principal): MaybeAuthenticated,
    request: Request,
) -> Result<Json<StoredCheck>, Problem> {
    let account = checker(&app, principal)?;
    let request = CheckRequest::from_json(read_json(request, CHECK_BODY_BYTES_MAX).await?)?;
    let target = Target::parse(&request.url).map_err(|error| Problem::not_a_url(&error))?;
    let reuse = if request.priority { Reuse::Refused } else { Reuse::Allowed };
    let recorded = app.service().check(&target, account, reuse).await?;
    Ok(Json(counted(&app, recorded)))
}

/// Checks up to 100 URLs, for who has a credential. Texts that are not URLs are skipped; the
/// header `x-skipped-urls` lists their indexes.
#[utoipa::path(post, path = "/api/v1/url-check/bulk-check", tag = "url-check", request_body = BulkRequest, responses(
    (status = 200, description = "The verdicts, in the order of the URLs", body = [StoredCheck],
        headers(("x-skipped-urls" = String, description = "Indexes of skipped texts, when there are any"))),
    (status = 401, description = "No good credential came along", body = ProblemDocument, content_type = "application/problem+json"),
    (status = 403, description = "The credential is not good for this", body = ProblemDocument, content_type = "application/problem+json"),
    (status = 400, description = "Not JSON, more than 100 URLs, or none valid", body = ProblemDocument, content_type = "application/problem+json"),
    (status = 408, description = "The body came too slowly", body = ProblemDocument, content_type = "application/problem+json"),
    (status = 413, description = "The body is too large", body = ProblemDocument, content_type = "application/problem+json"),
    (status = 415, description = "The body is not declared as JSON, or is compressed", body = ProblemDocument, content_type = "application/problem+json"),
    (status = 422, description = "Fields are missing or of the wrong kind", body = ProblemDocument, content_type = "application/problem+json"),
))]
pub(super) async fn bulk(
    State(app): State<App>,
    Authenticated(principal): Authenticated,
    request: Request,
) -> Result<Response, Problem> {
    principal.require(&app, URL_CHECK)?;
    let (body, _large_slot) =
        read_json_in_turn(request, BULK_BODY_BYTES_MAX, async || app.large_body_slot().await).await?;
    let _slot = app.bulk_slot().await;
    let request = BulkRequest::from_json(body)?;
    if request.urls.len() > BULK_URLS_MAX {
        let detail = format!("{} URLs were sent, at most {BULK_URLS_MAX} are accepted", request.urls.len());
        return Err(Problem::unusable_bulk(detail));
    }
    let mut targets = Vec::with_capacity(request.urls.len());
    let mut skipped = Vec::new();
    for (index, url) in request.urls.iter().enumerate() {
        match Target::parse(url) {
            Ok(target) => targets.push(target),
            Err(_) => skipped.push(index.to_string()),
        }
    }
    if targets.is_empty() {
        return Err(Problem::unusable_bulk(format!("none of the {} texts is a URL", request.urls.len())));
    }
    let recorded = app.service().check_all(targets, Some(principal.account), Reuse::Allowed).await?;
    let checks: Vec<StoredCheck> = recorded.into_iter().map(|recorded| counted(&app, recorded)).collect();
    let mut response = Json(checks).into_response();
    if !skipped.is_empty() {
        let indexes = HeaderValue::from_str(&skipped.join(",")).expect("digits and commas fit in a header");
        response.headers_mut().insert(SKIPPED_HEADER, indexes);
    }
    Ok(response)
}

/// Reads one check: one's own, or one that was made without an account.
#[utoipa::path(get, path = "/api/v1/url-check/check/{id}", tag = "url-check",
    params(("id" = CheckId, Path, description = "Id of the check")), responses(
    (status = 200, description = "The check", body = StoredCheck),
    (status = 401, description = "A credential came along that is not good", body = ProblemDocument, content_type = "application/problem+json"),
    (status = 403, description = "The check is another account's", body = ProblemDocument, content_type = "application/problem+json"),
    (status = 404, description = "No such check", body = ProblemDocument, content_type = "application/problem+json"),
    (status = 422, description = "Not an id", body = ProblemDocument, content_type = "application/problem+json"),
))]
pub(super) async fn find(
    State(app): State<App>,
    MaybeAuthenticated(principal): MaybeAuthenticated,
    id: Result<Path<String>, PathRejection>,
) -> Result<Json<StoredCheck>, Problem> {
    let id = parse_id(id)?;
    readable(&app, principal, id).await.map(Json)
}

/// Reads what each scan of such a check found.
#[utoipa::path(get, path = "/api/v1/url-check/check/{id}/results", tag = "url-check",
    params(("id" = CheckId, Path, description = "Id of the check")), responses(
    (status = 200, description = "One result per scan", body = [StoredScanResult]),
    (status = 401, description = "A credential came along that is not good", body = ProblemDocument, content_type = "application/problem+json"),
    (status = 403, description = "The check is another account's", body = ProblemDocument, content_type = "application/problem+json"),
    (status = 404, description = "No such check", body = ProblemDocument, content_type = "application/problem+json"),
    (status = 422, description = "Not an id", body = ProblemDocument, content_type = "application/problem+json"),
))]
pub(super) async fn results(
    State(app): State<App>,
    MaybeAuthenticated(principal): MaybeAuthenticated,
    id: Result<Path<String>, PathRejection>,
) -> Result<Json<Vec<StoredScanResult>>, Problem> {
    let id = parse_id(id)?;
    readable(&app, principal, id).await?;
    let found = app.service().store().find_results(id).await?;
    found.map(Json).ok_or_else(|| Problem::unknown_check(id))
}

/// Whose check it will be.
fn checker(app: &App, principal: Option<Principal>) -> Result<Option<AccountId>, Problem> {
    if let Some(principal) = &principal {
        principal.require(app, URL_CHECK)?;
    }
    Ok(principal.map(|principal| principal.account))
}

/// The check, if whoever asks may read it.
async fn readable(app: &App, principal: Option<Principal>, id: CheckId) -> Result<StoredCheck, Problem> {
    let account = checker(app, principal)?;
    let found = app.service().store().find_check(id).await?;
    let check = found.ok_or_else(|| Problem::unknown_check(id))?;
    match check.account {
        Some(owner) if Some(owner) != account => {
            Err(Problem::not_allowed("the check belongs to an account, send a credential of it"))
        }
        Some(_) | None => Ok(check),
    }
}

fn counted(app: &App, recorded: Recorded) -> StoredCheck {
    app.metrics().url_checked(recorded.check.threat_level, recorded.reused);
    recorded.check
}

fn parse_id(path: Result<Path<String>, PathRejection>) -> Result<CheckId, Problem> {
    // A path that is not UTF-8 when decoded is no id either.
    let text = path.map(|Path(text)| text).unwrap_or_default();
    CheckId::parse(&text).ok_or_else(|| {
        let shown: String = text.chars().take(64).collect();
        let (pointer, detail) = ("#/id".to_owned(), format!("is `{shown}`, accepted is a UUID"));
        let id = FieldError { location: Location::Path, pointer, detail };
        Problem::invalid("the id is not accepted, see `errors`".to_owned(), vec![id])
    })
}
