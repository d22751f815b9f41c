//! What is compared: blocks, in each of which both variants had their turns close together.

use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::compare::pauses::StoodStill;
use crate::measure::histogram::Histogram;

/// Fewest answers of which a 99th percentile is more than the longest.
const P99_ANSWERS_MIN: u64 = 100;

/// Four short slices: A B B A, or B A A B, by a fair coin. A drift that is even over the block falls out of it; which variant
/// got which turns is pure chance, and that chance is what the analysis rests on.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Block {
    /// What both slices of A saw.
    pub a: Side,
    /// What both slices of B saw.
    pub b: Side,
}

/// What one variant's slices of a block saw.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Side {
    /// Length of the slices.
    pub seconds: f64,
    /// Requests answered within them: what throughput is counted from.
    pub answered_in_time: u64,
    /// The same, and those that were under way at a slice's end.
    pub answered: u64,
    /// Requests failed, likewise.
    pub failed: u64,
    /// Median latency, milliseconds; absent when nothing was answered.
    pub p50_ms: Option<f64>,
    /// 99th percentile; absent with fewer than 100 answers.
    pub p99_ms: Option<f64>,
    /// Pauses that outlasted a slice; this time is beyond `seconds`.
    pub still: StoodStill,
}

/// What one or several slices counted, with all latencies.
#[derive(Clone, Debug, Default)]
pub(crate) struct Counted {
    pub(crate) length: Duration,
    pub(crate) answered_in_time: u64,
    pub(crate) failed: u64,
    pub(crate) latency: Histogram,
    pub(crate) still: StoodStill,
}

// === impl Side ===

impl Side {
    /// Answers per second. Half an answer more than there were, so that no answer has a logarithm, too.
    pub(crate) fn rate(&self) -> Option<f64> {
        (self.seconds > 0.0).then(|| (self.answered_in_time as f64 + 0.5) / self.seconds)
    }

    /// Share of the requests that failed; none when none ended.
    pub(crate) fn error_share(&self) -> Option<f64> {
        let ended = self.answered + self.failed;
        (ended > 0).then(|| self.failed as f64 / ended as f64)
    }
}

// === impl Counted ===

impl Counted {
    pub(crate) fn add(&mut self, slice: &Self) {
        self.length += slice.length;
        self.answered_in_time += slice.answered_in_time;
        self.failed += slice.failed;
        self.latency.merge(&slice.latency);
        self.still.times += slice.still.times;
        self.still.seconds += slice.still.seconds;
    }

    pub(crate) fn side(&self) -> Side {
        let quantile_ms = |share| self.latency.quantile(share).map(|latency| latency.as_secs_f64() * 1000.0);
        Side {
            seconds: self.length.as_secs_f64(),
            answered_in_time: self.answered_in_time,
            answered: self.latency.count(),
            failed: self.failed,
            p50_ms: quantile_ms(0.5),
            p99_ms: quantile_ms(0.99).filter(|_| self.latency.count() >= P99_ANSWERS_MIN),
            still: self.still,
        }
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::{Counted, StoodStill};

    #[test]
    fn few_answers_have_no_p99() {
        let mut counted = Counted { length: Duration::from_secs(1), ..Counted::default() };
        assert_eq!(counted.side().p50_ms, None);
        (0..99).for_each(|_| counted.latency.record(Duration::from_millis(2)));
        let few = counted.side();
        assert!(few.p50_ms.is_some() && few.p99_ms.is_none());
        counted.latency.record(Duration::from_millis(2));
        assert!(counted.side().p99_ms.is_some());
    }

    #[test]
    fn slices_add_up() {
        let mut slice = Counted { length: Duration::from_secs(1), answered_in_time: 9, ..Counted::default() };
        (0..10).for_each(|_| slice.latency.record(Duration::from_millis(2)));
        slice.failed = 30;
        slice.still = StoodStill { times: 1, seconds: 0.5 };
        let mut both = slice.clone();
        both.add(&slice);
        let side = both.side();
        assert_eq!((side.seconds, side.answered_in_time, side.answered, side.failed), (2.0, 18, 20, 60));
        assert_eq!((side.error_share(), side.rate()), (Some(0.75), Some(9.25)));
        assert_eq!(side.still, StoodStill { times: 2, seconds: 1.0 });
    }
}
