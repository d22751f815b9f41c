//! Results of Locust, from the statistics that it writes when it ends (`--json-file`) and its CSV files.
//!
//! The CSV files count less than the run: Locust writes them once a second and not at its end (measured: 585 of 660 requests).
//! So requests are counted from the JSON, which is complete, and the CSV files tell what it leaves out: percentiles over time
//! and what failures were.

use std::collections::BTreeMap;

use csv::{Reader, StringRecord};
use serde::Deserialize;
use shield_types::Timestamp;

use super::context::{Ended, ParseForeignError, ToolContext, judge};
use super::tool::ForeignTool;
use super::warnings;
use crate::measure::report::LatencySummary;
use crate::results::model::{Point, RunResults, Series, StepResults, Totals};

/// Failures that are kept in detail.
const FAILURES_MAX: usize = 20;
/// The longest run; a later second is a damaged one.
const SECONDS_MAX: u64 = 31 * 24 * 3_600;

const STATISTICS: &str = "the statistics";
const HISTORY: &str = "the history";
const FAILURES: &str = "the failures";
const EXCEPTIONS: &str = "the exceptions";

/// What Locust leaves behind.
#[derive(Clone, Copy, Debug)]
pub struct LocustOutputs<'a> {
    /// `--json-file`.
    pub statistics: &'a str,
    /// `…_stats_history.csv`.
    pub history: &'a str,
    /// `…_failures.csv`.
    pub failures: &'a str,
    /// `…_exceptions.csv`.
    pub exceptions: &'a str,
}

/// Requests of one name and method.
#[derive(Deserialize)]
struct Entry {
    name: String,
    method: String,
    start_time: f64,
    last_request_timestamp: Option<f64>,
    num_requests: u64,
    num_failures: u64,
    max_response_time: f64,
    /// How often each rounded time, milliseconds, was seen.
    response_times: BTreeMap<String, u64>,
    num_reqs_per_sec: BTreeMap<String, u64>,
    num_fail_per_sec: BTreeMap<String, u64>,
}

/// A CSV file whose columns are found by name.
struct Table {
    output: &'static str,
    header: StringRecord,
    rows: Vec<StringRecord>,
}

/// The results of one run.
pub fn results(context: &ToolContext, outputs: &LocustOutputs<'_>) -> Result<RunResults, ParseForeignError> {
    let entries: Vec<Entry> = serde_json::from_str(outputs.statistics).map_err(|source| {
        ParseForeignError::Json { tool: ForeignTool::Locust, output: STATISTICS, source }
    })?;
    let model = "closed: each user sends its next request when the one before has ended";
    let mut results = context.form(ForeignTool::Locust, model.to_owned());
    results.totals = totals(&entries)?;
    let began_s = entries.iter().map(|entry| entry.start_time).reduce(f64::min);
    let ended_s = entries.iter().filter_map(|entry| entry.last_request_timestamp).reduce(f64::max);
    if let (Some(began_s), Some(ended_s)) = (began_s, ended_s) {
        results.started_at = Timestamp((began_s * 1_000.0) as u64);
        results.elapsed_s = (ended_s - began_s).max(0.0);
    }
    results.service = summary_of(&entries)?;
    for entry in &entries {
        results.steps.push(entry.step()?);
    }
    results.series = series(&entries, &Table::read(outputs.history, HISTORY)?, results.started_at)?;
    let failures = Table::read(outputs.failures, FAILURES)?;
    results.failed_by_kind = failed_by_kind(&failures, results.totals.failed)?;
    results.failures = failure_lines(&failures, &Table::read(outputs.exceptions, EXCEPTIONS)?)?;
    results.warnings = warnings_of(&results.totals);
    judge(&mut results, ended(context.exit_code));
    Ok(results)
}

fn ended(exit_code: i32) -> Ended {
    match exit_code {
        0 => Ended::Well,
        1 => Ended::Failed(
            "Locust ended with code 1: requests failed, or a task raised an exception".to_owned(),
        ),
        code => Ended::Failed(format!("Locust ended with code {code}")),
    }
}

fn warnings_of(totals: &Totals) -> Vec<String> {
    let not_reported = "connections, iterations, statuses and requests under way";
    let mut found = warnings::of_every_run(ForeignTool::Locust, not_reported).to_vec();
    found.push(warnings::LOCUST_CLOSED.to_owned());
    found.push(warnings::LOCUST_ROUNDED.to_owned());
    if totals.failed > 0 {
        found.push(warnings::LOCUST_FAILED_TIMES.to_owned());
    }
    found
}

fn totals(entries: &[Entry]) -> Result<Totals, ParseForeignError> {
    let offered: u64 = entries.iter().map(|entry| entry.num_requests).sum();
    let failed: u64 = entries.iter().map(|entry| entry.num_failures).sum();
    let contradiction = ParseForeignError::Contradiction {
        tool: ForeignTool::Locust,
        output: STATISTICS,
        sent: offered,
        answered: 0,
        failed,
    };
    let answered = offered.checked_sub(failed).ok_or(contradiction)?;
    Ok(Totals { offered, answered, failed, ..Totals::default() })
}

/// Percentiles of the rounded times; the longest is the one time that Locust does not round.
fn summary_of<'a>(
    entries: impl IntoIterator<Item = &'a Entry>,
) -> Result<Option<LatencySummary>, ParseForeignError> {
    let mut counts: BTreeMap<u64, u64> = BTreeMap::new();
    let mut longest_ms: f64 = 0.0;
    for entry in entries {
        longest_ms = longest_ms.max(entry.max_response_time);
        for (text, count) in &entry.response_times {
            let time_ms: f64 = text.parse().map_err(|_| not_a_number(text, STATISTICS, "response_times"))?;
            *counts.entry((time_ms * 1_000.0) as u64).or_default() += count;
        }
    }
    let all: u64 = counts.values().sum();
    let quantile_ms = |share: f64| {
        let rank = ((all as f64) * share).ceil().max(1.0) as u64;
        let mut seen = 0;
        let reached = counts.iter().find(|(_, count)| {
            seen += **count;
            seen >= rank
        });
        reached.map(|(time_us, _)| *time_us as f64 / 1_000.0)
    };
    let summary = || {
        Some(LatencySummary {
            p50_ms: quantile_ms(0.5)?,
            p90_ms: quantile_ms(0.9)?,
            p95_ms: quantile_ms(0.95)?,
            p99_ms: quantile_ms(0.99)?,
            p999_ms: quantile_ms(0.999)?,
            longest_ms,
        })
    };
    Ok(summary())
}

/// Counts of each second from the JSON, percentiles from the history.
fn series(entries: &[Entry], history: &Table, started_at: Timestamp) -> Result<Series, ParseForeignError> {
    let began_s = started_at.0 / 1_000;
    let mut seconds: BTreeMap<u64, (u64, u64)> = BTreeMap::new();
    for entry in entries {
        for (second, requests) in &entry.num_reqs_per_sec {
            seconds.entry(second_of(second, began_s)?).or_default().0 += requests;
        }
        for (second, failures) in &entry.num_fail_per_sec {
            seconds.entry(second_of(second, began_s)?).or_default().1 += failures;
        }
    }
    let percentiles = history.percentiles(began_s)?;
    let last = seconds.last_key_value().map(|(second, _)| *second);
    let point = |second: u64| {
        let (offered, failed) = seconds.get(&second).copied().unwrap_or_default();
        let answered = offered.saturating_sub(failed);
        let latency = percentiles.get(&second).copied();
        Point { at_s: (second + 1) as f64, offered, answered, failed, latency, ..Point::default() }
    };
    let points = last.map(|last| 0..=last).into_iter().flatten().map(point).collect();
    Ok(Series { interval_s: 1.0, points })
}

/// Seconds since the run began, from those since the epoch.
fn second_of(text: &str, began_s: u64) -> Result<u64, ParseForeignError> {
    let second = text.parse().ok().map(|second: u64| second.saturating_sub(began_s));
    second
        .filter(|second| *second <= SECONDS_MAX)
        .ok_or_else(|| not_a_number(text, STATISTICS, "num_reqs_per_sec"))
}

/// By the name of the error (`HTTPError`, `RemoteDisconnected`), and how many Locust did not list.
fn failed_by_kind(failures: &Table, failed: u64) -> Result<BTreeMap<String, u64>, ParseForeignError> {
    let mut kinds: BTreeMap<String, u64> = BTreeMap::new();
    let (error, occurrences) = (failures.column("Error")?, failures.column("Occurrences")?);
    for row in &failures.rows {
        let name: String = row[error].split('(').next().unwrap_or_default().chars().take(60).collect();
        *kinds.entry(name).or_default() += failures.number::<u64>(row, occurrences, "Occurrences")?;
    }
    let unlisted = failed.saturating_sub(kinds.values().sum());
    if unlisted > 0 {
        kinds.insert("unlisted".to_owned(), unlisted);
    }
    Ok(kinds)
}

fn failure_lines(failures: &Table, exceptions: &Table) -> Result<Vec<String>, ParseForeignError> {
    let (method, name) = (failures.column("Method")?, failures.column("Name")?);
    let (error, occurrences) = (failures.column("Error")?, failures.column("Occurrences")?);
    let failed = failures
        .rows
        .iter()
        .map(|row| format!("{} {}: {} ({} times)", &row[method], &row[name], &row[error], &row[occurrences]));
    let (count, message) = (exceptions.column("Count")?, exceptions.column("Message")?);
    let raised = exceptions
        .rows
        .iter()
        .map(|row| format!("a task raised an exception: {} ({} times)", &row[message], &row[count]));
    Ok(raised.chain(failed).take(FAILURES_MAX).collect())
}

// === impl Entry ===

impl Entry {
    fn step(&self) -> Result<StepResults, ParseForeignError> {
        Ok(StepResults {
            scenario: String::new(),
            name: format!("{} {}", self.method, self.name),
            answered: self.num_requests.saturating_sub(self.num_failures),
            failed: self.num_failures,
            latency: summary_of([self])?,
        })
    }
}

// === impl Table ===

impl Table {
    fn read(text: &str, output: &'static str) -> Result<Self, ParseForeignError> {
        let damaged = |source| ParseForeignError::Csv { tool: ForeignTool::Locust, output, source };
        let mut reader = Reader::from_reader(text.as_bytes());
        let header = reader.headers().map_err(damaged)?.clone();
        let rows = reader.records().collect::<Result<_, _>>().map_err(damaged)?;
        Ok(Self { output, header, rows })
    }

    fn column(&self, column: &'static str) -> Result<usize, ParseForeignError> {
        let found = self.header.iter().position(|name| name == column);
        found.ok_or(ParseForeignError::Column { tool: ForeignTool::Locust, output: self.output, column })
    }

    fn number<T: std::str::FromStr>(
        &self,
        row: &StringRecord,
        index: usize,
        column: &'static str,
    ) -> Result<T, ParseForeignError> {
        row[index].parse().map_err(|_| not_a_number(&row[index], self.output, column))
    }

    /// Of all requests of the ten seconds before each second. Locust writes `N/A` or zeros when there were none.
    fn percentiles(&self, began_s: u64) -> Result<BTreeMap<u64, LatencySummary>, ParseForeignError> {
        let (timestamp, name) = (self.column("Timestamp")?, self.column("Name")?);
        let columns = ["50%", "90%", "95%", "99%", "99.9%", "100%"];
        let mut found = BTreeMap::new();
        for row in self.rows.iter().filter(|row| &row[name] == "Aggregated") {
            let second: u64 = self.number(row, timestamp, "Timestamp")?;
            let mut values = [0.0; 6];
            for (value, column) in values.iter_mut().zip(columns) {
                let index = self.column(column)?;
                *value = if &row[index] == "N/A" { 0.0 } else { self.number(row, index, column)? };
            }
            let [p50_ms, p90_ms, p95_ms, p99_ms, p999_ms, longest_ms] = values;
            if longest_ms > 0.0 {
                let summary = LatencySummary { p50_ms, p90_ms, p95_ms, p99_ms, p999_ms, longest_ms };
                found.insert(second.saturating_sub(began_s), summary);
            }
        }
        Ok(found)
    }
}

fn not_a_number(text: &str, output: &'static str, column: &'static str) -> ParseForeignError {
    let text = text.chars().take(80).collect();
    ParseForeignError::Number { tool: ForeignTool::Locust, output, column, text }
}
