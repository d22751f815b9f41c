//! What a result means, in sentences that every report uses.

use crate::measure::report::LatencySummary;
use crate::output::figures::{count, figure};
use crate::results::model::{RunResults, Totals, Verdict};

/// The verdict as one word.
pub fn word(verdict: Verdict) -> &'static str {
    match verdict {
        Verdict::Invalid => "INVALID",
        Verdict::Unreachable => "UNREACHABLE",
        Verdict::Aborted => "ABORTED",
        Verdict::Failed => "FAILED",
        Verdict::Passed => "PASSED",
    }
}

/// What follows from the verdict.
pub(super) fn meaning(results: &RunResults) -> &'static str {
    match results.verdict {
        Verdict::Invalid => {
            "These figures say nothing about the target: the generator was the bottleneck, part of it was lost, or requests are not accounted for."
        }
        Verdict::Unreachable => "Nothing was answered.",
        Verdict::Aborted => "The run was ended early.",
        Verdict::Failed if results.totals.answered == 0 => "Nothing was answered as expected.",
        Verdict::Failed if demands_held(results) => "It did not go as it was to, though every demand held.",
        Verdict::Failed => "A threshold, or the reconciliation, did not hold.",
        Verdict::Passed if results.thresholds.is_empty() => {
            "No threshold was set: passed says only that the figures may be believed."
        }
        Verdict::Passed => "Every threshold held.",
    }
}

/// Whether thresholds and reconciliation held, whatever else went wrong.
fn demands_held(results: &RunResults) -> bool {
    results.thresholds.iter().all(|threshold| threshold.held)
        && results.reconciled.as_ref().is_none_or(|reconciled| reconciled.agrees)
}

/// How many of something, or that the tool does not tell.
pub(super) fn counted(number: Option<u64>, of: &str) -> String {
    number.map_or_else(|| format!("{of} not reported"), |number| format!("{} {of}", count(number)))
}

/// The seed, after something else.
pub(super) fn seeded(results: &RunResults) -> String {
    results.seed.map_or_else(String::new, |seed| format!(", seed {seed}"))
}

/// The sum that every request is part of, and whether it is one.
pub(super) fn identity(totals: &Totals) -> String {
    let Totals { offered, answered, failed, unsent, .. } = *totals;
    let sum = format!(
        "offered {} = answered {} + failed {} + unsent {}",
        count(offered),
        count(answered),
        count(failed),
        count(unsent)
    );
    if totals.accounted() { sum } else { format!("{sum}: DOES NOT ADD UP") }
}

/// The latencies of the whole run that there are, each with its name and one line about it.
pub(super) fn latencies(results: &RunResults) -> Vec<(&'static str, &'static str, LatencySummary)> {
    let due = if results.model.starts_with("closed") {
        "from the moment a request was due, which in a closed model is when its client was free: a stall delays the requests \
         after it without showing here"
    } else {
        "from the moment a request was due, whatever held it up: what someone who arrived then waited"
    };
    let rows = [
        ("latency", due, results.latency),
        (
            "service",
            "from the moment it was begun: leaves out the wait for a free client, as many tools do",
            results.service,
        ),
        ("lag", "how late the generator was by its own fault", results.lag),
    ];
    rows.into_iter()
        .filter_map(|(name, about, summary)| summary.map(|summary| (name, about, summary)))
        .collect()
}

/// Names of the percentiles of [`percentiles`].
pub(super) const PERCENTILES: [&str; 6] = ["p50", "p90", "p95", "p99", "p99.9", "max"];

/// The percentiles of a summary, as figures.
pub(super) fn percentiles(summary: &LatencySummary) -> [String; 6] {
    let LatencySummary { p50_ms, p90_ms, p95_ms, p99_ms, p999_ms, longest_ms } = *summary;
    [p50_ms, p90_ms, p95_ms, p99_ms, p999_ms, longest_ms].map(figure)
}
