//! Checking URLs and reading checks back.

use axum::{
    Json,
    extract::{Request, State},
    response::{IntoResponse, Response},
};
use http::{HeaderName, HeaderValue};
use shield_guard::{AccountId, limit::Tier};

use super::{
    body::{BULK_BODY_BYTES_MAX, CHECK_BODY_BYTES_MAX, read_json, read_json_in_turn},
    path_id::PathId,
    problem::{Problem, ProblemDocument},
    quotas::Quotas,
    requests::{BULK_URLS_MAX, BulkRequest, CheckRequest},
    state::App,
};
use crate::{
    accounts::{Purpose, scopes::URL_CHECK},
    analysis::Target,
    gate::{Authenticated, MaybeAuthenticated, Principal, Witness},
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
))]
pub(super) async fn check(
    State(app): State<App>,
    MaybeAuthenticated(principal): MaybeAuthenticated,
    witness: Witness,
    request: Request,
) -> Result<Response, Problem> {
    let account = checker(&app, principal)?;
    let request = CheckRequest::from_json(read_json(request, CHECK_BODY_BYTES_MAX).await?)?;
    let target = Target::parse(&request.url).map_err(|error| Problem::not_a_url(&error))?;
    let reuse = if request.priority { Reuse::Refused } else { Reuse::Allowed };
    let quotas = match &principal {
        Some(principal) => Quotas::charge(&app, principal, Purpose::Check, &witness).await?,
        None => Quotas::default(),
    };
    let recorded = app.service().check(&target, account, reuse).await?;
    Ok(quotas.put(Json(counted(&app, recorded)).into_response()))
}

/// Checks up to 100 URLs, or as many as the plan allows, for who has a credential; each counts as a check. Texts that are not URLs are skipped; the
/// header `x-skipped-urls` lists their indexes.
#[utoipa::path(post, path = "/api/v1/url-check/bulk-check", tag = "url-check", request_body = BulkRequest, responses(
    (status = 200, description = "The verdicts, in the order of the URLs", body = [StoredCheck],
        headers(("x-skipped-urls" = String, description = "Indexes of skipped texts, when there are any"))),
    (status = 400, description = "Not JSON, more than 100 URLs, or none valid", body = ProblemDocument, content_type = "application/problem+json"),
))]
pub(super) async fn bulk(
    State(app): State<App>,
    Authenticated(principal): Authenticated,
    witness: Witness,
    request: Request,
) -> Result<Response, Problem> {
    principal.require(&app, URL_CHECK)?;
    let urls_max = urls_max(principal.plan);
    if urls_max == 0 {
        // Nothing is charged: the plan has none of it, whatever the body says.
        Quotas::charge(&app, &principal, Purpose::Bulk { urls: 1 }, &witness).await?;
    }
    let (body, _large_slot) =
        read_json_in_turn(request, BULK_BODY_BYTES_MAX, async || app.large_body_slot().await).await?;
    let _slot = app.bulk_slot().await;
    let request = BulkRequest::from_json(body)?;
    if request.urls.len() > urls_max {
        let detail = format!("{} URLs were sent, at most {urls_max} are accepted", request.urls.len());
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
    let urls = u32::try_from(targets.len()).expect("there are at most 100");
    let quotas = Quotas::charge(&app, &principal, Purpose::Bulk { urls }, &witness).await?;
    let recorded = app.service().check_all(targets, Some(principal.account), Reuse::Allowed).await?;
    let checks: Vec<StoredCheck> = recorded.into_iter().map(|recorded| counted(&app, recorded)).collect();
    let mut response = Json(checks).into_response();
    if !skipped.is_empty() {
        let indexes = HeaderValue::from_str(&skipped.join(",")).expect("digits and commas fit in a header");
        response.headers_mut().insert(SKIPPED_HEADER, indexes);
    }
    Ok(quotas.put(response))
}

/// How many URLs a bulk request of this plan may have: none where the plan has no bulk requests.
fn urls_max(plan: Tier) -> usize {
    usize::try_from(plan.quotas().bulk_urls_max).unwrap_or(BULK_URLS_MAX).min(BULK_URLS_MAX)
}

/// Reads one check: one's own, or one that was made without an account.
#[utoipa::path(get, path = "/api/v1/url-check/check/{id}", tag = "url-check",
    params(("id" = CheckId, Path, description = "Id of the check")), responses(
    (status = 200, description = "The check", body = StoredCheck),
    (status = 403, description = "The check is another account's", body = ProblemDocument, content_type = "application/problem+json"),
    (status = 404, description = "No such check", body = ProblemDocument, content_type = "application/problem+json"),
))]
pub(super) async fn find(
    State(app): State<App>,
    MaybeAuthenticated(principal): MaybeAuthenticated,
    witness: Witness,
    PathId(id): PathId<CheckId>,
) -> Result<Json<StoredCheck>, Problem> {
    readable(&app, (principal, &witness), id).await.map(Json)
}

/// Reads what each scan of such a check found.
#[utoipa::path(get, path = "/api/v1/url-check/check/{id}/results", tag = "url-check",
    params(("id" = CheckId, Path, description = "Id of the check")), responses(
    (status = 200, description = "One result per scan", body = [StoredScanResult]),
    (status = 403, description = "The check is another account's", body = ProblemDocument, content_type = "application/problem+json"),
    (status = 404, description = "No such check", body = ProblemDocument, content_type = "application/problem+json"),
))]
pub(super) async fn results(
    State(app): State<App>,
    MaybeAuthenticated(principal): MaybeAuthenticated,
    witness: Witness,
    PathId(id): PathId<CheckId>,
) -> Result<Json<Vec<StoredScanResult>>, Problem> {
    readable(&app, (principal, &witness), id).await?;
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
async fn readable(
    app: &App,
    (principal, witness): (Option<Principal>, &Witness),
    id: CheckId,
) -> Result<StoredCheck, Problem> {
    let account = checker(app, principal)?;
    let found = app.service().store().find_check(id).await?;
    let check = found.ok_or_else(|| Problem::unknown_check(id))?;
    match check.account {
        Some(owner) if Some(owner) != account => {
            Err(witness.deny("owner", "the check belongs to an account, send a credential of it"))
        }
        Some(_) | None => Ok(check),
    }
}

fn counted(app: &App, recorded: Recorded) -> StoredCheck {
    app.metrics().url_checked(recorded.check.threat_level, recorded.reused);
    recorded.check
}
