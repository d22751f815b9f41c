//! Results of k6, from the summary that it exports, its options and its samples.
//!
//! The summary counts; the samples tell when, by step and with which status. Both count the requests, and a run in which they
//! disagree is invalid.

use std::collections::BTreeMap;

use serde::Deserialize;
use serde_json::Value;
use shield_types::Timestamp;

use super::context::{Ended, ParseForeignError, ToolContext, judge};
use super::k6_samples::K6Samples;
use super::tool::ForeignTool;
use super::warnings;
use crate::measure::report::LatencySummary;
use crate::results::model::{CheckResults, RunResults, Series, ThresholdResult, Totals, Verdict};

/// `thresholds have been crossed`.
const THRESHOLDS_CROSSED: i32 = 99;
/// Requests a second from which the cost of the samples is worth a warning.
const BUSY_PER_SECOND: f64 = 1_000.0;

/// What k6 leaves behind.
#[derive(Debug)]
pub struct K6Outputs<'a> {
    /// `--summary-export`, with `--summary-trend-stats` of `K6_TREND_STATS` in `adapter/run.rs`.
    pub summary: &'a str,
    /// What `k6 inspect` prints: the options of the script.
    pub options: &'a str,
    /// `--out csv`.
    pub samples: K6Samples,
}

#[derive(Deserialize)]
struct Summary {
    metrics: BTreeMap<String, Metric>,
    root_group: Group,
}

/// A metric of any type: numbers by the name of their aggregation, and under `thresholds` whether each was crossed.
#[derive(Deserialize)]
#[serde(transparent)]
struct Metric(BTreeMap<String, Value>);

#[derive(Deserialize)]
struct Group {
    path: String,
    groups: BTreeMap<String, Group>,
    checks: BTreeMap<String, GroupCheck>,
}

#[derive(Deserialize)]
struct GroupCheck {
    name: String,
    passes: u64,
    fails: u64,
}

/// As far as it tells who decides when a request is sent.
#[derive(Deserialize)]
struct Options {
    scenarios: Option<BTreeMap<String, ScenarioOptions>>,
}

#[derive(Deserialize)]
struct ScenarioOptions {
    executor: String,
}

/// The results of one run.
pub fn results(context: &ToolContext, outputs: K6Outputs<'_>) -> Result<RunResults, ParseForeignError> {
    let summary: Summary = parse(outputs.summary, "the summary")?;
    let options: Options = parse(outputs.options, "the options")?;
    let samples = outputs.samples;
    let executors = options.executors();
    let mut results = context.form(ForeignTool::K6, model(&executors));
    results.totals = summary.totals(&samples)?;
    if let Some(seconds) = summary.seconds() {
        results.elapsed_s = seconds;
    }
    results.started_at = samples.first_ms.map_or(results.started_at, Timestamp);
    results.service = summary.answered_durations();
    summary.root_group.add_checks(&mut results.checks);
    results.thresholds = summary.thresholds();
    results.steps = samples.steps();
    results.series = Series { interval_s: 1.0, points: samples.points() };
    results.warnings = warnings_of(&summary, &samples, &executors, &results);
    let sampled_requests = samples.requests;
    results.statuses = samples.statuses;
    results.failed_by_kind = samples.failed_by_kind;
    results.failures = samples.failures.lines();
    judge(&mut results, ended(context.exit_code));
    let counted = (results.totals.answered + results.totals.failed, results.totals.failed);
    let sampled = (sampled_requests, results.failed_by_kind.values().sum());
    if counted != sampled {
        results.verdict = Verdict::Invalid;
        results.reasons.push(format!(
            "k6 counted {} requests, {} of them failed, and handed over samples of {}, {} of them failed",
            counted.0, counted.1, sampled.0, sampled.1
        ));
    }
    Ok(results)
}

fn ended(exit_code: i32) -> Ended {
    match exit_code {
        0 => Ended::Well,
        THRESHOLDS_CROSSED => Ended::Failed("k6 ended with code 99: a threshold was crossed".to_owned()),
        105 => Ended::Aborted("k6 ended with code 105: it was interrupted".to_owned()),
        108 => Ended::Aborted("k6 ended with code 108: the script aborted the run".to_owned()),
        code => Ended::Failed(format!("k6 ended with code {code}")),
    }
}

fn model(executors: &[String]) -> String {
    let kind = match executors.iter().filter(|executor| holds_a_rate(executor)).count() {
        0 => "closed",
        open if open == executors.len() => "open",
        _ => "mixed",
    };
    format!("{kind}: {}", executors.join(", "))
}

fn holds_a_rate(executor: &str) -> bool {
    executor.ends_with("-arrival-rate")
}

fn warnings_of(
    summary: &Summary,
    samples: &K6Samples,
    executors: &[String],
    results: &RunResults,
) -> Vec<String> {
    let totals = &results.totals;
    let mut found = warnings::of_every_run(
        ForeignTool::K6,
        "requests under way, and connections that were opened for failed requests",
    )
    .to_vec();
    found.push(warnings::K6_CONNECTING.to_owned());
    if totals.unsent > 0 {
        found.push(warnings::k6_dropped(totals.unsent));
    }
    let closed: Vec<_> = executors.iter().filter(|executor| !holds_a_rate(executor)).cloned().collect();
    if !closed.is_empty() {
        found.push(warnings::k6_closed(&closed.join(", ")));
    }
    // A virtual user keeps its connection; more of them than users means that some were closed.
    let users_max = summary.value("vus_max", "max").unwrap_or(0.0);
    if samples.connections as f64 > users_max {
        found.push(warnings::K6_REPEATS.to_owned());
    }
    let per_second = (totals.answered + totals.failed) as f64 / results.elapsed_s;
    if per_second >= BUSY_PER_SECOND {
        found.push(warnings::k6_busy(per_second));
    }
    if samples.steps_left_out {
        found.push("the script requests many URLs: those beyond 64 are one step, `(others)`".to_owned());
    }
    if samples.late > 0 {
        found.push(format!("{} answers came too late for the percentiles over time", samples.late));
    }
    found
}

fn parse<'a, T: Deserialize<'a>>(text: &'a str, output: &'static str) -> Result<T, ParseForeignError> {
    serde_json::from_str(text).map_err(|source| ParseForeignError::Json {
        tool: ForeignTool::K6,
        output,
        source,
    })
}

// === impl Options ===

impl Options {
    /// Without scenarios k6 has one, of looping or sharing users.
    fn executors(self) -> Vec<String> {
        let scenarios = self.scenarios.unwrap_or_default();
        let mut executors: Vec<_> = scenarios.into_values().map(|scenario| scenario.executor).collect();
        executors.sort_unstable();
        executors.dedup();
        if executors.is_empty() { vec!["virtual users".to_owned()] } else { executors }
    }
}

// === impl Summary ===

impl Summary {
    fn value(&self, metric: &str, aggregation: &str) -> Option<f64> {
        self.metrics.get(metric)?.value(aggregation)
    }

    /// Zero when k6 leaves the metric out, which it does when nothing was counted.
    fn count(&self, metric: &str, aggregation: &str) -> u64 {
        self.value(metric, aggregation).unwrap_or(0.0) as u64
    }

    fn totals(&self, samples: &K6Samples) -> Result<Totals, ParseForeignError> {
        let sent = self.count("http_reqs", "count");
        // `passes` counts the requests of which "failed" is true.
        let failed = self.count("http_req_failed", "passes");
        let unsent = self.count("dropped_iterations", "count");
        let answered = sent.checked_sub(failed).ok_or(ParseForeignError::Contradiction {
            tool: ForeignTool::K6,
            output: "the summary",
            sent,
            answered: 0,
            failed,
        })?;
        let iterations = Some(self.count("iterations", "count"));
        let connections = Some(samples.connections);
        Ok(Totals { offered: sent + unsent, answered, failed, unsent, iterations, connections })
    }

    /// How long k6 itself says that it ran.
    fn seconds(&self) -> Option<f64> {
        let metric =
            ["http_reqs", "iterations"].into_iter().find(|metric| self.count(metric, "count") > 0)?;
        let per_second = self.value(metric, "rate").filter(|rate| *rate > 0.0)?;
        Some(self.value(metric, "count")? / per_second)
    }

    /// Durations of the answers that were as expected; of all, when the script told k6 not to judge.
    fn answered_durations(&self) -> Option<LatencySummary> {
        let judged = self.metrics.contains_key("http_req_failed");
        let metric = if judged { "http_req_duration{expected_response:true}" } else { "http_req_duration" };
        let value = |aggregation| self.value(metric, aggregation);
        Some(LatencySummary {
            p50_ms: value("med")?,
            p90_ms: value("p(90)")?,
            p95_ms: value("p(95)")?,
            p99_ms: value("p(99)")?,
            p999_ms: value("p(99.9)")?,
            longest_ms: value("max")?,
        })
    }

    fn thresholds(&self) -> Vec<ThresholdResult> {
        let all = self.metrics.iter().flat_map(|(name, metric)| {
            metric.thresholds().map(move |(limit, crossed)| (name, metric, limit, crossed))
        });
        all.map(|(name, metric, limit, crossed)| ThresholdResult {
            name: name.clone(),
            limit: limit.clone(),
            measured: metric.measured(limit),
            held: !crossed,
        })
        .collect()
    }
}

// === impl Metric ===

impl Metric {
    fn value(&self, aggregation: &str) -> Option<f64> {
        self.0.get(aggregation)?.as_f64()
    }

    /// Each with whether it was crossed. What is neither true nor false was not found to hold.
    fn thresholds(&self) -> impl Iterator<Item = (&String, bool)> {
        let thresholds = self.0.get("thresholds").and_then(Value::as_object).into_iter().flatten();
        thresholds.map(|(limit, crossed)| (limit, crossed.as_bool().unwrap_or(true)))
    }

    /// The aggregation that a threshold begins with: `p(95)<500`, `rate<0.01`.
    fn measured(&self, limit: &str) -> String {
        let aggregation = limit.split(['<', '>', '=', '!']).next().unwrap_or_default().trim();
        // The rate of a rate metric is exported as its value.
        let name = if aggregation == "rate" && self.0.contains_key("value") { "value" } else { aggregation };
        let value = self.value(name);
        value.map_or_else(|| "not reported".to_owned(), |value| format!("{aggregation} = {value}"))
    }
}

// === impl Group ===

impl Group {
    fn add_checks(&self, checks: &mut Vec<CheckResults>) {
        let step = self.path.trim_start_matches("::");
        checks.extend(self.checks.values().map(|check| CheckResults {
            step: step.to_owned(),
            name: check.name.clone(),
            passed: check.passes,
            failed: check.fails,
        }));
        self.groups.values().for_each(|group| group.add_checks(checks));
    }
}
