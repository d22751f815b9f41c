//! The last act: wait for what is left until the deadline, then say what was cut.

use std::time::Duration;

use shield_data::Database;
use tokio::{
    task::JoinSet,
    time::{Instant, timeout_at},
};

use crate::api::{App, InFlight};

/// What one change waits for the database.
const CHANGES_GRACE: Duration = Database::DEADLINE;

/// How the end went.
#[derive(Debug, Clone, Default)]
pub struct DrainReport {
    /// Requests that were still being answered at the deadline.
    pub cut: Vec<InFlight>,
    /// Answers that their clients had not read to the end at the deadline.
    pub unsent: i64,
}

// === impl DrainReport ===

impl DrainReport {
    /// What would be cut now; each request goes to the log.
    pub(super) fn of(app: &App) -> Self {
        let report = Self { cut: app.in_flight(), unsent: app.metrics().answers_unsent().get() };
        for request in &report.cut {
            tracing::warn!(
                method = request.method,
                path = request.path,
                request_id = request.request_id,
                age_ms = request.started.elapsed().as_secs_f64() * 1000.0,
                "request cut at the drain deadline"
            );
        }
        if report.unsent > 0 {
            tracing::warn!(count = report.unsent, "unread answers cut at the drain deadline");
        }
        report
    }

    /// How many clients did not get their whole answer.
    pub fn total(&self) -> usize {
        self.cut.len() + usize::try_from(self.unsent).unwrap_or_default()
    }
}

/// Waits for all connections until `deadline`; answers whether they ended in time.
pub(super) async fn finish(earlier: &mut JoinSet<()>, late: &mut JoinSet<()>, deadline: Instant) -> bool {
    let all_ended = timeout_at(deadline, async {
        while earlier.join_next().await.is_some() {}
        while late.join_next().await.is_some() {}
    });
    all_ended.await.is_ok()
}

/// Waits until `deadline`, and a moment in any case, for the changes of accounts whose clients are gone.
pub(super) async fn finish_changes(app: &App, deadline: Instant) {
    let deadline = deadline.max(Instant::now() + CHANGES_GRACE);
    if timeout_at(deadline, app.finish_changes()).await.is_err() {
        let count = app.changes_under_way();
        tracing::error!(count, "changes of accounts were cut: the database did not take them in time");
    }
}
