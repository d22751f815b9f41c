//! The OpenAPI document, made from the handlers themselves.

use std::sync::LazyLock;

use axum::response::IntoResponse;
use http::header;
use utoipa::{
    Modify, OpenApi,
    openapi::{Content, Ref, Response, path::Operation},
};

use super::{accounts::AccountsDocument, checks, health, history, meta, problem::PROBLEM_JSON};

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

/// Refusals that any operation can answer, written once: something failed inside, or took too long.
#[derive(Debug)]
pub(super) struct CommonRefusals;

// === impl CommonRefusals ===

impl Modify for CommonRefusals {
    fn modify(&self, document: &mut utoipa::openapi::OpenApi) {
        for path in document.paths.paths.values_mut() {
            for operation in
                [&mut path.get, &mut path.post, &mut path.put, &mut path.delete].into_iter().flatten()
            {
                add_refusal(operation, "500", "Something failed inside; the log has it under the request id");
                add_refusal(operation, "503", "The database is busy, or the request took too long");
            }
        }
    }
}

fn add_refusal(operation: &mut Operation, status: &str, description: &str) {
    let mut refusal = Response::new(description);
    let problem = Content::new(Some(Ref::from_schema_name("Problem")));
    refusal.content.insert(PROBLEM_JSON.to_owned(), problem.into());
    operation.responses.responses.entry(status.to_owned()).or_insert(refusal.into());
}

static TEXT: LazyLock<String> = LazyLock::new(|| {
    let document = Document::openapi().merge_from(AccountsDocument::openapi());
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
