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
mod tests {
    use std::time::Duration;

    use shield_types::Timestamp;

    use super::{Limit, Moment, Percentile, TargetLimit, Thresholds, Times};
    use crate::measure::histogram::Histogram;
    use crate::measure::report::LatencySummary;
    use crate::results::model::{
        CheckResults, RESULTS_FORMAT, RunResults, Series, ThresholdResult, Totals, Verdict,
    };
    use crate::results::prometheus::Exposition;

    fn results() -> RunResults {
        let latency = |p99_ms| LatencySummary {
            p50_ms: 1.0,
            p90_ms: 2.0,
            p95_ms: 3.0,
            p99_ms,
            p999_ms: 900.0,
            longest_ms: 1_000.5,
        };
        let check = |passed, failed| CheckResults { step: "s".into(), name: "c".into(), passed, failed };
        RunResults {
            format: RESULTS_FORMAT,
            tool: "shield".into(),
            name: "n".into(),
            target: "http://localhost".into(),
            model: "open".into(),
            seed: Some(1),
            started_at: Timestamp(0),
            elapsed_s: 10.0,
            verdict: Verdict::Passed,
            reasons: Vec::new(),
            warnings: Vec::new(),
            totals: Totals { offered: 1_100, answered: 990, failed: 10, unsent: 100, ..Totals::default() },
            failed_by_kind: Default::default(),
            statuses: Default::default(),
            latency: Some(latency(500.0)),
            service: Some(latency(4.0)),
            lag: None,
            steps: Vec::new(),
            checks: vec![check(95, 5), check(100, 0)],
            series: Series::default(),
            faults: Vec::new(),
            thresholds: Vec::new(),
            audit: None,
            reconciled: None,
            failures: Vec::new(),
        }
    }

    fn evaluate(limit: Limit, results: &RunResults) -> ThresholdResult {
        let mut answers = Histogram::default();
        (0..results.totals.answered).for_each(|_| answers.record(Duration::from_millis(1)));
        judged(limit, results, &answers)
    }

    fn judged(limit: Limit, results: &RunResults, answers: &Histogram) -> ThresholdResult {
        let thresholds = Thresholds { limits: vec![limit], target: Vec::new() };
        let times = Times { latency: answers, service: answers };
        thresholds.evaluate(results, times, &thresholds.watch()).remove(0)
    }

    const fn ratio(percent: u32) -> shield_types::settings::Ratio {
        shield_types::settings::Ratio::from_millionths(percent * 10_000)
    }

    #[test]
    fn limits_hold_at_their_value_and_not_beyond() {
        let told = |limit| {
            let failed = if matches!(limit, Limit::ErrorShare { .. }) { 10 } else { 0 };
            let all_sent = Totals { answered: 990, offered: 990 + failed, failed, ..Totals::default() };
            let results = RunResults { totals: all_sent, ..results() };
            let ThresholdResult { name, limit, measured, held } = evaluate(limit, &results);
            format!("{name} {limit}: {measured}, {held}")
        };
        let (percentile, at_most) = (Percentile::P99, Duration::from_millis(500));
        assert_eq!(told(Limit::Latency { percentile, at_most }), "p99 <= 500 ms: 500.000 ms, true");
        let at_most = Duration::from_micros(499_999);
        assert_eq!(told(Limit::Latency { percentile, at_most }), "p99 <= 499.999 ms: 500.000 ms, false");
        let at_most = Duration::from_millis(4);
        assert_eq!(told(Limit::Service { percentile, at_most }), "service_p99 <= 4 ms: 4.000 ms, true");
        assert_eq!(told(Limit::ErrorShare { at_most: ratio(1) }), "error_share <= 1%: 1.0000%, true");
        assert_eq!(told(Limit::ErrorShare { at_most: ratio(0) }), "error_share <= 0%: 1.0000%, false");
        assert_eq!(told(Limit::Rate { at_least: 99.0 }), "rate >= 99/s: 99.0/s, true");
        assert_eq!(told(Limit::Rate { at_least: 99.01 }), "rate >= 99.01/s: 99.0/s, false");
        assert_eq!(told(Limit::CheckShare { at_least: ratio(97) }), "check_share >= 97%: 97.5000%, true");
        assert_eq!(told(Limit::CheckShare { at_least: ratio(98) }), "check_share >= 98%: 97.5000%, false");
    }

    #[test]
    fn latency_limits_count_what_was_not_answered() {
        // A tenth of the requests has no answer.
        let at_most = Duration::from_secs(600);
        let told = |percentile| evaluate(Limit::Latency { percentile, at_most }, &results());
        assert!(told(Percentile::P90).held && !told(Percentile::P95).held);
        assert_eq!(told(Percentile::P99).measured, "no answer to 10.0000% of the requests");
    }

    #[test]
    fn percentiles_are_of_all_that_were_due() {
        let totals = Totals { offered: 1_000, answered: 991, failed: 9, ..Totals::default() };
        let results = RunResults { totals, ..results() };
        let mut answers = Histogram::default();
        (0..982).for_each(|_| answers.record(Duration::from_millis(1)));
        (0..9).for_each(|_| answers.record(Duration::from_millis(400)));
        let told = |percentile, at_most_ms| {
            let limit = Limit::Latency { percentile, at_most: Duration::from_millis(at_most_ms) };
            judged(limit, &results, &answers)
        };
        // Of a thousand, 18 took 400 ms or for ever; of the answers, one in a hundred was quicker than that.
        assert!(!told(Percentile::P99, 100).held, "{:?}", told(Percentile::P99, 100));
        assert!(told(Percentile::P99, 401).held && told(Percentile::P95, 2).held);
        assert!(!told(Percentile::P999, 600_000).held && !told(Percentile::Longest, 600_000).held);
    }

    #[test]
    fn requests_that_were_never_sent_are_errors() {
        let totals = Totals { offered: 1_000, answered: 900, failed: 0, unsent: 100, ..Totals::default() };
        let told = evaluate(Limit::ErrorShare { at_most: ratio(1) }, &RunResults { totals, ..results() });
        assert!(!told.held && told.measured == "10.0000%", "{told:?}");
    }

    #[test]
    fn a_counter_that_appears_began_at_nothing() {
        let limit = |at_most| TargetLimit {
            metric: "m".into(),
            labels: [].into(),
            at: Moment::Increase,
            at_least: None,
            at_most: Some(at_most),
        };
        let told = |pages: &[Option<&str>]| {
            let thresholds = Thresholds { limits: Vec::new(), target: vec![limit(5.0)] };
            let mut watch = thresholds.watch();
            for page in pages {
                match page {
                    Some(page) => watch.scraped(&Exposition::parse(page).unwrap()),
                    None => watch.missed(),
                }
            }
            let none = Histogram::default();
            let times = Times { latency: &none, service: &none };
            let result = thresholds.evaluate(&results(), times, &watch).remove(0);
            (result.measured, result.held)
        };
        let appeared = told(&[Some("other 1\n"), Some("m 46\n"), Some("m 48\n")]);
        assert_eq!(appeared, ("48 (1 of 3 scrapes did not tell)".to_owned(), false));
        // What it was before the first page, nobody knows; and a name that never appears is nobody's.
        for pages in [&[None, Some("m 46\n"), Some("m 48\n")][..], &[Some("other 1\n"), Some("other 1\n")]] {
            assert_eq!(told(pages), ("not measured".to_owned(), false), "{pages:?}");
        }
    }

    #[test]
    fn every_percentile_has_its_figure() {
        let summary = results().latency.unwrap();
        let figures = Percentile::ALL.map(|percentile| percentile.of(&summary));
        assert_eq!(figures, [1.0, 2.0, 3.0, 500.0, 900.0, 1_000.5]);
    }

    #[test]
    fn nothing_measured_does_not_hold() {
        let empty = RunResults {
            elapsed_s: 0.0,
            totals: Totals::default(),
            latency: None,
            service: None,
            checks: Vec::new(),
            ..results()
        };
        let (percentile, at_most) = (Percentile::P50, Duration::from_secs(600));
        for limit in [
            Limit::Latency { percentile, at_most },
            Limit::Service { percentile, at_most },
            Limit::ErrorShare { at_most: ratio(100) },
            Limit::Rate { at_least: 0.0 },
            Limit::CheckShare { at_least: ratio(0) },
        ] {
            let result = evaluate(limit, &empty);
            assert!(!result.held && result.measured == "not measured", "{result:?}");
        }
    }

    /// What is told of `limit` on `m` after these scrapes; a scrape without a value failed.
    fn watched(at: Moment, at_most: f64, scrapes: &[Option<f64>]) -> (String, bool) {
        let limit =
            TargetLimit { metric: "m".into(), labels: [].into(), at, at_least: None, at_most: Some(at_most) };
        let thresholds = Thresholds { limits: Vec::new(), target: vec![limit] };
        let mut watch = thresholds.watch();
        for scrape in scrapes {
            match scrape {
                Some(value) => watch.scraped(&Exposition::parse(&format!("m {value}\nother 1\n")).unwrap()),
                None => watch.missed(),
            }
        }
        let none = Histogram::default();
        let times = Times { latency: &none, service: &none };
        let result = thresholds.evaluate(&results(), times, &watch).remove(0);
        (result.measured, result.held)
    }

    #[test]
    fn target_metrics_are_followed() {
        let course = [Some(5.0), Some(9.0), Some(2.0), Some(3.0)];
        assert_eq!(watched(Moment::Max, 9.0, &course), ("9".to_owned(), true));
        assert_eq!(watched(Moment::Max, 8.9, &course), ("9".to_owned(), false));
        assert_eq!(watched(Moment::End, 3.0, &course), ("3".to_owned(), true));
        // From 5 to 9, a new beginning that reached 2, and on to 3.
        assert_eq!(watched(Moment::Increase, 7.0, &course), ("7".to_owned(), true));
    }

    #[test]
    fn missed_scrapes_are_told() {
        let (measured, held) = watched(Moment::Max, 9.0, &[Some(5.0), None, Some(f64::NAN)]);
        assert!(held && measured == "5 (2 of 3 scrapes did not tell)", "{measured}");
        for (at, scrapes) in [
            (Moment::Max, &[][..]),
            (Moment::Max, &[None, Some(f64::NAN)]),
            (Moment::End, &[Some(1.0), None]),
            (Moment::Increase, &[Some(1.0)]),
            (Moment::Increase, &[Some(1.0), Some(2.0), None]),
        ] {
            assert_eq!(watched(at, 9.0, scrapes), ("not measured".to_owned(), false), "{scrapes:?}");
        }
    }

    #[test]
    fn target_limits_name_what_they_limit() {
        let limit = TargetLimit {
            metric: "m".into(),
            labels: [("route".to_owned(), "/x".to_owned())].into(),
            at: Moment::End,
            at_least: Some(1.0),
            at_most: Some(2.5),
        };
        let thresholds = Thresholds { limits: Vec::new(), target: vec![limit] };
        let mut watch = thresholds.watch();
        watch.scraped(&Exposition::parse("m{route=\"/x\",code=\"1\"} 1\nm{route=\"/x\"} 1\nm 7\n").unwrap());
        let none = Histogram::default();
        let times = Times { latency: &none, service: &none };
        let result = thresholds.evaluate(&results(), times, &watch).remove(0);
        assert_eq!(result.name, "target:m{route=\"/x\"} end");
        assert_eq!(
            (result.limit.as_str(), result.measured.as_str(), result.held),
            (">= 1, <= 2.5", "2", true)
        );
    }
}
