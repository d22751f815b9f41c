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
use crate::{store::WriteObstacle, telemetry::causes};

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
    /// The same, really written to.
    writes: WritesCheck,
}

/// Whether the database takes writes, as of five seconds ago at most.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct WritesCheck {
    /// `healthy` or `unhealthy`.
    #[schema(value_type = String)]
    status: &'static str,
    /// What keeps it from writing.
    #[schema(value_type = Option<String>)]
    detail: Option<&'static str>,
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
    (status = 503, description = "The database does not answer, or takes no writes", body = HealthResponse),
))]
pub(super) async fn health(State(app): State<App>) -> Response {
    let started = Instant::now();
    let answers = database_answers(&app).await;
    let response_time_ms = started.elapsed().as_secs_f64() * 1000.0;
    let written =
        if answers { app.service().store().prove_writable().await } else { Err(WriteObstacle::Other) };
    let obstacle = written.err();
    let healthy = answers && obstacle.is_none();
    let body = HealthResponse {
        status: health_of(healthy),
        timestamp: Timestamp::now(),
        version: env!("CARGO_PKG_VERSION"),
        environment: app.environment().as_str(),
        uptime: app.metrics().uptime().as_secs_f64(),
        checks: HealthChecks {
            database: HealthCheck { status: health_of(answers), response_time_ms },
            writes: WritesCheck {
                status: health_of(obstacle.is_none()),
                detail: obstacle.map(WriteObstacle::text),
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

/// Whether to send traffic: the database answers and the process is not draining. One that takes no writes is ready all the same,
/// and says so where that showed: all processes on it would go out of service, and with them what can still be read. It is not written
/// to here: readiness waits for no writer.
#[utoipa::path(get, path = "/api/v1/health/ready", tag = "health", responses(
    (status = 200, description = "Send traffic", body = ReadyResponse),
    (status = 503, description = "Draining, or the database does not answer", body = ReadyResponse),
))]
pub(super) async fn ready(State(app): State<App>) -> Response {
    let (state, message) = if app.draining() {
        ("draining", "the process finishes what it has begun and then ends")
    } else if !database_answers(&app).await {
        ("not_ready", "the database does not answer")
    } else if let Some(obstacle) = app.service().store().recent_obstacle() {
        ("ready", obstacle.text())
    } else {
        ("ready", "the database answers")
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

fn health_of(well: bool) -> &'static str {
    if well { "healthy" } else { "unhealthy" }
}

fn status(well: bool) -> StatusCode {
    if well { StatusCode::OK } else { StatusCode::SERVICE_UNAVAILABLE }
}
