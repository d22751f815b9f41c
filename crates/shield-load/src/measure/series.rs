//! A run over time: what happened in each interval, from counters that only ever grow.

use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::measure::counters::LoadCounters;
use crate::measure::histogram::Histogram;
use crate::measure::report::LatencySummary;
use crate::results::model::{Point, Series};

/// Length of an interval, at first.
pub(crate) const INTERVAL: Duration = Duration::from_secs(1);
/// Most points; then neighbours are merged and intervals are twice as long.
const POINTS_MAX: usize = 3_600;

/// Most that another process is believed to have counted: sums of it stay far from the end of their type.
pub(crate) const COUNT_MAX: u64 = 1 << 48;
/// Longest run that it is believed.
pub(crate) const TIME_MAX: Duration = Duration::from_secs(1 << 30);

/// Everything counted up to a moment.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub struct Snapshot {
    /// From the start of the run.
    pub at: Duration,
    /// Requests that became due.
    pub offered: u64,
    /// All counters.
    pub counters: LoadCounters,
    /// From the moment a request was due.
    pub latency: Histogram,
    /// See [`crate::LoadReport::lag`].
    pub lag: Histogram,
}

/// Turns samples into points.
#[derive(Debug)]
pub(crate) struct Sampler {
    series: Series,
    last: Snapshot,
    /// Intervals that one point of the series stands for.
    stride: usize,
    /// Intervals in the last point.
    in_last: usize,
}

// === impl Sampler ===

impl Sampler {
    pub(crate) fn new() -> Self {
        let series = Series { interval_s: INTERVAL.as_secs_f64(), points: Vec::new() };
        Self { series, last: Snapshot::default(), stride: 1, in_last: 1 }
    }

    pub(crate) fn series(&self) -> &Series {
        &self.series
    }

    /// When the interval under way ends, from the start of the run.
    pub(crate) fn next_at(&self) -> Duration {
        self.last.at + INTERVAL
    }

    /// Ends an interval, and gives it; the series may hold it together with its neighbours.
    pub(crate) fn push(&mut self, sample: Snapshot) -> Point {
        let point = self.last.point_until(&sample);
        self.last = sample;
        self.keep(point);
        point
    }

    /// Ends the last interval. A fragment of one belongs to the interval before: alone it would look like a dip of the rate.
    pub(crate) fn finish(&mut self, sample: Snapshot) {
        let fragment = sample.at.saturating_sub(self.last.at) < INTERVAL / 2;
        if fragment && let Some(last) = self.series.points.last_mut() {
            *last = merged(&[*last, self.last.point_until(&sample)]);
            self.last = sample;
        } else {
            self.push(sample);
        }
    }

    fn keep(&mut self, point: Point) {
        match self.series.points.last_mut() {
            Some(last) if self.in_last < self.stride => {
                *last = merged(&[*last, point]);
                self.in_last += 1;
            }
            _ => {
                self.series.points.push(point);
                self.in_last = 1;
            }
        }
        if self.series.points.len() >= POINTS_MAX && self.in_last == self.stride {
            self.series.points = self.series.points.chunks(2).map(merged).collect();
            self.series.interval_s *= 2.0;
            self.stride *= 2;
            self.in_last = self.stride;
        }
    }
}

// === impl Snapshot ===

impl Snapshot {
    /// Adds what another generator counted up to about the same moment.
    pub(crate) fn merge(&mut self, other: &Self) {
        self.at = self.at.max(other.at);
        self.offered += other.offered;
        self.counters.merge(&other.counters);
        self.latency.merge(&other.latency);
        self.lag.merge(&other.lag);
    }

    /// Whether another process can have counted this after `earlier`, so that differences and sums make sense.
    pub(crate) fn follows(&self, earlier: &Self) -> bool {
        let counts = |snapshot: &Self| {
            let LoadCounters {
                begun,
                follow_ups,
                sent,
                answered,
                failed,
                abandoned,
                in_flight,
                connections,
                iterations,
            } = snapshot.counters;
            let growing =
                [snapshot.offered, begun, follow_ups, answered, failed, abandoned, connections, iterations];
            // A request that was to be sent and could not be is taken back.
            (growing, [sent, in_flight])
        };
        let ((before, _), (now, passing)) = (counts(earlier), counts(self));
        now.iter().zip(before).all(|(now, before)| *now >= before)
            && now.iter().chain(&passing).all(|count| *count <= COUNT_MAX)
            && self.at >= earlier.at
            && self.at <= TIME_MAX
            && self.latency.follows(&earlier.latency)
            && self.lag.follows(&earlier.lag)
    }

    fn point_until(&self, later: &Self) -> Point {
        let lag = later.lag.since(&self.lag);
        Point {
            at_s: later.at.as_secs_f64(),
            offered: later.offered - self.offered,
            answered: later.counters.answered - self.counters.answered,
            failed: later.counters.failed - self.counters.failed,
            in_flight: Some(later.counters.in_flight),
            latency: LatencySummary::of(&later.latency.since(&self.latency)),
            lag_p99_ms: lag.quantile(0.99).map(|lag| lag.as_secs_f64() * 1000.0),
        }
    }
}

/// Neighbours as one: counts added, and the worse of two latencies, so that a stall never fades.
fn merged(points: &[Point]) -> Point {
    let later = |later: f64, earlier: f64| later.max(earlier);
    points[1..].iter().fold(points[0], |first, second| Point {
        at_s: second.at_s,
        offered: first.offered + second.offered,
        answered: first.answered + second.answered,
        failed: first.failed + second.failed,
        in_flight: first.in_flight.max(second.in_flight),
        latency: match (first.latency, second.latency) {
            (Some(first), Some(second)) => Some(first.worse(&second)),
            (first, second) => first.or(second),
        },
        lag_p99_ms: match (first.lag_p99_ms, second.lag_p99_ms) {
            (Some(first), Some(second)) => Some(later(first, second)),
            (first, second) => first.or(second),
        },
    })
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::{POINTS_MAX, Sampler, Snapshot};
    use crate::measure::counters::LoadCounters;

    /// `seconds` of ten answers a second, one of them slow in every tenth second.
    fn sampled(seconds: u64) -> Sampler {
        let mut sampler = Sampler::new();
        let mut sample = Snapshot::default();
        for second in 1..=seconds {
            sample.at = Duration::from_secs(second);
            sample.offered += 10;
            sample.counters = LoadCounters { answered: sample.offered, ..LoadCounters::default() };
            (0..9).for_each(|_| sample.latency.record(Duration::from_millis(1)));
            sample.latency.record(Duration::from_millis(if second % 10 == 0 { 900 } else { 1 }));
            let point = sampler.push(sample.clone());
            assert_eq!(point.answered, 10);
        }
        sampler
    }

    #[test]
    fn points_are_differences() {
        let sampler = sampled(20);
        let points = &sampler.series().points;
        assert_eq!(points.iter().map(|point| point.answered).collect::<Vec<_>>(), [10; 20]);
        let slow = |index: usize| points[index].latency.unwrap().longest_ms > 800.0;
        assert_eq!([9, 10, 19].map(slow), [true, false, true]);
    }

    #[test]
    fn long_runs_are_thinned_without_loss() {
        let sampler = sampled(POINTS_MAX as u64 + 10);
        let series = sampler.series();
        assert!(series.points.len() < POINTS_MAX && series.interval_s == 2.0);
        let answered: u64 = series.points.iter().map(|point| point.answered).sum();
        assert_eq!(answered, (POINTS_MAX as u64 + 10) * 10);
        let slow = series.points.iter().filter(|point| point.latency.unwrap().longest_ms > 800.0).count();
        assert_eq!(slow, POINTS_MAX / 10 + 1);
    }
}
