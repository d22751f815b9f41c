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

#[derive(Debug, OpenApi)]
#[openapi(
    info(
        title = "LinkShield",
        description = "Tells whether a link is safe, and why. Checking one URL is open to everyone; the rest takes an access \
        token or an API key in `authorization: Bearer`, or an API key in `x-api-key`."
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
    if matches!(status, "429" | "503") {
        let mut seconds = Header::new(Object::with_type(Type::Integer));
        seconds.description = Some("Seconds after which it makes sense to come back".to_owned());
        refusal.headers.insert("retry-after".to_owned(), seconds.into());
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
