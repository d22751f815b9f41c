//! How long the security components of this process take, in histograms fine enough for what they cost.
//!
//! `shield bench` reads them, and whoever watches `/metrics`. They must cost little themselves: on each request the whole
//! check is measured, and of its parts the one that a draw names, so that a request pays for three readings of the clock at
//! most. The draw is random, so that no pattern of requests hides a part. Threads count in shards of their own.
//!
//! The limits of a request are one measurement, however many there are. What the store is asked belongs to the whole check
//! and to no part. Sums are exact; a value counts in the bucket that ends at or above it, each a quarter of a power of two.

use std::{
    array,
    cell::Cell,
    collections::HashMap,
    fmt,
    sync::atomic::{AtomicU64, AtomicUsize, Ordering},
    time::{Duration, Instant},
};

use prometheus_client::{
    collector::Collector,
    encoding::{DescriptorEncoder, NoLabelSet},
    metrics::{MetricType, exemplar::Exemplar},
};
use shield_guard::chain::{Observer, Part};

/// Shards: more than threads that answer requests at a time, on most machines.
const SHARDS: usize = 8;
/// The first bucket ends here.
const LOWEST_NS: u64 = 64;
/// Powers of two above it that are told apart, up to 1.07 s.
const OCTAVES: u64 = 24;
/// Buckets of each.
const PARTS: u64 = 4;
/// Buckets, with one for everything longer.
const BUCKETS: usize = (OCTAVES * PARTS) as usize + 2;
/// What is measured: the parts in the order of [`Part::ALL`], then the whole.
const NAMES: [&str; 6] = ["rate_limit", "jwt", "session", "api_key", "csrf", "chain"];
/// The place of the whole in [`NAMES`].
const CHAIN: usize = 5;
/// No time was spent on the part that is watched.
const UNTOUCHED: u64 = u64::MAX;

/// The times of all components since the start of the process.
pub struct ComponentTimes {
    shards: Box<[Shard]>,
}

/// What some threads counted; no two shards share a cache line.
#[repr(align(128))]
struct Shard([Times; NAMES.len()]);

struct Times {
    buckets: [AtomicU64; BUCKETS],
    sum_ns: AtomicU64,
    longest_ns: AtomicU64,
}

/// The times of one component, over all shards.
struct Total {
    buckets: [u64; BUCKETS],
    sum_ns: u64,
    longest_ns: u64,
}

/// A check under way.
pub struct CheckWatch {
    began: Instant,
    /// Place of the part that is measured.
    part: usize,
    spent_ns: AtomicU64,
}

thread_local! {
    /// This thread's shard, and the state of its draws.
    static OWN: Cell<(usize, u64)> = {
        static THREADS: AtomicUsize = AtomicUsize::new(0);
        let number = THREADS.fetch_add(1, Ordering::Relaxed);
        Cell::new((number % SHARDS, 0x9e37_79b9_7f4a_7c15_u64.wrapping_mul(number as u64 + 1)))
    };
}

// === impl ComponentTimes ===

impl Default for ComponentTimes {
    fn default() -> Self {
        Self { shards: (0..SHARDS).map(|_| Shard(array::from_fn(|_| Times::new()))).collect() }
    }
}

impl ComponentTimes {
    /// Begins to measure a check.
    pub fn begin(&self) -> CheckWatch {
        let part = OWN.with(|own| {
            let (shard, state) = own.get();
            // Xorshift (Marsaglia 2003): good enough for turns.
            let state = state ^ (state << 13);
            let state = state ^ (state >> 7);
            let state = state ^ (state << 17);
            own.set((shard, state));
            (state >> 32) as usize % Part::ALL.len()
        });
        CheckWatch { began: Instant::now(), part, spent_ns: AtomicU64::new(UNTOUCHED) }
    }

    /// Counts a check that was decided.
    pub fn end(&self, watch: CheckWatch) {
        let shard = &self.shards[OWN.with(Cell::get).0].0;
        shard[CHAIN].record(nanoseconds(watch.began.elapsed()));
        let spent_ns = watch.spent_ns.into_inner();
        if spent_ns != UNTOUCHED {
            shard[watch.part].record(spent_ns);
        }
    }

    fn total(&self, component: usize) -> Total {
        let mut total = Total { buckets: [0; BUCKETS], sum_ns: 0, longest_ns: 0 };
        for shard in &self.shards {
            let times = &shard.0[component];
            for (sum, bucket) in total.buckets.iter_mut().zip(&times.buckets) {
                *sum += bucket.load(Ordering::Relaxed);
            }
            total.sum_ns += times.sum_ns.load(Ordering::Relaxed);
            total.longest_ns = total.longest_ns.max(times.longest_ns.load(Ordering::Relaxed));
        }
        total
    }
}

impl fmt::Debug for ComponentTimes {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_struct("ComponentTimes").finish_non_exhaustive()
    }
}

impl Collector for ComponentTimes {
    fn encode(&self, mut encoder: DescriptorEncoder<'_>) -> fmt::Result {
        let totals: Vec<Total> = (0..NAMES.len()).map(|component| self.total(component)).collect();
        let mut family = encoder.encode_descriptor(
            "shield_component_duration_seconds",
            "Time of a security component on one request; of the parts of `chain` one per request is measured",
            None,
            MetricType::Histogram,
        )?;
        for (name, total) in NAMES.iter().zip(&totals) {
            let buckets: Vec<(f64, u64)> = (0..BUCKETS).map(end_s).zip(total.buckets).collect();
            let count = total.buckets.iter().sum();
            let exemplars = None::<&HashMap<usize, Exemplar<NoLabelSet, f64>>>;
            let labels = [("component", *name)];
            let mut metric = family.encode_family(&labels)?;
            metric.encode_histogram(seconds(total.sum_ns), count, &buckets, exemplars)?;
        }
        let mut family = encoder.encode_descriptor(
            "shield_component_duration_max_seconds",
            "Longest of them since the start of the process",
            None,
            MetricType::Gauge,
        )?;
        for (name, total) in NAMES.iter().zip(&totals) {
            let labels = [("component", *name)];
            family.encode_family(&labels)?.encode_gauge(&seconds(total.longest_ns))?;
        }
        Ok(())
    }
}

// === impl CheckWatch ===

impl CheckWatch {
    /// When the check began.
    pub fn began(&self) -> Instant {
        self.began
    }
}

impl Observer for CheckWatch {
    fn watch<T>(&self, part: Part, work: impl FnOnce() -> T) -> T {
        if part as usize != self.part {
            return work();
        }
        let began = Instant::now();
        let done = work();
        let spent_ns = nanoseconds(began.elapsed());
        let before_ns = self.spent_ns.load(Ordering::Relaxed);
        let before_ns = if before_ns == UNTOUCHED { 0 } else { before_ns };
        self.spent_ns.store(before_ns.saturating_add(spent_ns), Ordering::Relaxed);
        done
    }
}

// === impl Times ===

impl Times {
    fn new() -> Self {
        let buckets = array::from_fn(|_| AtomicU64::new(0));
        Self { buckets, sum_ns: AtomicU64::new(0), longest_ns: AtomicU64::new(0) }
    }

    fn record(&self, spent_ns: u64) {
        self.buckets[bucket_of(spent_ns)].fetch_add(1, Ordering::Relaxed);
        self.sum_ns.fetch_add(spent_ns, Ordering::Relaxed);
        // Nearly always it is not the longest: a load costs less than a locked instruction.
        if spent_ns > self.longest_ns.load(Ordering::Relaxed) {
            self.longest_ns.fetch_max(spent_ns, Ordering::Relaxed);
        }
    }
}

fn nanoseconds(duration: Duration) -> u64 {
    u64::try_from(duration.as_nanos()).unwrap_or(u64::MAX - 1)
}

fn seconds(ns: u64) -> f64 {
    ns as f64 / 1e9
}

/// The first bucket that ends at or above a value.
fn bucket_of(ns: u64) -> usize {
    if ns <= LOWEST_NS {
        return 0;
    }
    // Buckets hold their upper end.
    let below = ns - 1;
    let octave = u64::from(below.ilog2() - LOWEST_NS.ilog2());
    let part = (below >> (below.ilog2() - PARTS.ilog2())) % PARTS;
    usize::try_from(octave * PARTS + part + 1).map_or(BUCKETS - 1, |bucket| bucket.min(BUCKETS - 1))
}

/// Where a bucket ends, in seconds.
fn end_s(bucket: usize) -> f64 {
    let steps = bucket as u64;
    match bucket {
        _ if bucket == BUCKETS - 1 => f64::INFINITY,
        _ => seconds((LOWEST_NS << (steps / PARTS)) / PARTS * (PARTS + steps % PARTS)),
    }
}

#[cfg(test)]
mod tests {
    use prometheus_client::{encoding::text, registry::Registry};

    use super::*;

    #[test]
    fn values_lie_below_the_end_of_their_bucket() {
        for ns in (0..5_000).chain([1 << 20, (1 << 20) + 1, 999_999_937, 1 << 30]) {
            let bucket = bucket_of(ns);
            assert!(seconds(ns) <= end_s(bucket), "{ns}");
            assert!(bucket == 0 || seconds(ns) > end_s(bucket - 1), "{ns}");
        }
        assert_eq!((bucket_of(u64::MAX), end_s(BUCKETS - 1)), (BUCKETS - 1, f64::INFINITY));
        assert!(end_s(BUCKETS - 2) > 1.0, "a second has a bucket");
    }

    #[test]
    fn parts_and_the_whole_are_counted() {
        let times = ComponentTimes::default();
        for _ in 0..200 {
            let watch = times.begin();
            // Twice, as limits are: one measurement.
            Part::ALL.into_iter().chain([Part::RateLimit]).for_each(|part| watch.watch(part, || ()));
            times.end(watch);
        }
        let counts: Vec<u64> =
            (0..NAMES.len()).map(|component| times.total(component).buckets.iter().sum()).collect();
        assert_eq!(counts[CHAIN], 200);
        assert_eq!(counts[..CHAIN].iter().sum::<u64>(), 200);
        assert!(counts.iter().all(|count| *count > 0), "{counts:?}");
    }

    #[test]
    fn untouched_parts_count_nothing() {
        let times = ComponentTimes::default();
        times.end(times.begin());
        assert_eq!(times.total(CHAIN).buckets.iter().sum::<u64>(), 1);
        assert_eq!((0..CHAIN).map(|part| times.total(part).buckets.iter().sum::<u64>()).sum::<u64>(), 0);
    }

    #[test]
    fn exposition_names_every_component() {
        let times = ComponentTimes::default();
        times.shards[3].0[CHAIN].record(1_500);
        let mut registry = Registry::default();
        registry.register_collector(Box::new(times));
        let mut encoded = String::new();
        text::encode(&mut encoded, &registry).unwrap();
        for name in NAMES {
            assert!(
                encoded
                    .contains(&format!("shield_component_duration_seconds_count{{component=\"{name}\"}} "))
            );
        }
        for name in ["seconds_sum{component=\"chain\"} ", "max_seconds{component=\"chain\"} "] {
            let value = encoded.lines().find_map(|line| line.split_once(name)?.1.parse().ok());
            assert_eq!(value, Some(1.5e-6), "{name}: {encoded}");
        }
    }
}
