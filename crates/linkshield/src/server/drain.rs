//! The last act: wait for what is left until the deadline, then say what was cut.

use tokio::{
    task::JoinSet,
    time::{Instant, timeout_at},
};

use crate::api::{App, InFlight};

/// How the end went.
#[derive(Debug, Clone, Default)]
pub struct DrainReport {
    /// Requests that were still being answered at the deadline.
    pub cut: Vec<InFlight>,
}

/// Waits for all connections until `deadline`, cuts the rest.
pub(super) async fn finish(
    app: &App,
    mut earlier: JoinSet<()>,
    mut late: JoinSet<()>,
    deadline: Instant,
) -> DrainReport {
    let all_ended = timeout_at(deadline, async {
        while earlier.join_next().await.is_some() {}
        while late.join_next().await.is_some() {}
    });
    let in_time = all_ended.await.is_ok();
    let cut = if in_time { Vec::new() } else { app.in_flight() };
    for request in &cut {
        tracing::warn!(
            method = request.method,
            path = request.path,
            request_id = request.request_id,
            age_ms = request.started.elapsed().as_secs_f64() * 1000.0,
            "request cut at the drain deadline"
        );
    }
    earlier.shutdown().await;
    late.shutdown().await;
    DrainReport { cut }
}
