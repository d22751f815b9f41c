//! Results of Artillery, from its report (`--output`) and what its `ensure` plugin prints.
//!
//! `failed` is what was requested and not answered with a status below 400; Artillery itself counts every answer as good.

use std::collections::BTreeMap;

use serde::Deserialize;
use serde_json::Value;
use shield_types::Timestamp;

use super::artillery_script::{EnsureLine, Pool, sets_pool};
use super::context::{Ended, ParseForeignError, ToolContext, judge};
use super::tool::ForeignTool;
use super::warnings;
use crate::measure::failure::FailureKind;
use crate::measure::report::LatencySummary;
use crate::results::model::{CheckResults, Point, RunResults, Series, StepResults, ThresholdResult, Totals};

/// Length of a period of the report.
const PERIOD_MS: u64 = 10_000;
const OUTPUT: &str = "the report";
const STATUS: &str = "http.codes.";
const ERROR: &str = "errors.";
const STEP: &str = "plugins.metrics-by-endpoint.";
const STEP_TIMES: &str = "plugins.metrics-by-endpoint.response_time.";

/// What Artillery leaves behind.
#[derive(Debug)]
pub struct ArtilleryOutputs<'a> {
    /// `--output`.
    pub report: &'a str,
    /// What `ensure` printed.
    pub ensured: &'a [EnsureLine],
    /// The script, and what overrode it.
    pub script: &'a str,
}

#[derive(Deserialize)]
struct Report {
    aggregate: Period,
    intermediate: Vec<Period>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Period {
    /// When it began, as a number or as text.
    period: Option<Value>,
    counters: BTreeMap<String, f64>,
    summaries: BTreeMap<String, Summary>,
    first_metric_at: Option<u64>,
    last_metric_at: Option<u64>,
}

#[derive(Deserialize)]
struct Summary {
    min: f64,
    max: f64,
    mean: f64,
    p50: f64,
    p90: f64,
    p95: f64,
    p99: f64,
    p999: f64,
}

/// The results of one run.
pub fn results(
    context: &ToolContext,
    outputs: &ArtilleryOutputs<'_>,
) -> Result<RunResults, ParseForeignError> {
    let report: Report = serde_json::from_str(outputs.report).map_err(|source| ParseForeignError::Json {
        tool: ForeignTool::Artillery,
        output: OUTPUT,
        source,
    })?;
    let all = &report.aggregate;
    let model =
        "open: virtual users arrive at a rate, each sends its next request when the one before is answered";
    let mut results = context.form(ForeignTool::Artillery, model.to_owned());
    if let (Some(first), Some(last)) = (all.first_metric_at, all.last_metric_at) {
        results.started_at = Timestamp(first);
        results.elapsed_s = last.saturating_sub(first) as f64 / 1_000.0;
    }
    results.totals = all.totals()?;
    results.statuses = all.statuses();
    results.failed_by_kind = all.failed_by_kind(results.totals.failed);
    results.failures = all.named(ERROR).map(|(error, times)| format!("{error} ({times} times)")).collect();
    results.service = all.summary("http.response_time.2xx");
    results.steps = all.steps();
    results.checks = all.checks();
    results.series = series(&report.intermediate, results.started_at);
    results.thresholds = outputs.ensured.iter().map(|line| all.threshold(line)).collect();
    results.warnings = warnings_of(&results, sets_pool(outputs.script));
    judge(&mut results, ended(context.exit_code));
    Ok(results)
}

fn ended(exit_code: i32) -> Ended {
    match exit_code {
        0 => Ended::Well,
        1 => Ended::Failed(
            "Artillery ended with code 1: what `ensure` or `expect` demand did not hold".to_owned(),
        ),
        code => Ended::Failed(format!("Artillery ended with code {code}")),
    }
}

fn warnings_of(results: &RunResults, pool: Pool) -> Vec<String> {
    let mut found = warnings::of_every_run(ForeignTool::Artillery, "connections").to_vec();
    found.push(warnings::ARTILLERY_FIRST_BYTE.to_owned());
    found.push(match pool {
        Pool::Set => warnings::ARTILLERY_POOL.to_owned(),
        Pool::Absent => warnings::ARTILLERY_OWN_QUEUE.to_owned(),
    });
    if results.statuses.keys().any(|status| *status >= 400) {
        found.push(warnings::ARTILLERY_STATUSES.to_owned());
    }
    if results.totals.unsent > 0 {
        found.push(warnings::artillery_skipped(results.totals.unsent));
    }
    found
}

/// Requests under way follow from those sent and ended so far.
fn series(periods: &[Period], started_at: Timestamp) -> Series {
    let mut periods: Vec<_> =
        periods.iter().filter_map(|period| Some((period.begins_ms()?, period))).collect();
    periods.sort_unstable_by_key(|(begins_ms, _)| *begins_ms);
    let mut in_flight = 0_u64;
    let points = periods.into_iter().map(|(begins_ms, period)| {
        let sent = period.count("http.requests");
        let answered = period.answered();
        let unanswered: u64 = period.named(ERROR).map(|(_, times)| times).sum();
        let failed = unanswered + period.refused();
        in_flight = (in_flight + sent).saturating_sub(answered + failed);
        Point {
            at_s: (begins_ms + PERIOD_MS).saturating_sub(started_at.0) as f64 / 1_000.0,
            offered: sent + period.count("vusers.skipped"),
            answered,
            failed,
            in_flight: Some(in_flight),
            latency: period.summary("http.response_time.2xx"),
            lag_p99_ms: None,
        }
    });
    Series { interval_s: PERIOD_MS as f64 / 1_000.0, points: points.collect() }
}

// === impl Period ===

impl Period {
    fn begins_ms(&self) -> Option<u64> {
        let begins = self.period.as_ref()?;
        begins.as_u64().or_else(|| begins.as_str()?.parse().ok())
    }

    /// Counters that did not count are absent.
    fn count(&self, name: &str) -> u64 {
        self.counters.get(name).map_or(0, |count| *count as u64)
    }

    /// Counters whose name begins so, with the rest of their name.
    fn named<'a>(&'a self, prefix: &'a str) -> impl Iterator<Item = (&'a str, u64)> {
        self.counters
            .iter()
            .filter_map(move |(name, count)| Some((name.strip_prefix(prefix)?, *count as u64)))
    }

    fn statuses(&self) -> BTreeMap<u16, u64> {
        self.named(STATUS).filter_map(|(status, times)| Some((status.parse().ok()?, times))).collect()
    }

    fn answered(&self) -> u64 {
        self.statuses().range(..400).map(|(_, times)| times).sum()
    }

    /// Answers with status 400 and above.
    fn refused(&self) -> u64 {
        self.statuses().range(400..).map(|(_, times)| times).sum()
    }

    fn totals(&self) -> Result<Totals, ParseForeignError> {
        let (sent, answered, unsent) =
            (self.count("http.requests"), self.answered(), self.count("vusers.skipped"));
        let failed = sent.checked_sub(answered).ok_or(ParseForeignError::Contradiction {
            tool: ForeignTool::Artillery,
            output: OUTPUT,
            sent,
            answered,
            failed: self.refused(),
        })?;
        let iterations = Some(self.count("vusers.completed"));
        Ok(Totals { offered: sent + unsent, answered, failed, unsent, iterations, connections: None })
    }

    /// By status, and by Artillery's names for what was not answered. A mistake of the script (a capture that finds nothing) is
    /// an error of Artillery too, but its request was answered: with such ones the names cannot be told apart and only their
    /// number is given.
    fn failed_by_kind(&self, failed: u64) -> BTreeMap<String, u64> {
        let statuses = self.statuses().into_iter().filter(|(status, _)| *status >= 400);
        let mut kinds = BTreeMap::new();
        for (status, times) in statuses {
            let kind = FailureKind::of_status(status).to_string();
            *kinds.entry(kind).or_default() += times;
        }
        let unanswered = failed - self.refused().min(failed);
        let named: u64 = self.named(ERROR).map(|(_, times)| times).sum();
        if named == unanswered {
            kinds.extend(self.named(ERROR).map(|(error, times)| (error.to_owned(), times)));
        } else if unanswered > 0 {
            kinds.insert("unanswered".to_owned(), unanswered);
        }
        kinds
    }

    fn summary(&self, name: &str) -> Option<LatencySummary> {
        let summary = self.summaries.get(name)?;
        Some(LatencySummary {
            p50_ms: summary.p50,
            p90_ms: summary.p90,
            p95_ms: summary.p95,
            p99_ms: summary.p99,
            p999_ms: summary.p999,
            longest_ms: summary.max,
        })
    }

    /// Artillery tells steps apart by their URL, not by their scenario.
    fn steps(&self) -> Vec<StepResults> {
        let mut steps: BTreeMap<&str, StepResults> = BTreeMap::new();
        for (counter, times) in self.named(STEP) {
            let (step, status) = match (counter.rsplit_once(".codes."), counter.rsplit_once(".errors.")) {
                (Some((step, status)), _) => (step, status.parse().unwrap_or(u16::MAX)),
                (None, Some((step, _))) => (step, u16::MAX),
                (None, None) => continue,
            };
            let empty = StepResults {
                scenario: String::new(),
                name: step.to_owned(),
                answered: 0,
                failed: 0,
                latency: self.summary(&format!("{STEP_TIMES}{step}")),
            };
            let step = steps.entry(step).or_insert(empty);
            if status < 400 {
                step.answered += times;
            } else {
                step.failed += times;
            }
        }
        steps.into_values().collect()
    }

    /// What the `expect` plugin demanded.
    fn checks(&self) -> Vec<CheckResults> {
        let mut checks: BTreeMap<&str, CheckResults> = BTreeMap::new();
        let passed = self.named("plugins.expect.ok.").map(|(name, times)| (name, times, 0));
        let failed = self.named("plugins.expect.failed.").map(|(name, times)| (name, 0, times));
        for (name, passed, failed) in passed.chain(failed) {
            let empty = CheckResults { step: String::new(), name: name.to_owned(), passed: 0, failed: 0 };
            let check = checks.entry(name).or_insert(empty);
            check.passed += passed;
            check.failed += failed;
        }
        checks.into_values().collect()
    }

    /// `http.response_time.p95 < 500`: a name and a limit, or an expression.
    fn threshold(&self, line: &EnsureLine) -> ThresholdResult {
        let (name, limit) = line.expression.split_once(' ').unwrap_or((&line.expression, ""));
        let measured = self.metric(name).map_or_else(|| "not reported".to_owned(), |value| value.to_string());
        ThresholdResult { name: name.to_owned(), limit: limit.to_owned(), measured, held: line.held }
    }

    fn metric(&self, name: &str) -> Option<f64> {
        let counter = self.counters.get(name).copied();
        counter.or_else(|| {
            let (summary, aggregation) = name.rsplit_once('.')?;
            self.summaries.get(summary)?.value(aggregation)
        })
    }
}

// === impl Summary ===

impl Summary {
    fn value(&self, aggregation: &str) -> Option<f64> {
        match aggregation {
            "min" => Some(self.min),
            "max" => Some(self.max),
            "mean" => Some(self.mean),
            "median" | "p50" => Some(self.p50),
            "p90" => Some(self.p90),
            "p95" => Some(self.p95),
            "p99" => Some(self.p99),
            "p999" => Some(self.p999),
            _ => None,
        }
    }
}
