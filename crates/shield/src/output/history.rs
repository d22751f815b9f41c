//! `shield history`.

use shield_release::{FinishedRelease, ReleaseOutcome};

use super::{json_pretty, table, write::say};
use crate::cli::OutputFormat;

pub(crate) fn print(history: &[FinishedRelease], format: OutputFormat) {
    if format == OutputFormat::Json {
        return json_pretty(&history);
    }
    if history.is_empty() {
        return say!("no release has ended yet; `shield ship` makes the first");
    }
    let rows: Vec<_> = history.iter().rev().map(row).collect();
    table::print(["RELEASE", "FINISHED", "TOOK", "REQUESTED BY", "OUTCOME"], &rows);
}

fn row(finished: &FinishedRelease) -> [String; 5] {
    let restores = finished.spec.restores.as_ref().map_or(String::new(), |id| format!(" (brings {id} back)"));
    let outcome = match &finished.outcome {
        ReleaseOutcome::Done => format!("done{restores}"),
        ReleaseOutcome::Kept { reason } => format!("kept, although {reason}"),
        ReleaseOutcome::RolledBack { reason } => format!("rolled back: {reason}"),
    };
    [
        finished.spec.id.to_string(),
        finished.finished_at.to_string(),
        format!("{:.1}s", finished.finished_at.since(finished.started_at).as_secs_f64()),
        finished.spec.requested_by.clone(),
        outcome,
    ]
}
