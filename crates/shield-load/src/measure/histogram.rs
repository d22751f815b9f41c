//! Latencies in constant memory, exact enough to argue about.
//!
//! Log-linear buckets over nanoseconds: every power of two is cut into 512 equal parts, and below 1,024 ns each
//! nanosecond has its own. A value is reported as the middle of its bucket, at most 1/1024 (0.098 %) away from what was
//! recorded. From 1 ns to ten minutes; a longer value is kept as the longest and shows in [`Histogram::clamped`].
//!
//! Counts only ever add, so that merging is exact: k merged histograms equal the one that saw all values, bit for bit.

use std::time::Duration;

use serde::de::Error;
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use crate::measure::series::COUNT_MAX;

/// Longest latency that is told apart.
pub const HIGHEST_VALUE: Duration = Duration::from_secs(600);

/// Bits of a value that its bucket keeps, the leading one included.
const KEPT_BITS: u32 = 10;
/// Buckets of one power of two.
const HALF: u64 = 1 << (KEPT_BITS - 1);
const HIGHEST_NS: u64 = 600_000_000_000;
/// Number of buckets.
pub(crate) const BUCKETS: usize = bucket_of(HIGHEST_NS) + 1;

/// Counted latencies.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Histogram {
    counts: Box<[u64]>,
    count: u64,
    clamped: u64,
    shortest_ns: u64,
    longest_ns: u64,
}

// === impl Histogram ===

impl Default for Histogram {
    fn default() -> Self {
        let counts = vec![0; BUCKETS].into_boxed_slice();
        Self { counts, count: 0, clamped: 0, shortest_ns: u64::MAX, longest_ns: 0 }
    }
}

impl Histogram {
    /// Counts one latency.
    pub fn record(&mut self, latency: Duration) {
        let (value_ns, clamped) = clamp(latency);
        self.counts[bucket_of(value_ns)] += 1;
        self.count += 1;
        self.clamped += u64::from(clamped);
        self.shortest_ns = self.shortest_ns.min(value_ns);
        self.longest_ns = self.longest_ns.max(value_ns);
    }

    /// Adds what another one counted.
    pub fn merge(&mut self, other: &Self) {
        for (mine, theirs) in self.counts.iter_mut().zip(&other.counts) {
            *mine += theirs;
        }
        self.count += other.count;
        self.clamped += other.clamped;
        self.shortest_ns = self.shortest_ns.min(other.shortest_ns);
        self.longest_ns = self.longest_ns.max(other.longest_ns);
    }

    /// What was counted after `earlier`, a former state of the same histogram. The extremes are those of the buckets.
    pub(crate) fn since(&self, earlier: &Self) -> Self {
        let counts: Box<[u64]> =
            self.counts.iter().zip(&earlier.counts).map(|(now, then)| now - then).collect();
        let (shortest_ns, longest_ns) = extremes_of(&counts);
        let count = self.count - earlier.count;
        Self { counts, count, clamped: self.clamped - earlier.clamped, shortest_ns, longest_ns }
    }

    /// Whether this can be a later state of `earlier`.
    pub(crate) fn follows(&self, earlier: &Self) -> bool {
        self.addable()
            && self.clamped >= earlier.clamped
            && self.counts.iter().zip(&earlier.counts).all(|(now, then)| now >= then)
    }

    /// Whether it can be added to others without an end in sight.
    pub(crate) fn addable(&self) -> bool {
        self.count <= COUNT_MAX && self.clamped <= COUNT_MAX && self.longest_ns <= HIGHEST_NS
    }

    /// From the parts of a shard. One that is read while its first value is recorded may lack the extremes of it.
    pub(crate) fn from_parts(counts: Box<[u64]>, clamped: u64, shortest_ns: u64, longest_ns: u64) -> Self {
        let count = counts.iter().sum();
        let (shortest_ns, longest_ns) =
            if shortest_ns <= longest_ns { (shortest_ns, longest_ns) } else { extremes_of(&counts) };
        Self { counts, count, clamped, shortest_ns, longest_ns }
    }

    /// How many were counted.
    #[must_use]
    pub fn count(&self) -> u64 {
        self.count
    }

    /// How many of them were longer than [`HIGHEST_VALUE`].
    #[must_use]
    pub fn clamped(&self) -> u64 {
        self.clamped
    }

    /// The shortest, exactly.
    #[must_use]
    pub fn shortest(&self) -> Option<Duration> {
        (self.count > 0).then(|| Duration::from_nanos(self.shortest_ns))
    }

    /// The longest, exactly.
    #[must_use]
    pub fn longest(&self) -> Option<Duration> {
        (self.count > 0).then(|| Duration::from_nanos(self.longest_ns))
    }

    /// The least value that at least the share `quantile` (0 to 1) of all does not exceed; none if nothing was counted.
    #[must_use]
    pub fn quantile(&self, quantile: f64) -> Option<Duration> {
        // Rounding a count above 2^53 moves the rank by less than the count's own last digit matters.
        let rank = ((self.count as f64) * quantile.clamp(0.0, 1.0)).ceil().max(1.0) as u64;
        let mut seen = 0;
        let bucket = self.counts.iter().position(|count| {
            seen += count;
            seen >= rank
        })?;
        Some(Duration::from_nanos(middle_of(bucket).clamp(self.shortest_ns, self.longest_ns)))
    }

    /// Values that were counted, ascending, each the middle of its bucket, and how often.
    pub(crate) fn counted(&self) -> impl Iterator<Item = (Duration, u64)> {
        let counted = self.counts.iter().copied().enumerate().filter(|(_, count)| *count > 0);
        counted.map(|(bucket, count)| {
            let value_ns = middle_of(bucket).clamp(self.shortest_ns, self.longest_ns);
            (Duration::from_nanos(value_ns), count)
        })
    }

    /// The mean, from the buckets' middles.
    #[must_use]
    pub fn mean(&self) -> Option<Duration> {
        let weighted = |(bucket, count): (usize, &u64)| u128::from(middle_of(bucket)) * u128::from(*count);
        let sum: u128 = self.counts.iter().enumerate().map(weighted).sum();
        let mean_ns = sum.checked_div(u128::from(self.count))?;
        u64::try_from(mean_ns).ok().map(Duration::from_nanos)
    }
}

/// What is stored: the buckets that counted something.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Stored {
    buckets: Vec<(usize, u64)>,
    clamped: u64,
    shortest_ns: u64,
    longest_ns: u64,
}

impl Serialize for Histogram {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let counted = self.counts.iter().copied().enumerate().filter(|(_, count)| *count > 0);
        let &Self { clamped, shortest_ns, longest_ns, .. } = self;
        Stored { buckets: counted.collect(), clamped, shortest_ns, longest_ns }.serialize(serializer)
    }
}

impl<'de> Deserialize<'de> for Histogram {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let Stored { buckets, clamped, shortest_ns, longest_ns } = Stored::deserialize(deserializer)?;
        let mut histogram = Self { clamped, shortest_ns, longest_ns, ..Self::default() };
        for (bucket, count) in buckets {
            let counted = histogram.counts.get_mut(bucket).and_then(|counted| {
                *counted = counted.checked_add(count)?;
                histogram.count = histogram.count.checked_add(count)?;
                Some(())
            });
            counted.ok_or_else(|| D::Error::custom("a bucket or a count that no histogram has"))?;
        }
        // A value outside of the extremes would make a quantile panic.
        if histogram.count > 0 && shortest_ns > longest_ns {
            return Err(D::Error::custom("a shortest value above the longest one"));
        }
        Ok(histogram)
    }
}

/// A latency in nanoseconds that has a bucket, and whether it had to be shortened for that.
pub(crate) fn clamp(latency: Duration) -> (u64, bool) {
    let value_ns = u64::try_from(latency.as_nanos()).unwrap_or(u64::MAX);
    (value_ns.min(HIGHEST_NS), value_ns > HIGHEST_NS)
}

/// The bucket of a value up to `HIGHEST_NS`.
pub(crate) const fn bucket_of(value_ns: u64) -> usize {
    let bits = u64::BITS - value_ns.leading_zeros();
    let shift = bits.saturating_sub(KEPT_BITS);
    // `value >> shift` has the leading bit set when `shift` is positive, so each shift adds `HALF` buckets.
    (shift as u64 * HALF + (value_ns >> shift)) as usize
}

/// The shortest and the longest value, as far as buckets tell; of none, those that any value replaces.
fn extremes_of(counts: &[u64]) -> (u64, u64) {
    let counted = |count: &u64| *count > 0;
    let extreme = |bucket: Option<usize>, none| bucket.map_or(none, middle_of);
    (extreme(counts.iter().position(counted), u64::MAX), extreme(counts.iter().rposition(counted), 0))
}

/// The middle of a bucket's values.
fn middle_of(bucket: usize) -> u64 {
    let bucket = bucket as u64;
    if bucket < 2 * HALF {
        return bucket;
    }
    let shift = bucket / HALF - 1;
    let lowest = (bucket - shift * HALF) << shift;
    lowest + (1 << shift) / 2
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use proptest::prelude::*;

    use super::{BUCKETS, HIGHEST_NS, Histogram, bucket_of, middle_of};

    fn of(values_ns: &[u64]) -> Histogram {
        let mut histogram = Histogram::default();
        values_ns.iter().for_each(|value| histogram.record(Duration::from_nanos(*value)));
        histogram
    }

    /// Values spread over all magnitudes, as latencies are.
    fn any_value() -> impl Strategy<Value = u64> {
        (0_u32..40, any::<u64>())
            .prop_map(|(bits, noise)| ((1 << bits) + noise % (1 << bits)).min(HIGHEST_NS))
    }

    proptest! {
        #[test]
        fn middle_is_close_to_value(value in any_value()) {
            let error = middle_of(bucket_of(value)).abs_diff(value);
            prop_assert!(error * 1024 <= value, "{value} becomes {}", middle_of(bucket_of(value)));
        }

        #[test]
        fn quantile_is_close_to_sorted(mut values in prop::collection::vec(any_value(), 1..200), share in 0.0..=1.0_f64) {
            let histogram = of(&values);
            values.sort_unstable();
            let rank = ((values.len() as f64 * share).ceil() as usize).max(1);
            let (truth, told) = (values[rank - 1], histogram.quantile(share).unwrap().as_nanos() as u64);
            prop_assert!(told.abs_diff(truth) * 1024 <= truth, "{told} for {truth}");
        }

        #[test]
        fn merge_equals_one(values in prop::collection::vec(any_value(), 0..200), parts in 1_usize..5) {
            let mut merged = Histogram::default();
            for part in 0..parts {
                let share: Vec<u64> = values.iter().copied().skip(part).step_by(parts).collect();
                merged.merge(&of(&share));
            }
            prop_assert_eq!(merged, of(&values));
        }

        #[test]
        fn is_stored_without_loss(values in prop::collection::vec(any_value(), 0..200)) {
            let histogram = of(&values);
            let text = serde_json::to_string(&histogram).unwrap();
            prop_assert_eq!(serde_json::from_str::<Histogram>(&text).unwrap(), histogram);
        }
    }

    #[test]
    fn refuses_what_was_never_stored() {
        let read = |buckets: &str, shortest: u64| {
            let text =
                format!(r#"{{"buckets":{buckets},"clamped":0,"shortest_ns":{shortest},"longest_ns":9}}"#);
            serde_json::from_str::<Histogram>(&text)
        };
        assert!(read("[[5,1]]", 5).is_ok());
        assert!(read("[[999999,1]]", 5).is_err());
        assert!(read("[[5,18446744073709551615],[6,1]]", 5).is_err());
        assert!(read("[[5,1]]", 10).is_err());
    }

    #[test]
    fn buckets_have_no_gap() {
        for bits in 0..39 {
            assert_eq!(bucket_of((1 << bits) - 1) + 1, bucket_of(1 << bits));
        }
        assert!((0..BUCKETS).all(|bucket| bucket_of(middle_of(bucket)) == bucket));
    }

    #[test]
    fn difference_holds_what_came_after() {
        let (before, mut after) = (of(&[100, 5_000]), of(&[100, 5_000]));
        after.record(Duration::from_nanos(700));
        after.record(Duration::from_nanos(900));
        assert_eq!(after.since(&before), of(&[700, 900]));
        assert_eq!(after.since(&after), Histogram::default());
    }

    #[test]
    fn torn_read_still_has_quantiles() {
        let counts = of(&[5]).counts;
        let torn = Histogram::from_parts(counts, 0, u64::MAX, 0);
        assert_eq!(torn.quantile(0.5), Some(Duration::from_nanos(5)));
        let stored = serde_json::to_string(&torn).unwrap();
        assert_eq!(serde_json::from_str::<Histogram>(&stored).unwrap(), of(&[5]));
    }

    #[test]
    fn clamps_and_says_so() {
        let histogram = of(&[HIGHEST_NS, HIGHEST_NS + 1, u64::MAX]);
        assert_eq!((histogram.count(), histogram.clamped()), (3, 2));
        assert_eq!(histogram.longest(), Some(Duration::from_secs(600)));
    }

    #[test]
    fn empty_one_has_no_values() {
        let empty = Histogram::default();
        assert_eq!((empty.quantile(0.5), empty.mean(), empty.longest()), (None, None, None));
    }

    #[test]
    fn mean_of_exact_values_is_exact() {
        assert_eq!(of(&[100, 200, 600]).mean(), Some(Duration::from_nanos(300)));
    }
}
