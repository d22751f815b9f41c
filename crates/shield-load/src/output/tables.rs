//! The tables of a page.

use crate::measure::report::LatencySummary;
use crate::output::escape::{NAME_BYTES_MAX, SENTENCE_BYTES_MAX, escaped, escaped_within};
use crate::output::figures::{ABSENT, count, figure, seconds, share};
use crate::output::table::{Cell, Table, list};
use crate::output::words::{counted, identity, latencies, percentiles};
use crate::results::model::{Reconciled, RunResults, Verdict};

/// Every request, and what became of it.
pub(super) fn totals(results: &RunResults) -> String {
    let totals = &results.totals;
    let rows = [
        ("offered", totals.offered, "became due"),
        ("answered", totals.answered, "as expected, to the last byte"),
        ("failed", totals.failed, "sent or tried, and not answered as expected"),
        ("unsent", totals.unsent, "due, and never sent"),
    ];
    let table = Table::new(
        "Every request",
        &["", "requests", "of offered", "per second", ""],
        rows.into_iter(),
        |row| {
            let (name, requests, about) = row;
            vec![
                text(name),
                Cell::Figure(count(requests)),
                Cell::Figure(share(requests, totals.offered)),
                Cell::Figure(figure(requests as f64 / results.elapsed_s)),
                text(about),
            ]
        },
    );
    let class = if totals.accounted() { "sum" } else { "sum bad" };
    format!(
        r#"{}<p class="{class}">{}</p><p>{}, {}.</p>"#,
        table.html(),
        escaped(&identity(totals)),
        counted(totals.iterations, "iterations completed"),
        counted(totals.connections, "connections opened")
    )
}

/// Latency, service time and lag side by side, and what each of them is.
pub(super) fn latency(results: &RunResults) -> String {
    let all = latencies(results);
    let heads = &["", "p50", "p90", "p95", "p99", "p99.9", "max"];
    let table = Table::new("Percentiles of the run, ms", heads, all.iter(), |(name, _, summary)| {
        let mut row = vec![text(name)];
        row.extend(percentile_cells(Some(summary)));
        row
    });
    let about = all.iter().map(|(name, about, _)| format!("<li><strong>{name}</strong>: {about}</li>"));
    let about = about.collect::<String>();
    if about.is_empty() { about } else { format!(r#"{}<ul class="quiet">{about}</ul>"#, table.html()) }
}

pub(super) fn steps(results: &RunResults) -> String {
    let heads = &["step", "scenario", "answered", "failed", "p50", "p90", "p95", "p99", "p99.9", "max"];
    let table = Table::new("Steps, latency in ms", heads, results.steps.iter(), |step| {
        let mut row = vec![text(&step.name), text(&step.scenario)];
        row.extend([Cell::Figure(count(step.answered)), Cell::Figure(count(step.failed))]);
        row.extend(percentile_cells(step.latency.as_ref()));
        row
    });
    table.html()
}

pub(super) fn checks(results: &RunResults) -> String {
    let heads = &["check", "step", "passed", "failed", "share failed"];
    let table = Table::new("Checks of answers", heads, results.checks.iter(), |check| {
        vec![
            text(&check.name),
            text(&check.step),
            Cell::Figure(count(check.passed)),
            Cell::Figure(count(check.failed)),
            Cell::Figure(share(check.failed, check.passed.saturating_add(check.failed))),
        ]
    });
    table.html()
}

pub(super) fn thresholds(results: &RunResults) -> String {
    let heads = &["threshold", "held", "measured", "limit"];
    let table = Table::new("What was demanded", heads, results.thresholds.iter(), |threshold| {
        let held = match (threshold.held, results.verdict) {
            (false, _) => Cell::Bad("✗ did not hold"),
            (true, Verdict::Invalid) => text("void: the run is invalid"),
            (true, _) => Cell::Good("✓ held"),
        };
        vec![text(&threshold.name), held, text(&threshold.measured), text(&threshold.limit)]
    });
    table.html()
}

/// Failures by kind, statuses, and the first failures in words.
pub(super) fn failures(results: &RunResults) -> String {
    let kinds = Table::new(
        "Failures by kind",
        &["kind", "requests", "of failed"],
        results.failed_by_kind.iter(),
        |row| {
            vec![text(row.0), Cell::Figure(count(*row.1)), Cell::Figure(share(*row.1, results.totals.failed))]
        },
    );
    let statuses =
        Table::new("Statuses", &["status", "answers"], results.statuses.iter(), |(status, answers)| {
            vec![text(&status.to_string()), Cell::Figure(count(*answers))]
        });
    format!(
        "{}{}{}",
        kinds.html(),
        statuses.html(),
        list("The first failures", "failures", &results.failures)
    )
}

pub(super) fn faults(results: &RunResults) -> String {
    let heads = &[
        "fault",
        "effect",
        "planned",
        "began",
        "late by",
        "undone",
        "failed in it",
        "p50",
        "p90",
        "p95",
        "p99",
        "p99.9",
        "max",
        "as before after",
    ];
    let table = Table::new("Faults, latency in their windows in ms", heads, results.faults.iter(), |fault| {
        let late_ms = (fault.from_s - fault.planned_s) * 1000.0;
        let mut row = vec![text(&fault.name), text(&fault.effect)];
        let times =
            [seconds(fault.planned_s), seconds(fault.from_s), format!("{} ms", figure(late_ms.round()))];
        row.extend(times.map(Cell::Figure));
        row.extend([Cell::Figure(seconds(fault.to_s)), Cell::Figure(count(fault.failed))]);
        row.extend(percentile_cells(fault.latency.as_ref()));
        row.push(match (fault.recovered_after_s, fault.compared) {
            (Some(after), _) => Cell::Figure(seconds(after)),
            (None, true) => Cell::Bad("✗ never"),
            (None, false) => Cell::Figure("not known".to_owned()),
        });
        row
    });
    table.html()
}

/// What the generator found about itself.
pub(super) fn audit(results: &RunResults) -> String {
    let Some(audit) = &results.audit else {
        return "<p>This tool does not say whether its generator kept up.</p>".to_owned();
    };
    let used = format!(
        "It used {} s of processor time, {} % of what it could have used.",
        figure(audit.cpu_s),
        figure(audit.cpu_share * 100.0)
    );
    let verdict = if audit.valid() { "<p class=\"good\">✓ The generator kept up.</p>" } else { "" };
    format!("{verdict}<p>{}</p>{}", escaped(&used), list("Why the run is invalid", "bad", &audit.invalid))
}

/// The target's own count.
pub(super) fn reconciliation(reconciled: &Reconciled) -> String {
    let verdict = if reconciled.agrees {
        r#"<p class="good">✓ Both counts agree.</p>"#
    } else {
        r#"<p class="bad">✗ The counts do not agree.</p>"#
    };
    format!(
        "{verdict}<p>{}</p><p>Asked: {}</p>{}{}",
        escaped_within(&reconciled.summary, SENTENCE_BYTES_MAX),
        escaped_within(&reconciled.source, NAME_BYTES_MAX),
        list("Answered and not applied", "missing", &reconciled.missing),
        list("Applied more than once", "duplicate", &reconciled.duplicate),
    )
}

fn text(text: &str) -> Cell {
    Cell::Text(text.to_owned())
}

fn percentile_cells(summary: Option<&LatencySummary>) -> [Cell; 6] {
    summary.map_or([ABSENT; 6].map(str::to_owned), percentiles).map(Cell::Figure)
}
