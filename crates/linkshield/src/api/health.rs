//! Health: alive (the process answers), ready (send traffic), and the details.

use std::time::{Duration, Instant};

use axum::{
    Json,
    extract::State,
    response::{IntoResponse, Response},
};
use http::StatusCode;
use jiff::Timestamp;
use serde::Serialize;
use tokio::time::timeout;
use utoipa::ToSchema;

use super::state::App;
use crate::telemetry::causes;

/// How long the database may take to answer before it counts as down.
const DATABASE_TIMEOUT: Duration = Duration::from_secs(2);

/// The details.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct HealthResponse {
    /// `healthy` or `unhealthy`.
    #[schema(value_type = String)]
    status: &'static str,
    /// When this was found.
    #[schema(value_type = String, format = DateTime)]
    timestamp: Timestamp,
    /// Version of the backend.
    #[schema(value_type = String)]
    version: &'static str,
    /// Where it runs.
    #[schema(value_type = String)]
    environment: &'static str,
    /// Seconds since the start.
    uptime: f64,
    /// What was looked at.
    checks: HealthChecks,
}

/// What health looks at.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct HealthChecks {
    /// The database, really queried.
    database: HealthCheck,
}

/// One thing health looked at.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct HealthCheck {
    /// `healthy` or `unhealthy`.
    #[schema(value_type = String)]
    status: &'static str,
    /// How long the answer took.
    response_time_ms: f64,
}

/// Whether to send traffic.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct ReadyResponse {
    /// `ready`, `draining` or `not_ready`.
    #[schema(value_type = String)]
    status: &'static str,
    /// When this was found.
    #[schema(value_type = String, format = DateTime)]
    timestamp: Timestamp,
    /// The same in words.
    #[schema(value_type = String)]
    message: &'static str,
}

/// Whether the process answers.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct LiveResponse {
    /// `alive`.
    #[schema(value_type = String)]
    status: &'static str,
    /// When this was found.
    #[schema(value_type = String, format = DateTime)]
    timestamp: Timestamp,
    /// Seconds since the start.
    uptime: f64,
    /// The same in words.
    #[schema(value_type = String)]
    message: &'static str,
}

/// The state of the backend and of what it depends on.
#[utoipa::path(get, path = "/api/v1/health", tag = "health", responses(
    (status = 200, description = "Everything works", body = HealthResponse),
    (status = 503, description = "The database does not answer", body = HealthResponse),
))]
pub(super) async fn health(State(app): State<App>) -> Response {
    let started = Instant::now();
    let healthy = database_answers(&app).await;
    let state = if healthy { "healthy" } else { "unhealthy" };
    let body = HealthResponse {
        status: state,
        timestamp: Timestamp::now(),
        version: env!("CARGO_PKG_VERSION"),
        environment: app.environment().as_str(),
        uptime: app.metrics().uptime().as_secs_f64(),
        checks: HealthChecks {
            database: HealthCheck {
                status: state,
                response_time_ms: started.elapsed().as_secs_f64() * 1000.0,
            },
        },
    };
    (status(healthy), Json(body)).into_response()
}

/// Whether the process answers at all.
#[utoipa::path(get, path = "/api/v1/health/live", tag = "health", responses(
    (status = 200, description = "The process answers", body = LiveResponse),
))]
pub(super) async fn live(State(app): State<App>) -> Json<LiveResponse> {
    Json(LiveResponse {
        status: "alive",
        timestamp: Timestamp::now(),
        uptime: app.metrics().uptime().as_secs_f64(),
        message: "the process answers",
    })
}

/// Whether to send traffic: the database answers and the process is not draining.
#[utoipa::path(get, path = "/api/v1/health/ready", tag = "health", responses(
    (status = 200, description = "Send traffic", body = ReadyResponse),
    (status = 503, description = "Draining, or the database does not answer", body = ReadyResponse),
))]
pub(super) async fn ready(State(app): State<App>) -> Response {
    let (state, message) = if app.draining() {
        ("draining", "the process finishes what it has begun and then ends")
    } else if database_answers(&app).await {
        ("ready", "the database answers")
    } else {
        ("not_ready", "the database does not answer")
    };
    let body = ReadyResponse { status: state, timestamp: Timestamp::now(), message };
    (status(state == "ready"), Json(body)).into_response()
}

async fn database_answers(app: &App) -> bool {
    match timeout(DATABASE_TIMEOUT, app.service().store().ping()).await {
        Ok(Ok(())) => true,
        Ok(Err(error)) => {
            tracing::warn!(error = %error, cause = causes(&error).join(": "), "database does not answer");
            false
        }
        Err(_elapsed) => {
            tracing::warn!("database does not answer in time");
            false
        }
    }
}

fn status(well: bool) -> StatusCode {
    if well { StatusCode::OK } else { StatusCode::SERVICE_UNAVAILABLE }
}
