//! What a run must hold to pass.
//!
//! Pure: limits, held against [`RunResults`] and against what was scraped from the target. What could not be measured did not
//! hold, because a limit that nobody looked at is worth nothing.

use std::collections::BTreeMap;
use std::fmt::Display;
use std::time::Duration;

use shield_types::settings::Ratio;

use crate::measure::histogram::Histogram;
use crate::measure::report::LatencySummary;
use crate::results::model::{RunResults, ThresholdResult, Totals};
use crate::results::prometheus::Exposition;

/// Every limit of a run, in the order in which they are told.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Thresholds {
    /// Held against the run's own results.
    pub limits: Vec<Limit>,
    /// Held against the target's own metrics.
    pub target: Vec<TargetLimit>,
}

/// A limit on the run's results.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Limit {
    /// A percentile of the time from the moment a request was due.
    Latency {
        /// Which.
        percentile: Percentile,
        /// Longest that passes.
        at_most: Duration,
    },
    /// A percentile of the time from the moment a request was begun.
    Service {
        /// Which.
        percentile: Percentile,
        /// Longest that passes.
        at_most: Duration,
    },
    /// The share of requests that failed, or were due and never sent, in all that were due.
    ErrorShare {
        /// Highest that passes.
        at_most: Ratio,
    },
    /// Requests answered per second, over the whole run.
    Rate {
        /// Lowest that passes.
        at_least: f64,
    },
    /// The share of passed checks in all that were made.
    CheckShare {
        /// Lowest that passes.
        at_least: Ratio,
    },
}

/// One figure of a [`LatencySummary`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[expect(missing_docs, reason = "a percentile's name says all")]
pub enum Percentile {
    P50,
    P90,
    P95,
    P99,
    P999,
    Longest,
}

/// A limit on a metric of the target.
#[derive(Clone, Debug, PartialEq)]
pub struct TargetLimit {
    /// Name of the samples.
    pub metric: String,
    /// Labels that they have; the samples that have them are summed up.
    pub labels: BTreeMap<String, String>,
    /// Which figure of the run is limited.
    pub at: Moment,
    /// Lowest that passes.
    pub at_least: Option<f64>,
    /// Highest that passes.
    pub at_most: Option<f64>,
}

/// What of a metric's course is looked at.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Moment {
    /// The highest value of all scrapes.
    Max,
    /// The value of the last scrape.
    End,
    /// How far a counter rose from the first scrape to the last. Where it fell, it was begun anew from nothing.
    Increase,
}

/// What the scrapes of a run said, in constant memory.
#[derive(Clone, Debug, PartialEq)]
pub struct TargetWatch {
    courses: Vec<Course>,
}

/// The times of a run's answers.
#[derive(Clone, Copy, Debug)]
pub struct Times<'a> {
    /// From the moment a request was due.
    pub latency: &'a Histogram,
    /// From the moment it was begun.
    pub service: &'a Histogram,
}

/// What a scrape said of one metric.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Reading {
    /// There was no page to read.
    Failed,
    /// The page has no such samples: nothing of the kind has happened yet, or it is called otherwise.
    Absent,
    Value(f64),
}

/// What the scrapes said of one limit.
#[derive(Clone, Debug, PartialEq)]
struct Course {
    limit: TargetLimit,
    /// What the counter was at the first scrape, or that nobody knows.
    first: Option<Reading>,
    /// Scrapes that did not tell.
    missed: u64,
    /// Scrapes that did.
    seen: u64,
    /// Of the last scrape that told.
    value: f64,
    /// Whether that was the last one of all.
    current: Option<f64>,
    max: f64,
    increase: f64,
}

// === impl Thresholds ===

impl Thresholds {
    /// Begins to watch the target's metrics.
    #[must_use]
    pub fn watch(&self) -> TargetWatch {
        TargetWatch { courses: self.target.iter().cloned().map(Course::new).collect() }
    }

    /// Holds every limit against a run; `target` is what [`Self::watch`] began.
    #[must_use]
    pub fn evaluate(&self, results: &RunResults, times: Times, target: &TargetWatch) -> Vec<ThresholdResult> {
        let own = self.limits.iter().map(|limit| limit.evaluate(results, times));
        own.chain(target.courses.iter().map(Course::evaluate)).collect()
    }
}

// === impl Limit ===

impl Limit {
    /// As it is called in the load file and in reports.
    #[must_use]
    pub fn name(&self) -> String {
        match self {
            Self::Latency { percentile, .. } => percentile.name().to_owned(),
            Self::Service { percentile, .. } => format!("service_{}", percentile.name()),
            Self::ErrorShare { .. } => "error_share".to_owned(),
            Self::Rate { .. } => "rate".to_owned(),
            Self::CheckShare { .. } => "check_share".to_owned(),
        }
    }

    fn evaluate(&self, results: &RunResults, times: Times) -> ThresholdResult {
        let totals = &results.totals;
        match self {
            Self::Latency { percentile, at_most } => {
                let of_answers = results.latency.as_ref().map(|summary| percentile.of(summary));
                self.latency(totals, of_answers, times.latency, (*percentile, *at_most))
            }
            Self::Service { percentile, at_most } => {
                let of_answers = results.service.as_ref().map(|summary| percentile.of(summary));
                self.latency(totals, of_answers, times.service, (*percentile, *at_most))
            }
            Self::ErrorShare { at_most } => {
                let measured = share(totals.failed + totals.unsent, totals.answered);
                self.told(format!("<= {at_most}"), measured, percent, |share| share <= at_most.as_f64())
            }
            Self::Rate { at_least } => {
                let rate = totals.answered as f64 / results.elapsed_s;
                let measured = (results.elapsed_s > 0.0).then_some(rate);
                let shown = |rate| format!("{rate:.1}/s");
                self.told(format!(">= {at_least}/s"), measured, shown, |rate| rate >= *at_least)
            }
            Self::CheckShare { at_least } => {
                let passed = results.checks.iter().map(|check| check.passed).sum();
                let failed = results.checks.iter().map(|check| check.failed).sum();
                let measured = share(passed, failed);
                self.told(format!(">= {at_least}"), measured, percent, |share| share >= at_least.as_f64())
            }
        }
    }

    /// Requests without an answer are longer than any latency: the percentile is that of all that were due.
    fn latency(
        &self,
        totals: &Totals,
        of_answers: Option<f64>,
        times: &Histogram,
        (percentile, at_most): (Percentile, Duration),
    ) -> ThresholdResult {
        let at_most_ms = at_most.as_secs_f64() * 1000.0;
        let limit = format!("<= {at_most_ms} ms");
        let unanswered = totals.failed + totals.unsent;
        let rank = (percentile.share() * (totals.answered + unanswered) as f64 - ROUNDING).ceil().max(1.0);
        if unanswered > 0 && rank > totals.answered as f64 {
            let share = percent(share(unanswered, totals.answered).unwrap_or(1.0));
            let measured = format!("no answer to {share} of the requests");
            return ThresholdResult { name: self.name(), limit, measured, held: false };
        }
        let measured = match unanswered {
            0 => of_answers,
            _ => {
                times.quantile((rank - 0.5) / totals.answered as f64).map(|time| time.as_secs_f64() * 1000.0)
            }
        };
        let shown = |latency_ms| format!("{latency_ms:.3} ms");
        self.told(limit, measured, shown, |latency_ms| latency_ms <= at_most_ms)
    }

    fn told(
        &self,
        limit: String,
        measured: Option<f64>,
        shown: impl FnOnce(f64) -> String,
        holds: impl FnOnce(f64) -> bool,
    ) -> ThresholdResult {
        ThresholdResult {
            name: self.name(),
            limit,
            measured: measured.map_or_else(|| NOT_MEASURED.to_owned(), shown),
            held: measured.is_some_and(holds),
        }
    }
}

/// A rank that is off by so little is the one before: 0.99 of 1,000 is the 990th.
const ROUNDING: f64 = 1e-6;
const NOT_MEASURED: &str = "not measured";

/// The share of `part` in both; none of nothing.
fn share(part: u64, rest: u64) -> Option<f64> {
    let whole = part + rest;
    (whole > 0).then(|| part as f64 / whole as f64)
}

fn percent(share: f64) -> String {
    format!("{:.4}%", share * 100.0)
}

// === impl Percentile ===

impl Percentile {
    /// Every one.
    pub const ALL: [Self; 6] = [Self::P50, Self::P90, Self::P95, Self::P99, Self::P999, Self::Longest];

    /// The share of requests that it does not leave over.
    fn share(self) -> f64 {
        match self {
            Self::P50 => 0.5,
            Self::P90 => 0.9,
            Self::P95 => 0.95,
            Self::P99 => 0.99,
            Self::P999 => 0.999,
            Self::Longest => 1.0,
        }
    }

    /// For people.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::P50 => "p50",
            Self::P90 => "p90",
            Self::P95 => "p95",
            Self::P99 => "p99",
            Self::P999 => "p999",
            Self::Longest => "longest",
        }
    }

    /// Its value, in milliseconds.
    #[must_use]
    pub fn of(self, summary: &LatencySummary) -> f64 {
        match self {
            Self::P50 => summary.p50_ms,
            Self::P90 => summary.p90_ms,
            Self::P95 => summary.p95_ms,
            Self::P99 => summary.p99_ms,
            Self::P999 => summary.p999_ms,
            Self::Longest => summary.longest_ms,
        }
    }
}

// === impl TargetLimit ===

impl TargetLimit {
    fn name(&self) -> String {
        let labels: Vec<String> =
            self.labels.iter().map(|(name, value)| format!("{name}={value:?}")).collect();
        let labels = if labels.is_empty() { String::new() } else { format!("{{{}}}", labels.join(",")) };
        let at = match self.at {
            Moment::Max => "max",
            Moment::End => "end",
            Moment::Increase => "increase",
        };
        format!("target:{}{labels} {at}", self.metric)
    }

    fn limit(&self) -> String {
        let side = |sign: &str, limit: Option<f64>| limit.map(|limit| format!("{sign} {limit}"));
        let sides = [side(">=", self.at_least), side("<=", self.at_most)];
        sides.into_iter().flatten().collect::<Vec<_>>().join(", ")
    }

    /// Nothing compares with NaN, so that it never holds.
    fn holds(&self, value: f64) -> bool {
        let above = self.at_least.is_none_or(|at_least| value >= at_least);
        above && self.at_most.is_none_or(|at_most| value <= at_most) && !value.is_nan()
    }
}

// === impl TargetWatch ===

impl TargetWatch {
    /// Takes in a scrape.
    pub fn scraped(&mut self, exposition: &Exposition) {
        for course in &mut self.courses {
            let value = exposition.sum(&course.limit.metric, &course.limit.labels);
            course.step(value.map_or(Reading::Absent, Reading::Value));
        }
    }

    /// A scrape failed: what the metrics were meanwhile, nobody knows.
    pub fn missed(&mut self) {
        self.courses.iter_mut().for_each(|course| course.step(Reading::Failed));
    }
}

// === impl Course ===

impl Course {
    fn new(limit: TargetLimit) -> Self {
        Self {
            limit,
            first: None,
            missed: 0,
            seen: 0,
            value: 0.0,
            current: None,
            max: f64::NEG_INFINITY,
            increase: 0.0,
        }
    }

    fn step(&mut self, reading: Reading) {
        let reading = match reading {
            Reading::Value(value) if value.is_nan() => Reading::Failed,
            reading => reading,
        };
        let first = *self.first.get_or_insert(reading);
        let Reading::Value(value) = reading else {
            self.current = None;
            self.missed += 1;
            return;
        };
        // A series that its page did not have yet begins at nothing.
        if self.seen > 0 || first == Reading::Absent {
            self.increase += if value >= self.value { value - self.value } else { value };
        }
        self.seen += 1;
        self.value = value;
        self.current = Some(value);
        self.max = self.max.max(value);
    }

    fn evaluate(&self) -> ThresholdResult {
        let measured = match self.limit.at {
            Moment::Max => (self.seen > 0).then_some(self.max),
            Moment::End => self.current,
            // What it rose by before the first scrape that told, or after the last one, is missing from it.
            Moment::Increase => self.increase(),
        };
        ThresholdResult {
            name: self.limit.name(),
            limit: self.limit.limit(),
            measured: measured.map_or_else(|| NOT_MEASURED.to_owned(), |value| self.shown(value)),
            held: measured.is_some_and(|value| self.limit.holds(value)),
        }
    }

    fn increase(&self) -> Option<f64> {
        let known = match self.first? {
            Reading::Failed => false,
            Reading::Absent => true,
            Reading::Value(_) => self.seen > 1,
        };
        self.current.filter(|_| known).map(|_| self.increase)
    }

    fn shown(&self, value: impl Display) -> String {
        match self.missed {
            0 => value.to_string(),
            missed => format!("{value} ({missed} of {} scrapes did not tell)", missed + self.seen),
        }
    }
}

#[cfg(test)]
mod tests;
