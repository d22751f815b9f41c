//! When a run is ended early.
//!
//! Pure: it is told each interval of the run as it ends, and says why the run should end now. So a run is aborted within one
//! interval of its condition. It is judged over a sliding window of fixed length, and not before the run is that old: one
//! failure at the start is no share of anything.

use std::collections::VecDeque;
use std::time::Duration;

use shield_types::settings::Ratio;

use crate::measure::counters::LoadCounters;
use crate::measure::series::Snapshot;
use crate::results::model::Point;

/// What ends a run.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct AbortRule {
    /// The share of failed requests in those that ended within the window exceeds this. A request that has been due for as long
    /// as the window, and that nobody was free to send, is one of them, and failed.
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
    window: VecDeque<Interval>,
    /// Iterations that were due when the window began.
    due_before: u64,
}

/// An interval, and how many iterations were due by its end.
#[derive(Clone, Copy, Debug)]
struct Interval {
    point: Point,
    due: u64,
}

/// Ends of intervals are sums of fractions: this much off is equal.
const ROUNDING_S: f64 = 1e-6;

// === impl AbortRule ===

impl AbortRule {
    /// Begins to watch a run.
    #[must_use]
    pub fn watch(self) -> AbortWatch {
        AbortWatch { rule: self, window: VecDeque::new(), due_before: 0 }
    }
}

// === impl AbortWatch ===

impl AbortWatch {
    /// Takes in the next interval, and what was counted by its end; a reason means that the run should end.
    pub fn step(&mut self, point: &Point, counted: &Snapshot) -> Option<String> {
        let over_s = self.rule.over.as_secs_f64();
        let LoadCounters { begun, follow_ups, .. } = counted.counters;
        let (due, taken) = (counted.offered.saturating_sub(follow_ups), begun.saturating_sub(follow_ups));
        self.window.push_back(Interval { point: *point, due });
        let within = point.at_s - over_s + ROUNDING_S;
        while let Some(first) = self.window.pop_front_if(|first| first.point.at_s <= within) {
            self.due_before = first.due;
        }
        if point.at_s + ROUNDING_S < over_s {
            return None;
        }
        // They are taken in the order in which they became due.
        let unsent = self.due_before.saturating_sub(taken);
        self.too_many_errors(unsent).or_else(|| self.too_slow())
    }

    fn too_many_errors(&self, unsent: u64) -> Option<String> {
        let limit = self.rule.error_share?;
        let points = || self.window.iter().map(|interval| interval.point);
        let failed: u64 = points().map(|point| point.failed).sum();
        let ended = failed + unsent + points().map(|point| point.answered).sum::<u64>();
        // Of nothing, no share exceeds anything: the comparison with NaN is false.
        let share = (failed + unsent) as f64 / ended as f64;
        (share > limit.as_f64()).then(|| {
            let (percent, over) = (share * 100.0, self.rule.over);
            let what = match unsent {
                0 => format!("{failed} of {ended} requests failed within {over:?}"),
                _ => format!(
                    "{failed} of {ended} requests failed within {over:?}, and {unsent} were due for longer and not sent"
                ),
            };
            format!("{what}: {percent:.1}%, more than {limit}")
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
        let fastest_ms =
            self.window.iter().map(|interval| &interval.point).filter_map(slowness).reduce(f64::min)?;
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
    use crate::measure::counters::LoadCounters;
    use crate::measure::report::LatencySummary;
    use crate::measure::series::Snapshot;
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
        points.map(|point| watch.step(&point, &Snapshot::default())).collect()
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

    /// Ten iterations become due in each second; so many have been begun by its end, and none has ended.
    fn waiting(begun: &[u64]) -> Vec<Option<String>> {
        let mut watch = rule(Some(50), None).watch();
        let step = |(begun, at): (&u64, u32)| {
            let follow_ups = 3 * u64::from(at);
            let counters = LoadCounters { begun: begun + follow_ups, follow_ups, ..LoadCounters::default() };
            let offered = 10 * u64::from(at) + follow_ups;
            let point = Point { at_s: f64::from(at), answered: 1, ..Point::default() };
            watch.step(&point, &Snapshot { offered, counters, ..Snapshot::default() })
        };
        begun.iter().zip(1..).map(step).collect()
    }

    #[test]
    fn requests_nobody_sends_are_errors() {
        // Nobody is free from second 2 on; at second 7 those of second 2 have been due for as long as the window.
        let told = waiting(&[10; 8]);
        assert_eq!(told.iter().position(Option::is_some), Some(6));
        let reason = "0 of 15 requests failed within 5s, and 10 were due for longer and not sent: 66.7%, more than 50%";
        assert_eq!(told[6].as_deref(), Some(reason));
        // A backlog that is caught up in time is none.
        assert!(waiting(&[10, 10, 10, 10, 10, 60, 70, 80]).iter().all(Option::is_none));
        assert!(waiting(&[10, 20, 30, 40, 50, 60]).iter().all(Option::is_none));
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
            points.map(|point| watch.step(&point, &Snapshot::default())).position(|reason| reason.is_some())
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
                let at_s = f64::from(at) * f64::from(interval_ms) / 1000.0;
                watch.step(&Point { at_s, ..Point::default() }, &Snapshot::default());
                prop_assert!(watch.window.len() <= (5_000_usize).div_ceil(interval_ms as usize));
            }
        }
    }
}
