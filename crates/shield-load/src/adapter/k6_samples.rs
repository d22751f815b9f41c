//! The samples of k6 as they come: what its summary does not hold, in constant memory for each second.
//!
//! k6 writes every sample of every metric as a line of CSV (`--out csv=…`), into a pipe and not into a file: a file would
//! grow by about a kilobyte per request. Kept are counters, one histogram for each step (64 at most) and for each of the
//! last seconds, and one point for each second that is over.

use std::collections::BTreeMap;
use std::io::Read;
use std::time::Duration;

use csv::{Reader, StringRecord};

use super::context::ParseForeignError;
use super::k6_line::{Columns, Sample, damaged, not_a_number, number};
use crate::measure::failure::FailureGroups;
use crate::measure::histogram::Histogram;
use crate::measure::report::LatencySummary;
use crate::results::model::{Point, StepResults};

/// Steps that are told apart; a script whose URLs are all different has one for each URL.
const STEPS_MAX: usize = 64;
/// Where the others are counted.
const OTHER_STEPS: &str = "(others)";
/// Seconds whose answers are still expected: k6 hands samples over once a second, nearly in order.
const OPEN_SECONDS: usize = 5;
/// The longest run; a later timestamp is a damaged one.
const SECONDS_MAX: u64 = 31 * 24 * 3_600;

/// What the samples of a run say.
#[derive(Debug, Default)]
pub struct K6Samples {
    /// Requests.
    pub(crate) requests: u64,
    /// Requests that opened a connection and were answered; k6 says it of no others.
    pub(crate) connections: u64,
    /// How often each status was seen.
    pub(crate) statuses: BTreeMap<u16, u64>,
    /// Failed requests by kind.
    pub(crate) failed_by_kind: BTreeMap<String, u64>,
    /// The first of each cause.
    pub(crate) failures: FailureGroups,
    /// Milliseconds since the epoch of the first sample.
    pub(crate) first_ms: Option<u64>,
    /// Steps were left out of the list.
    pub(crate) steps_left_out: bool,
    /// Answers that came too late for the percentiles of their second.
    pub(crate) late: u64,
    steps: BTreeMap<(String, String), StepCount>,
    seconds: BTreeMap<u64, Second>,
}

#[derive(Debug, Default)]
struct StepCount {
    answered: u64,
    failed: u64,
    durations: Histogram,
}

#[derive(Debug, Default)]
struct Second {
    answered: u64,
    failed: u64,
    dropped: u64,
    durations: Durations,
}

#[derive(Debug)]
enum Durations {
    Open(Box<Histogram>),
    Over(Option<LatencySummary>),
}

// === impl K6Samples ===

impl K6Samples {
    /// Reads samples to their end. Times are to be in milliseconds (`K6_CSV_TIME_FORMAT=unix_milli`).
    pub fn read(samples: impl Read) -> Result<Self, ParseForeignError> {
        let mut reader = Reader::from_reader(samples);
        let columns = Columns::find(reader.headers().map_err(damaged)?)?;
        let mut read = Self::default();
        let mut record = StringRecord::new();
        while reader.read_record(&mut record).map_err(damaged)? {
            read.count(&record, &columns)?;
        }
        Ok(read)
    }

    fn count(&mut self, record: &StringRecord, columns: &Columns) -> Result<(), ParseForeignError> {
        let metric = record.get(columns.metric).unwrap_or_default();
        if !matches!(metric, "http_reqs" | "http_req_duration" | "http_req_connecting" | "dropped_iterations")
        {
            return Ok(());
        }
        let timestamp_ms: u64 = number(record, columns.timestamp, "timestamp")?;
        let value: f64 = number(record, columns.value, "metric_value")?;
        let first_ms = *self.first_ms.get_or_insert(timestamp_ms);
        let second = timestamp_ms.saturating_sub(first_ms) / 1_000;
        if second > SECONDS_MAX {
            return Err(not_a_number(record, columns.timestamp, "timestamp"));
        }
        let sample = Sample { record, columns, second };
        match metric {
            "http_reqs" => self.count_request(&sample),
            "http_req_duration" if sample.expected() => self.count_duration(&sample, value),
            "http_req_connecting" => self.connections += u64::from(value > 0.0),
            "dropped_iterations" => self.second(second).dropped += value as u64,
            _ => {}
        }
        Ok(())
    }

    fn count_request(&mut self, sample: &Sample<'_>) {
        let answered = u64::from(sample.expected());
        let failed = 1 - answered;
        self.requests += 1;
        let second = self.second(sample.second);
        second.answered += answered;
        second.failed += failed;
        let step = self.step(sample);
        step.answered += answered;
        step.failed += failed;
        if let Some(status) = sample.status() {
            *self.statuses.entry(status).or_default() += 1;
        }
        if failed > 0 {
            *self.failed_by_kind.entry(sample.failure_kind()).or_default() += 1;
            let cause = sample.failure_cause();
            self.failures.add(&cause, || format!("{:>5} s  {cause}", sample.second));
        }
    }

    fn count_duration(&mut self, sample: &Sample<'_>, value_ms: f64) {
        let duration = Duration::from_secs_f64((value_ms / 1_000.0).clamp(0.0, 1e6));
        self.step(sample).durations.record(duration);
        match &mut self.second(sample.second).durations {
            Durations::Open(durations) => durations.record(duration),
            Durations::Over(_) => self.late += 1,
        }
    }

    fn step(&mut self, sample: &Sample<'_>) -> &mut StepCount {
        let mut key = sample.step();
        if self.steps.len() >= STEPS_MAX && !self.steps.contains_key(&key) {
            self.steps_left_out = true;
            key = (String::new(), OTHER_STEPS.to_owned());
        }
        self.steps.entry(key).or_default()
    }

    /// The second, and an end to those long before it.
    fn second(&mut self, second: u64) -> &mut Second {
        let known = self.seconds.len();
        self.seconds.entry(second).or_default();
        if self.seconds.len() > known {
            for earlier in self.seconds.values_mut().rev().skip(OPEN_SECONDS) {
                if !earlier.durations.close() {
                    break;
                }
            }
        }
        self.seconds.entry(second).or_default()
    }

    /// One for each second, also those in which nothing happened.
    pub(crate) fn points(&self) -> Vec<Point> {
        let last = self.seconds.last_key_value().map(|(second, _)| *second);
        let seconds = last.map(|last| 0..=last).into_iter().flatten();
        let point = |second: u64| {
            let at_s = (second + 1) as f64;
            let Some(counts) = self.seconds.get(&second) else {
                return Point { at_s, ..Point::default() };
            };
            let offered = counts.answered + counts.failed + counts.dropped;
            let (answered, failed) = (counts.answered, counts.failed);
            Point { at_s, offered, answered, failed, latency: counts.durations.summary(), ..Point::default() }
        };
        seconds.map(point).collect()
    }

    pub(crate) fn steps(&self) -> Vec<StepResults> {
        let step = |((scenario, name), count): (&(String, String), &StepCount)| StepResults {
            scenario: scenario.clone(),
            name: name.clone(),
            answered: count.answered,
            failed: count.failed,
            latency: LatencySummary::of(&count.durations),
        };
        self.steps.iter().map(step).collect()
    }
}

// === impl Durations ===

impl Default for Durations {
    fn default() -> Self {
        Self::Open(Box::default())
    }
}

impl Durations {
    fn summary(&self) -> Option<LatencySummary> {
        match self {
            Self::Open(durations) => LatencySummary::of(durations),
            Self::Over(summary) => *summary,
        }
    }

    /// False when it was closed before.
    fn close(&mut self) -> bool {
        let open = matches!(self, Self::Open(_));
        *self = Self::Over(self.summary());
        open
    }
}

#[cfg(test)]
mod tests {
    use super::{K6Samples, OPEN_SECONDS, OTHER_STEPS, STEPS_MAX};

    const HEADER: &str = "metric_name,timestamp,metric_value,name,expected_response\n";

    fn read(lines: impl IntoIterator<Item = String>) -> K6Samples {
        let text: String = std::iter::once(HEADER.to_owned()).chain(lines).collect();
        K6Samples::read(text.as_bytes()).unwrap()
    }

    #[test]
    fn steps_beyond_the_limit_are_counted_together() {
        let samples = read((0..100).map(|url| format!("http_reqs,1000,1,/{url},true\n")));
        let steps = samples.steps();
        assert_eq!(steps.len(), STEPS_MAX + 1);
        let others = steps.iter().find(|step| step.name == OTHER_STEPS).unwrap();
        assert!(samples.steps_left_out && others.answered == 100 - STEPS_MAX as u64);
    }

    #[test]
    fn seconds_are_summed_up_when_they_are_over() {
        let second = |second: u64| format!("http_req_duration,{},7,/,true\n", 1_000 * second);
        let samples = read((0..60).map(second).chain([second(1)]));
        let open =
            samples.seconds.values().filter(|second| matches!(second.durations, super::Durations::Open(_)));
        assert_eq!((open.count(), samples.late), (OPEN_SECONDS, 1));
        let points = samples.points();
        assert!(
            points.len() == 60 && points.iter().all(|point| point.latency.unwrap().p50_ms == 7.0),
            "{points:?}"
        );
    }

    #[test]
    fn silent_seconds_have_points() {
        let samples = read([0, 3].map(|second| format!("http_reqs,{},1,/,true\n", 1_000 * second)));
        let answered: Vec<_> = samples.points().iter().map(|point| point.answered).collect();
        assert_eq!(answered, [1, 0, 0, 1]);
    }
}
