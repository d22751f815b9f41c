//! The OpenAPI document, made from the handlers themselves.

use std::sync::LazyLock;

use axum::response::IntoResponse;
use http::header;
use utoipa::OpenApi;

use super::{checks, health, history, meta};

#[derive(Debug, OpenApi)]
#[openapi(
    info(
        title = "LinkShield",
        description = "Tells whether a link is safe, and why. No accounts in this release: \
        every path is open, and the history shows all checks to everyone."
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
    )
)]
struct Document;

static TEXT: LazyLock<String> =
    LazyLock::new(|| Document::openapi().to_json().expect("a generated document becomes JSON"));

/// This document.
#[utoipa::path(get, path = "/openapi.json", tag = "about", responses(
    (status = 200, description = "OpenAPI document", body = Object),
))]
pub(super) async fn document() -> impl IntoResponse {
    ([(header::CONTENT_TYPE, "application/json")], TEXT.as_str())
}
