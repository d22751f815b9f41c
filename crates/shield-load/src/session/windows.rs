//! Faults on the clock of the load: what clients saw while each lasted, and how long until all was as before.

use crate::fault::runner::event::FaultEvent;
use crate::measure::report::LatencySummary;
use crate::measure::series::Snapshot;
use crate::results::model::{FaultWindow, Point};

/// An interval is as good as before when its 99th percentile is at most this factor and this time above the worst one before.
const AS_BEFORE_FACTOR: f64 = 1.25;
const AS_BEFORE_MS: f64 = 1.0;

/// What was counted when a fault began and when it ended.
#[derive(Clone, Debug, Default)]
pub(crate) struct Borders {
    began: Option<Snapshot>,
    undone: Option<Snapshot>,
}

/// Follows the faults of a run.
#[derive(Debug, Default)]
pub(crate) struct WindowWatch {
    borders: Vec<Borders>,
}

/// What intervals were like before anything was broken.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct SteadyState {
    /// Highest 99th percentile of an interval.
    worst_ms: f64,
    /// Highest share of failed requests.
    failed_share: f64,
}

// === impl WindowWatch ===

impl WindowWatch {
    /// Looks at the faults; `sample` is asked when one of them began or ended since the last look.
    pub(crate) fn look(&mut self, events: &[FaultEvent], sample: impl Fn() -> Snapshot) {
        self.borders.resize_with(events.len(), Borders::default);
        for (event, borders) in events.iter().zip(&mut self.borders) {
            if event.began_s.is_some() && borders.began.is_none() {
                borders.began = Some(sample());
            }
            if event.undone_s.is_some() && borders.undone.is_none() {
                borders.undone = Some(sample());
            }
        }
    }

    /// The faults that came into effect. One that was never undone lasted to the end.
    pub(crate) fn windows(
        &self,
        events: &[FaultEvent],
        last: &Snapshot,
        points: &[Point],
    ) -> Vec<FaultWindow> {
        let first_s = events.iter().filter_map(|event| event.began_s).fold(f64::INFINITY, f64::min);
        let window = |(event, borders): (&FaultEvent, &Borders)| {
            let from_s = event.began_s?;
            let to_s = event.undone_s.unwrap_or(last.at.as_secs_f64());
            let before = borders.began.as_ref()?;
            let after = borders.undone.as_ref().unwrap_or(last);
            Some(FaultWindow {
                name: event.name.clone(),
                effect: event.effect.clone(),
                planned_s: event.planned_s,
                from_s,
                to_s,
                undone: event.undone_s.is_some(),
                latency: LatencySummary::of(&after.latency.since(&before.latency)),
                failed: after.counters.failed - before.counters.failed,
                compared: SteadyState::comparable(points, first_s, to_s),
                recovered_after_s: SteadyState::recovered_after(points, first_s, to_s),
            })
        };
        events.iter().zip(&self.borders).filter_map(window).collect()
    }
}

// === impl SteadyState ===

impl SteadyState {
    /// What the intervals up to `first_s` were like at their worst; none if nothing was answered in them.
    #[must_use]
    pub fn before(points: &[Point], first_s: f64) -> Option<Self> {
        let before = || points.iter().filter(|point| point.at_s <= first_s);
        let worst_ms = before().filter_map(p99).reduce(f64::max)?;
        Some(Self { worst_ms, failed_share: before().map(failed_share).fold(0.0, f64::max) })
    }

    /// Whether an interval is as good.
    #[must_use]
    pub fn holds(&self, point: &Point) -> bool {
        let quick = p99(point).is_some_and(|p99| p99 <= self.worst_ms * AS_BEFORE_FACTOR + AS_BEFORE_MS);
        quick && failed_share(point) <= self.failed_share
    }

    /// Whether anybody can say if a fault that ended at `to_s` left its traces: something was answered before the first
    /// fault, and an interval ended later.
    #[must_use]
    pub fn comparable(points: &[Point], first_s: f64, to_s: f64) -> bool {
        Self::before(points, first_s).is_some() && points.iter().any(|point| point.at_s > to_s)
    }

    /// From the end of a fault to the end of the first interval that is as good as those before the first fault.
    #[must_use]
    pub fn recovered_after(points: &[Point], first_s: f64, to_s: f64) -> Option<f64> {
        let before = Self::before(points, first_s)?;
        let mut after = points.iter().filter(|point| point.at_s > to_s);
        after.find(|point| before.holds(point)).map(|point| point.at_s - to_s)
    }
}

fn p99(point: &Point) -> Option<f64> {
    point.latency.map(|latency| latency.p99_ms)
}

fn failed_share(point: &Point) -> f64 {
    point.failed as f64 / (point.failed + point.answered).max(1) as f64
}

#[cfg(test)]
mod tests {
    use super::SteadyState;
    use crate::measure::report::LatencySummary;
    use crate::results::model::Point;

    fn point(at_s: f64, p99_ms: f64, failed: u64) -> Point {
        let latency =
            LatencySummary { p50_ms: 1.0, p90_ms: 1.0, p95_ms: 1.0, p99_ms, p999_ms: 1.0, longest_ms: 1.0 };
        Point { at_s, answered: 100, failed, latency: Some(latency), ..Point::default() }
    }

    #[test]
    fn recovery_is_as_good_as_before() {
        let points = [
            (1.0, 10.0, 0),
            (2.0, 12.0, 0),
            (3.0, 900.0, 50),
            (4.0, 500.0, 0),
            (5.0, 13.0, 1),
            (6.0, 13.0, 0),
        ]
        .map(|(at, p99, failed)| point(at, p99, failed));
        assert_eq!(SteadyState::recovered_after(&points, 2.0, 3.0), Some(3.0));
        assert_eq!(SteadyState::recovered_after(&points[..5], 2.0, 3.0), None);
        // Nothing was seen before the fault: nobody can say.
        assert_eq!(SteadyState::recovered_after(&points, 0.5, 3.0), None);
    }

    #[test]
    fn never_is_not_unknown() {
        let points = [(1.0, 10.0), (2.0, 900.0), (3.0, 900.0)].map(|(at, p99)| point(at, p99, 0));
        assert_eq!(SteadyState::recovered_after(&points, 1.0, 2.0), None);
        assert!(SteadyState::comparable(&points, 1.0, 2.0));
        assert!(!SteadyState::comparable(&points, 0.0, 2.0));
        assert!(!SteadyState::comparable(&points, 1.0, 3.0));
        let unanswered = Point { latency: None, ..points[0] };
        assert!(!SteadyState::comparable(&[unanswered, points[1]], 1.0, 1.5));
    }
}
