//! The table of paths.

use std::sync::Arc;

use axum::{
    Router,
    extract::OriginalUri,
    middleware,
    routing::{get, post},
};
use http::Method;

use super::{
    accounts, checks, csp_reports, csrf, health, history, meta, observe::observe, openapi, problem::Problem,
    state::App, stats,
};

use crate::gate::Guard;

/// The whole HTTP interface over `app`.
pub fn router(app: App) -> Router {
    Router::new()
        .route("/", get(meta::root))
        .route("/api/v1/url-check/check", post(checks::check))
        .route("/api/v1/url-check/check/{id}", get(checks::find))
        .route("/api/v1/url-check/check/{id}/results", get(checks::results))
        .route("/api/v1/url-check/bulk-check", post(checks::bulk))
        .route("/api/v1/url-check/history", get(history::history))
        .route("/api/v1/url-check/stats", get(stats::stats))
        .route("/api/csrf/token", get(csrf::token))
        .route("/api/csrf/validate", post(csrf::validate))
        .route("/api/security/csp-report", post(csp_reports::report))
        .route("/api/v1/health", get(health::health))
        .route("/api/v1/health/live", get(health::live))
        .route("/api/v1/health/ready", get(health::ready))
        .route("/api/v1/version", get(meta::version))
        .route("/metrics", get(meta::metrics))
        .route("/openapi.json", get(openapi::document))
        .merge(accounts::router(&app))
        .fallback(|OriginalUri(uri): OriginalUri| async move { Problem::unknown_path(uri.path()) })
        .method_not_allowed_fallback(|method: Method, OriginalUri(uri): OriginalUri| async move {
            Problem::wrong_method(method.as_str(), uri.path())
        })
        .layer(Guard::new(Arc::clone(app.gate())))
        .layer(middleware::from_fn_with_state(app.clone(), observe))
        .with_state(app)
}
