//! The series as it is drawn: at most [`DRAWN_POINTS_MAX`] points, however long the run was.
//!
//! Intervals are drawn one by one while they fit, else in groups of equal length. A group never looks better than its worst
//! interval: percentiles, lag and requests under way are the highest of the group, failures the highest rate of an interval. The
//! rates of offered, answered and failed requests add up only as means, so they are means of the group, and the lowest rate of
//! answers in an interval is kept beside them.

use crate::measure::report::LatencySummary;
use crate::results::model::{Point, Series};

/// Most points of a plot.
pub(super) const DRAWN_POINTS_MAX: usize = 600;

/// A series that fits a plot.
#[derive(Debug)]
pub(super) struct Drawn {
    /// Intervals in each point.
    pub(super) intervals: usize,
    pub(super) points: Vec<DrawnPoint>,
}

/// One or more intervals.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct DrawnPoint {
    pub(super) from_s: f64,
    pub(super) to_s: f64,
    /// Means; absent when the length of an interval is not a length.
    pub(super) rates: Option<Rates>,
    /// The highest of each percentile.
    pub(super) latency: Option<LatencySummary>,
    /// The highest.
    pub(super) in_flight: Option<u64>,
    /// The highest.
    pub(super) lag_p99_ms: Option<f64>,
}

/// Requests per second.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Rates {
    pub(super) offered: f64,
    pub(super) answered: f64,
    pub(super) failed: f64,
    /// Of the interval with the fewest answers.
    pub(super) answered_lowest: f64,
    /// Of the interval with the most failures.
    pub(super) failed_highest: f64,
}

// === impl Drawn ===

impl Drawn {
    pub(super) fn of(series: &Series) -> Self {
        let intervals = series.points.len().div_ceil(DRAWN_POINTS_MAX).max(1);
        let points = series.points.chunks(intervals).filter_map(|group| thinned(group, series.interval_s));
        Self { intervals, points: points.collect() }
    }
}

fn thinned(group: &[Point], interval_s: f64) -> Option<DrawnPoint> {
    let (first, last) = (group.first()?, group.last()?);
    let length_s = if interval_s.is_finite() { interval_s.max(0.0) } else { 0.0 };
    Some(DrawnPoint {
        from_s: (first.at_s - length_s).max(0.0),
        to_s: last.at_s,
        rates: (length_s > 0.0).then(|| rates(group, length_s)),
        latency: group.iter().filter_map(|point| point.latency).reduce(highest),
        in_flight: group.iter().filter_map(|point| point.in_flight).max(),
        lag_p99_ms: group.iter().filter_map(|point| point.lag_p99_ms).reduce(f64::max),
    })
    .filter(|point| point.from_s.is_finite() && point.to_s.is_finite())
}

fn rates(group: &[Point], interval_s: f64) -> Rates {
    let mean = |of: fn(&Point) -> u64| {
        group.iter().map(|point| of(point) as f64).sum::<f64>() / (group.len() as f64 * interval_s)
    };
    let per_second = |requests: Option<u64>| requests.unwrap_or(0) as f64 / interval_s;
    Rates {
        offered: mean(|point| point.offered),
        answered: mean(|point| point.answered),
        failed: mean(|point| point.failed),
        answered_lowest: per_second(group.iter().map(|point| point.answered).min()),
        failed_highest: per_second(group.iter().map(|point| point.failed).max()),
    }
}

/// The higher of each percentile.
pub(super) fn highest(one: LatencySummary, other: LatencySummary) -> LatencySummary {
    LatencySummary {
        p50_ms: one.p50_ms.max(other.p50_ms),
        p90_ms: one.p90_ms.max(other.p90_ms),
        p95_ms: one.p95_ms.max(other.p95_ms),
        p99_ms: one.p99_ms.max(other.p99_ms),
        p999_ms: one.p999_ms.max(other.p999_ms),
        longest_ms: one.longest_ms.max(other.longest_ms),
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::{DRAWN_POINTS_MAX, Drawn};
    use crate::output::sample;
    use crate::results::model::{Point, Series};

    #[test]
    fn short_series_is_drawn_as_it_is() {
        let series = sample::results().series;
        let drawn = Drawn::of(&series);
        assert_eq!((drawn.intervals, drawn.points.len()), (1, series.points.len()));
        assert_eq!(drawn.points[11].latency, series.points[11].latency);
        assert_eq!((drawn.points[11].from_s, drawn.points[11].to_s), (11.0, 12.0));
    }

    #[test]
    fn one_bad_interval_survives_thinning() {
        let mut series = sample::long_results(100_000).series;
        let good = series.points[0];
        series.points.fill(good);
        series.points[54_321] =
            Point { answered: 0, failed: 200, in_flight: Some(777), lag_p99_ms: Some(55.0), ..good };
        let drawn = Drawn::of(&series);
        assert_eq!((drawn.intervals, drawn.points.len()), (167, 599));
        let bad = drawn.points[54_321 / 167];
        let rates = bad.rates.unwrap();
        assert_eq!((rates.answered_lowest, rates.failed_highest), (0.0, 200.0));
        assert_eq!((bad.in_flight, bad.lag_p99_ms), (Some(777), Some(55.0)));
    }

    #[test]
    fn series_without_length_has_no_rates() {
        let series = Series {
            interval_s: 0.0,
            points: vec![Point { at_s: f64::NAN, ..Point::default() }, Point::default()],
        };
        let drawn = Drawn::of(&series);
        assert_eq!(drawn.points.len(), 1);
        assert_eq!(drawn.points[0].rates, None);
    }

    proptest! {
        #[test]
        fn fits_and_loses_no_request(answered in prop::collection::vec(0_u64..1000, 0..3000)) {
            let points = answered.iter().enumerate();
            let points = points.map(|(at, answered)| Point { at_s: at as f64 + 1.0, answered: *answered, ..Point::default() });
            let drawn = Drawn::of(&Series { interval_s: 1.0, points: points.collect() });
            prop_assert!(drawn.points.len() <= DRAWN_POINTS_MAX);
            let sum: f64 = drawn.points.iter().map(|point| point.rates.unwrap().answered * (point.to_s - point.from_s)).sum();
            prop_assert!((sum - answered.iter().sum::<u64>() as f64).abs() < 0.01);
        }
    }
}
