//! About the backend itself: what it is, its version, its metrics.

use axum::{Json, extract::State, response::IntoResponse};
use http::header;
use serde::Serialize;
use serde_json::{Value, json};
use utoipa::ToSchema;

use super::state::App;

/// Media type of the Prometheus text that `prometheus-client` writes.
const METRICS_TYPE: &str = "application/openmetrics-text; version=1.0.0; charset=utf-8";

/// Which build this is.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct VersionResponse {
    /// Version of the backend.
    #[schema(value_type = String)]
    version: &'static str,
    /// Where it runs.
    #[schema(value_type = String)]
    environment: &'static str,
    /// When it was built, if the build said so (`LINKSHIELD_BUILD_TIME` at compile time).
    #[schema(value_type = Option<String>)]
    build_time: Option<&'static str>,
    /// What it was built from, if the build said so (`LINKSHIELD_COMMIT_HASH` at compile time).
    #[schema(value_type = Option<String>)]
    commit_hash: Option<&'static str>,
}

/// What this is and where to look.
#[utoipa::path(get, path = "/", tag = "about", responses((status = 200, description = "Signpost", body = Object)))]
pub(super) async fn root(State(app): State<App>) -> Json<Value> {
    Json(json!({
        "name": "LinkShield",
        "what": "tells whether a link is safe, and why",
        "version": env!("CARGO_PKG_VERSION"),
        "environment": app.environment().as_str(),
        "try": "POST /api/v1/url-check/check with {\"url\": \"https://example.com\"}",
        "api": "/openapi.json",
        "health": "/api/v1/health",
        "metrics": "/metrics",
    }))
}

/// Which build this is.
#[utoipa::path(get, path = "/api/v1/version", tag = "about", responses(
    (status = 200, description = "Version and build", body = VersionResponse),
))]
pub(super) async fn version(State(app): State<App>) -> Json<VersionResponse> {
    Json(VersionResponse {
        version: env!("CARGO_PKG_VERSION"),
        environment: app.environment().as_str(),
        build_time: option_env!("LINKSHIELD_BUILD_TIME"),
        commit_hash: option_env!("LINKSHIELD_COMMIT_HASH"),
    })
}

/// Metrics as Prometheus text.
#[utoipa::path(get, path = "/metrics", tag = "about", responses(
    (status = 200, description = "Prometheus text", body = String, content_type = "application/openmetrics-text"),
))]
pub(super) async fn metrics(State(app): State<App>) -> impl IntoResponse {
    ([(header::CONTENT_TYPE, METRICS_TYPE)], app.metrics().encode())
}
