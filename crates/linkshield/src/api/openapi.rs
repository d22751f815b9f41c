//! The OpenAPI document, made from the handlers themselves.

use std::sync::LazyLock;

use axum::response::IntoResponse;
use http::{Method, header};
use utoipa::{
    Modify, OpenApi,
    openapi::{Content, Header, Object, Ref, Response, path::Operation, schema::Type},
};

use super::{
    accounts::AccountsDocument, checks, credentials, csp_reports, csrf, health, history, meta,
    problem::PROBLEM_JSON, stats,
};
use crate::gate::{RouteClass, class_of};

/// A header with its type and what it says.
type ToldHeader = (&'static str, Type, &'static str);

const RETRY_AFTER: ToldHeader =
    ("retry-after", Type::Integer, "Seconds after which it makes sense to come back");

/// What answers say of limits.
const LIMIT_HEADERS: [ToldHeader; 5] = [
    (
        "ratelimit-policy",
        Type::String,
        "Each limit and count of the plan that the request was in, or the count of log-ins that refused it: \
        `q` units per `w` seconds",
    ),
    (
        "ratelimit",
        Type::String,
        "What is left of each: `r` units, more in `t` seconds; of what refused, `t` is `retry-after`",
    ),
    ("x-ratelimit-limit", Type::Integer, "Units of what refused, else of what has the smallest part left"),
    ("x-ratelimit-remaining", Type::Integer, "Units left of it"),
    (
        "x-ratelimit-reset",
        Type::Integer,
        "When nothing that was used of it counts any more, in seconds since the Unix epoch; \
        units may come back before, after `retry-after`",
    ),
];

#[derive(Debug, OpenApi)]
#[openapi(
    info(
        title = "LinkShield",
        description = "Tells whether a link is safe, and why. Checking one URL is open to everyone; the rest takes an access \
        token or an API key in `authorization: Bearer`, or an API key in `x-api-key`.\n\nRefusals are problem documents \
        (RFC 9457) with the request's id. Only what never becomes a request is refused without either, by an empty answer and \
        the end of the connection: 400 for what is not HTTP/1.1, 414 for a longer path than there is room for, 431 for more \
        than 100 headers or a head of more than 64 KiB."
    ),
    paths(
        meta::root,
        checks::check,
        checks::bulk,
        checks::find,
        checks::results,
        history::history,
        stats::stats,
        csrf::token,
        csrf::validate,
        csp_reports::report,
        health::health,
        health::live,
        health::ready,
        meta::version,
        meta::metrics,
        document
    ),
    modifiers(&CommonRefusals)
)]
struct Document;

/// Refusals that do not come from the handler of an operation but from what stands before it, written once: what it says about
/// them itself stays.
#[derive(Debug)]
pub(super) struct CommonRefusals;

// === impl CommonRefusals ===

impl Modify for CommonRefusals {
    fn modify(&self, document: &mut utoipa::openapi::OpenApi) {
        for_each_operation(document, |method, path, operation| {
            add_refusals(operation, class_of(method, path));
        });
    }
}

/// Every operation, with its method and path.
pub(super) fn for_each_operation(
    document: &mut utoipa::openapi::OpenApi,
    mut complete: impl FnMut(&Method, &str, &mut Operation),
) {
    for (path, item) in &mut document.paths.paths {
        let operations = [
            (Method::GET, &mut item.get),
            (Method::POST, &mut item.post),
            (Method::PUT, &mut item.put),
            (Method::DELETE, &mut item.delete),
        ];
        for (method, operation) in operations {
            if let Some(operation) = operation {
                complete(&method, path, operation);
            }
        }
    }
}

fn add_refusals(operation: &mut Operation, class: Option<RouteClass>) {
    add(operation, "429", "Too many requests, from this address or of this account");
    add(operation, "500", "Something failed inside; the log has it under the request id");
    add(
        operation,
        "503",
        "The database is busy, what was taken back is not known, or the request took too long",
    );
    if class.is_some_and(RouteClass::reads_credentials) {
        add(operation, "401", "The path needs a credential, or one came along that is not good");
        add(
            operation,
            "403",
            "The credential is not good for this, or another site may have sent the request",
        );
    }
    if class.is_some_and(RouteClass::refuses_other_sites) {
        add(operation, "403", "Another site may have sent the request");
    }
    if operation.request_body.is_some() {
        add(operation, "400", "The body is not JSON");
        add(operation, "408", "The body came too slowly");
        add(operation, "413", "The body is too large");
        add(operation, "415", "The body is not declared as what it has to be, or is compressed");
    }
    let parameters = operation.parameters.as_ref().is_some_and(|parameters| !parameters.is_empty());
    if operation.request_body.is_some() || parameters {
        add(operation, "422", "Fields or parameters are missing or not accepted; `errors` names them all");
    }
}

fn add(operation: &mut Operation, status: &str, description: &str) {
    let mut refusal = Response::new(description);
    let problem = Content::new(Some(Ref::from_schema_name("Problem")));
    refusal.content.insert(PROBLEM_JSON.to_owned(), problem.into());
    let seconds = matches!(status, "429" | "503").then_some(RETRY_AFTER);
    let told = seconds.into_iter().chain(LIMIT_HEADERS.into_iter().filter(|_| status == "429"));
    for (name, kind, description) in told {
        let mut header = Header::new(Object::with_type(kind));
        header.description = Some(description.to_owned());
        refusal.headers.insert(name.to_owned(), header.into());
    }
    operation.responses.responses.entry(status.to_owned()).or_insert(refusal.into());
}

static TEXT: LazyLock<String> = LazyLock::new(|| {
    let mut document = Document::openapi().merge_from(AccountsDocument::openapi());
    credentials::describe(&mut document);
    document.to_json().expect("a generated document becomes JSON")
});

/// This document.
#[utoipa::path(get, path = "/openapi.json", tag = "about", responses(
    (status = 200, description = "OpenAPI document", body = Object),
))]
pub(super) async fn document() -> impl IntoResponse {
    ([(header::CONTENT_TYPE, "application/json")], TEXT.as_str())
}

/// Its text.
#[cfg(test)]
pub(crate) fn openapi_text() -> &'static str {
    &TEXT
}
