//! The results of a run and its verdict: what it proved, and why.

use std::fmt::Write;

use shield_types::{Timestamp, format_duration};

use crate::engine::arrivals::{Phase, Schedule, Spacing};
use crate::fault::runner::event::FaultEvent;
use crate::measure::failure::{FailureGroups, FailureKind};
use crate::measure::report::{LatencySummary, LoadReport, StepCounts};
use crate::plan::model::Stop;
use crate::results::model::{RESULTS_FORMAT, RunResults, StepResults, Totals, Verdict};
use crate::scenario::file::{FileModel, LoadFile};
use crate::session::run::{CourseEnded, scheme_name};

/// What the report does not know.
pub(crate) struct Facts<'a> {
    pub(crate) started_at: Timestamp,
    pub(crate) ended: &'a CourseEnded,
    /// How many workers made the load; none: this process.
    pub(crate) workers: Option<usize>,
}

/// The figures. Thresholds, reconciliation and verdict come after.
pub(crate) fn results(file: &LoadFile, report: &LoadReport, facts: Facts<'_>) -> RunResults {
    let series = facts.ended.sampler.series();
    let faults = facts.ended.windows.windows(&facts.ended.events, &facts.ended.last, &series.points);
    RunResults {
        format: RESULTS_FORMAT,
        tool: format!("shield {}", env!("CARGO_PKG_VERSION")),
        name: file.name.clone(),
        target: format!("{}://{}", scheme_name(file.target.scheme), file.target.authority),
        model: describe(&file.model) + &by(facts.workers),
        seed: Some(file.seed),
        started_at: facts.started_at,
        elapsed_s: report.elapsed.as_secs_f64(),
        verdict: Verdict::Invalid,
        reasons: Vec::new(),
        warnings: warnings(file, report, facts.ended),
        totals: Totals {
            offered: report.offered,
            answered: report.answered,
            failed: report.failed_count(),
            unsent: report.unsent,
            iterations: Some(report.iterations),
            connections: Some(report.connections),
        },
        failed_by_kind: report.failed.iter().map(|(kind, count)| (kind.to_string(), *count)).collect(),
        statuses: report.statuses.clone(),
        latency: LatencySummary::of(&report.latency),
        service: LatencySummary::of(&report.service),
        lag: LatencySummary::of(&report.lag),
        steps: report.steps.iter().map(step).collect(),
        checks: report.checks.clone(),
        series: series.clone(),
        faults,
        thresholds: Vec::new(),
        audit: Some(report.audit.clone()),
        reconciled: None,
        failures: FailureGroups::told(&report.failures, &report.failed),
    }
}

fn step(step: &StepCounts) -> StepResults {
    let StepCounts { scenario, name, answered, failed, latency, .. } = step.clone();
    StepResults { scenario, name, answered, failed, latency: LatencySummary::of(&latency) }
}

fn warnings(file: &LoadFile, report: &LoadReport, ended: &CourseEnded) -> Vec<String> {
    let mut warnings = Vec::new();
    if report.unsent > 0 && ended.aborted.is_none() {
        warnings.push(format!(
            "{} of {} requests were due and never sent: every user waited for an answer until they were too late",
            report.unsent, report.offered
        ));
    }
    if file.thresholds.limits.is_empty() && file.thresholds.target.is_empty() {
        warnings.push(
            "no threshold is set: it passes whatever failed, as long as something was answered".to_owned(),
        );
    }
    if matches!(file.model, FileModel::Closed { .. }) {
        let text = "closed model: a target that stands still gets fewer requests, so percentiles leave out what people \
                    who arrive meanwhile would wait";
        warnings.push(text.to_owned());
    }
    for event in &ended.events {
        if let Some(why) = &event.failed {
            warnings.push(format!("fault `{}`: {why}", event.name));
        }
    }
    warnings
}

/// Who made the load, if it was not this process.
fn by(workers: Option<usize>) -> String {
    match workers {
        None => String::new(),
        Some(1) => ", by 1 worker".to_owned(),
        Some(count) => format!(", by {count} workers"),
    }
}

/// Who decided when a request was sent, in words.
fn describe(model: &FileModel) -> String {
    match model {
        FileModel::Closed { users, stop, .. } => {
            let until = match stop {
                Stop::After(duration) => format!("for {}", format_duration(*duration)),
                Stop::Iterations(count) => format!("for {count} iterations"),
                Stop::WhenTold => "until told to stop".to_owned(),
            };
            format!("closed: {users} users {until}")
        }
        FileModel::Open { schedule, users, users_max } => {
            format!("open: {}, {users} to {users_max} users", describe_schedule(schedule))
        }
    }
}

fn describe_schedule(schedule: &Schedule) -> String {
    let mut text = String::new();
    for Phase { duration, from_per_second, to_per_second } in &schedule.phases {
        let separator = if text.is_empty() { "" } else { ", then " };
        let rate = if from_per_second == to_per_second {
            format!("{from_per_second}/s")
        } else {
            format!("{from_per_second} to {to_per_second}/s")
        };
        write!(text, "{separator}{rate} for {}", format_duration(*duration))
            .expect("a string takes everything");
    }
    match schedule.spacing {
        Spacing::Even => text + ", evenly spaced",
        Spacing::Poisson => text + ", Poisson arrivals",
    }
}

/// Sets the verdict of results whose figures, thresholds and reconciliation are known. Worst first: a run that proves
/// nothing is not failed, and certainly not passed.
pub(crate) fn conclude(results: &mut RunResults, report: &LoadReport, ended: CourseEnded) {
    let (verdict, reasons) = verdict(results, report, ended);
    results.verdict = verdict;
    results.reasons = reasons;
}

fn verdict(results: &RunResults, report: &LoadReport, ended: CourseEnded) -> (Verdict, Vec<String>) {
    let CourseEnded { aborted, missing: mut invalid, events, .. } = ended;
    invalid.extend(report.audit.invalid.iter().cloned());
    if !report.accounted() {
        let totals = results.totals;
        invalid.push(format!(
            "not every request is accounted for: offered {}, answered {}, failed {}, unsent {}",
            totals.offered, totals.answered, totals.failed, totals.unsent
        ));
    }
    if !invalid.is_empty() {
        invalid.extend(aborted);
        return (Verdict::Invalid, invalid);
    }
    if let Some(silence) = silence(report) {
        return (Verdict::Unreachable, [Some(silence), aborted].into_iter().flatten().collect());
    }
    if let Some(reason) = aborted {
        return (Verdict::Aborted, vec![reason]);
    }
    if report.answered == 0 {
        let reason = match report.failed.is_empty() {
            true => "no request was sent".to_owned(),
            false => format!("nothing was answered as expected: {}", kinds(report)),
        };
        return (Verdict::Failed, vec![reason]);
    }
    let missed = results.thresholds.iter().filter(|threshold| !threshold.held);
    let mut reasons: Vec<String> = missed
        .map(|threshold| {
            format!("{} is {}, and must be {}", threshold.name, threshold.measured, threshold.limit)
        })
        .collect();
    if let Some(reconciled) = results.reconciled.as_ref().filter(|reconciled| !reconciled.agrees) {
        reasons.push(format!("the target's count does not agree: {}", reconciled.summary));
    }
    reasons.extend(events.iter().filter_map(fault_problem));
    (if reasons.is_empty() { Verdict::Passed } else { Verdict::Failed }, reasons)
}

/// Said of a target that was asked and answered nothing at all. What was cut off by the end of the run might have been answered.
fn silence(report: &LoadReport) -> Option<String> {
    let refused = report.failed.keys().any(|kind| *kind != FailureKind::CutOff);
    let silent = report.answered == 0 && report.statuses.is_empty() && refused;
    silent.then(|| format!("nothing was answered: {}", kinds(report)))
}

fn kinds(report: &LoadReport) -> String {
    let kinds = report.failed.iter().map(|(kind, count)| format!("{count} {kind}"));
    kinds.collect::<Vec<_>>().join(", ")
}

/// What is wrong with a fault that did not happen, or is still in effect: a run that was to survive it did not meet it, and one
/// that leaves it behind is not over.
fn fault_problem(event: &FaultEvent) -> Option<String> {
    let why = event.failed.as_deref().unwrap_or("the run was over first");
    match (event.began_s, event.undone_s) {
        (None, _) => Some(format!("the fault `{}` did not happen: {why}", event.name)),
        (Some(_), None) => Some(format!("the fault `{}` is not undone: {why}", event.name)),
        (Some(_), Some(_)) => None,
    }
}
