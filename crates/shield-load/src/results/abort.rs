//! When a run is ended early.
//!
//! Pure: it is told each interval of the run as it ends, and says why the run should end now. So a run is aborted within one
//! interval of its condition. It is judged over a sliding window of fixed length, and not before the run is that old: one
//! failure at the start is no share of anything.

use std::collections::VecDeque;
use std::time::Duration;

use shield_types::settings::Ratio;

use crate::results::model::Point;

/// What ends a run.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct AbortRule {
    /// The share of failed requests in those that ended within the window exceeds this.
    pub error_share: Option<Ratio>,
    /// The 99th percentile of every interval of the window that had an answer exceeds this.
    pub p99: Option<Duration>,
    /// Length of the window.
    pub over: Duration,
}

/// Watches a run for its rule.
#[derive(Clone, Debug)]
pub struct AbortWatch {
    rule: AbortRule,
    /// The intervals that end within the window, oldest first.
    window: VecDeque<Point>,
}

/// Ends of intervals are sums of fractions: this much off is equal.
const ROUNDING_S: f64 = 1e-6;

// === impl AbortRule ===

impl AbortRule {
    /// Begins to watch a run.
    #[must_use]
    pub fn watch(self) -> AbortWatch {
        AbortWatch { rule: self, window: VecDeque::new() }
    }
}

// === impl AbortWatch ===

impl AbortWatch {
    /// Takes in the next interval; a reason means that the run should end.
    pub fn step(&mut self, point: &Point) -> Option<String> {
        let over_s = self.rule.over.as_secs_f64();
        self.window.push_back(*point);
        while self.window.front().is_some_and(|first| first.at_s <= point.at_s - over_s + ROUNDING_S) {
            self.window.pop_front();
        }
        if point.at_s + ROUNDING_S < over_s {
            return None;
        }
        self.too_many_errors().or_else(|| self.too_slow())
    }

    fn too_many_errors(&self) -> Option<String> {
        let limit = self.rule.error_share?;
        let failed: u64 = self.window.iter().map(|point| point.failed).sum();
        let ended = failed + self.window.iter().map(|point| point.answered).sum::<u64>();
        // Of nothing, no share exceeds anything: the comparison with NaN is false.
        let share = failed as f64 / ended as f64;
        (share > limit.as_f64()).then(|| {
            let (percent, over) = (share * 100.0, self.rule.over);
            format!("{failed} of {ended} requests failed within {over:?}: {percent:.1}%, more than {limit}")
        })
    }

    fn too_slow(&self) -> Option<String> {
        let limit = self.rule.p99?;
        let limit_ms = limit.as_secs_f64() * 1000.0;
        // An interval in which nothing was answered while requests were under way was slower than any answer.
        let slowness = |point: &Point| match point.latency {
            Some(latency) => Some(latency.p99_ms),
            None => point.in_flight.is_some_and(|requests| requests > 0).then_some(f64::INFINITY),
        };
        let fastest_ms = self.window.iter().filter_map(slowness).reduce(f64::min)?;
        if fastest_ms.is_infinite() {
            return Some(format!(
                "nothing was answered for {:?} while requests were under way",
                self.rule.over
            ));
        }
        (fastest_ms > limit_ms).then(|| {
            let over = self.rule.over;
            format!("the 99th percentile was {fastest_ms:.1} ms or more for {over:?}: longer than {limit:?}")
        })
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use proptest::prelude::*;
    use shield_types::settings::Ratio;

    use super::AbortRule;
    use crate::measure::report::LatencySummary;
    use crate::results::model::Point;

    const SECOND: Duration = Duration::from_secs(1);

    fn rule(error_share: Option<u32>, p99: Option<Duration>) -> AbortRule {
        let error_share = error_share.map(|percent| Ratio::from_millionths(percent * 10_000));
        AbortRule { error_share, p99, over: SECOND * 5 }
    }

    /// The reasons, one per second, for so many answers and failures.
    fn reasons(rule: AbortRule, seconds: &[(u64, u64)]) -> Vec<Option<String>> {
        let mut watch = rule.watch();
        let points = seconds.iter().zip(1..).map(|((answered, failed), at)| Point {
            at_s: f64::from(at),
            answered: *answered,
            failed: *failed,
            ..Point::default()
        });
        points.map(|point| watch.step(&point)).collect()
    }

    fn first(rule: AbortRule, seconds: &[(u64, u64)]) -> Option<usize> {
        reasons(rule, seconds).iter().position(Option::is_some).map(|at| at + 1)
    }

    #[test]
    fn window_must_be_full() {
        assert_eq!(first(rule(Some(50), None), &[(0, 10); 8]), Some(5));
    }

    #[test]
    fn errors_count_while_in_the_window() {
        // 60 failures against 50 answers at second 6; a burst that is not enough has passed at second 11.
        let run = [(10, 0), (10, 0), (10, 0), (10, 0), (10, 0), (10, 60)];
        assert_eq!(first(rule(Some(50), None), &run), Some(6));
        let mut run = vec![(100, 0); 20];
        run[5] = (0, 100);
        assert_eq!(first(rule(Some(20), None), &run), None);
        assert_eq!(first(rule(Some(19), None), &run), Some(6));
        assert!(reasons(rule(Some(19), None), &run)[10].is_none());
    }

    #[test]
    fn reason_names_the_figures() {
        let reason = reasons(rule(Some(50), None), &[(4, 6); 5]).pop().flatten().unwrap();
        assert_eq!(reason, "30 of 50 requests failed within 5s: 60.0%, more than 50%");
    }

    #[test]
    fn nothing_ended_is_no_share() {
        assert_eq!(first(rule(Some(0), None), &[(0, 0); 20]), None);
    }

    #[test]
    fn slowness_must_last() {
        let slow = |p99_ms| {
            let latency = LatencySummary {
                p50_ms: 0.0,
                p90_ms: 0.0,
                p95_ms: 0.0,
                p99_ms,
                p999_ms: 0.0,
                longest_ms: 0.0,
            };
            Point { latency: Some(latency), ..Point::default() }
        };
        let run = |p99s: &[f64]| {
            let mut watch = rule(None, Some(SECOND)).watch();
            let points = p99s.iter().zip(1..).map(|(p99, at)| Point { at_s: f64::from(at), ..slow(*p99) });
            points.map(|point| watch.step(&point)).position(|reason| reason.is_some())
        };
        assert_eq!(run(&[2_000.0; 5]), Some(4));
        assert_eq!(run(&[2_000.0, 2_000.0, 1_000.0, 2_000.0, 2_000.0, 2_000.0, 2_000.0]), None);
        assert_eq!(run(&[500.0, 2_000.0, 2_000.0, 2_000.0, 2_000.0, 2_000.0]), Some(5));
    }

    proptest! {
        /// Against the sum over the last five seconds, taken anew each time.
        #[test]
        fn window_is_the_last_seconds(seconds in prop::collection::vec((0_u64..20, 0_u64..20), 5..40)) {
            let told = reasons(rule(Some(50), None), &seconds);
            for (at, told) in told.iter().enumerate().skip(4) {
                let window = &seconds[at - 4..=at];
                let failed: u64 = window.iter().map(|(_, failed)| failed).sum();
                let answered: u64 = window.iter().map(|(answered, _)| answered).sum();
                prop_assert_eq!(told.is_some(), failed > answered);
            }
        }

        /// However short the intervals are, and whatever their sums round to.
        #[test]
        fn window_has_no_more_than_its_length(interval_ms in 1_u32..2_000) {
            let mut watch = rule(Some(100), None).watch();
            for at in 1..=(20_000 / interval_ms) {
                watch.step(&Point { at_s: f64::from(at) * f64::from(interval_ms) / 1000.0, ..Point::default() });
                prop_assert!(watch.window.len() <= (5_000_usize).div_ceil(interval_ms as usize));
            }
        }
    }
}
