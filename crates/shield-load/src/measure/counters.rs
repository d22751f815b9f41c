//! Counters that many clients add to and anybody reads while they run.
//!
//! Split into a few shards, so that clients on different cores rarely share a cache line; a reader adds the shards up.
//! A read taken while the run goes on is a little torn between counters, never within one; after the run it is exact.

use std::sync::Mutex;
use std::sync::atomic::{AtomicI64, AtomicU64, Ordering};
use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::measure::failure::{Failure, FailureKind};
use crate::measure::histogram::{BUCKETS, Histogram, bucket_of, clamp};
use crate::scenario::program::Program;

/// Each shard holds a histogram; more shards cost memory and stop helping.
const SHARDS_MAX: usize = 8;
const STATUSES: usize = 1000;

/// What was counted up to now.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct LoadCounters {
    /// Requests that clients took on.
    pub begun: u64,
    /// Those of them that came due because a step before them had ended, not by the model.
    pub follow_ups: u64,
    /// Requests of which a byte may have left.
    pub sent: u64,
    /// Answered 2xx, to the last byte.
    pub answered: u64,
    /// Failed, in whatever way.
    pub failed: u64,
    /// Taken on, but never sent because the run was stopped.
    pub abandoned: u64,
    /// Sent and neither answered nor failed: under way now.
    pub in_flight: u64,
    /// Connections opened.
    pub connections: u64,
    /// Iterations completed: every step answered.
    pub iterations: u64,
}

/// All shards, and what is rare enough to be shared.
#[derive(Debug)]
pub(crate) struct Counters {
    shards: Box<[Shard]>,
    failures: Mutex<Vec<Failure>>,
    failures_kept_max: usize,
}

/// The counters of some clients. Aligned so that two shards share no cache line.
#[derive(Debug)]
#[repr(align(128))]
pub(crate) struct Shard {
    pub(crate) begun: AtomicU64,
    pub(crate) follow_ups: AtomicU64,
    pub(crate) sent: AtomicU64,
    pub(crate) answered: AtomicU64,
    pub(crate) abandoned: AtomicU64,
    pub(crate) in_flight: AtomicI64,
    pub(crate) connections: AtomicU64,
    pub(crate) iterations: AtomicU64,
    /// By number of the step.
    pub(crate) steps: Box<[StepCounters]>,
    /// By number of the check.
    pub(crate) checks: Box<[CheckCounters]>,
    failed: [AtomicU64; FailureKind::COUNT],
    statuses: Box<[AtomicU64]>,
    /// From the moment a request was due to the last byte of its answer.
    pub(crate) latency: AtomicHistogram,
    /// From the moment it was begun.
    pub(crate) service: AtomicHistogram,
}

/// What became of the requests of one step.
#[derive(Debug, Default)]
pub(crate) struct StepCounters {
    pub(crate) answered: AtomicU64,
    pub(crate) failed: AtomicU64,
    /// Those of the failed ones that the target may have processed.
    pub(crate) uncertain: AtomicU64,
    /// None in a program of one step, whose latency is that of all.
    pub(crate) latency: Option<AtomicHistogram>,
}

/// How often a check held.
#[derive(Debug, Default)]
pub(crate) struct CheckCounters {
    pub(crate) passed: AtomicU64,
    pub(crate) failed: AtomicU64,
}

/// A histogram that many add to at once.
#[derive(Debug)]
pub(crate) struct AtomicHistogram {
    counts: Box<[AtomicU64]>,
    clamped: AtomicU64,
    shortest_ns: AtomicU64,
    longest_ns: AtomicU64,
}

// === impl LoadCounters ===

impl LoadCounters {
    /// Adds what another generator counted.
    pub(crate) fn merge(&mut self, other: &Self) {
        self.begun += other.begun;
        self.follow_ups += other.follow_ups;
        self.sent += other.sent;
        self.answered += other.answered;
        self.failed += other.failed;
        self.abandoned += other.abandoned;
        self.in_flight += other.in_flight;
        self.connections += other.connections;
        self.iterations += other.iterations;
    }
}

// === impl Counters ===

impl Counters {
    pub(crate) fn new(program: &Program, failures_kept_max: usize) -> Self {
        let shards = std::thread::available_parallelism().map_or(1, usize::from).min(SHARDS_MAX);
        Self {
            shards: (0..shards).map(|_| Shard::new(program)).collect(),
            failures: Mutex::new(Vec::new()),
            failures_kept_max,
        }
    }

    /// The shard of a client.
    pub(crate) fn shard(&self, lane: u32) -> &Shard {
        &self.shards[lane as usize % self.shards.len()]
    }

    pub(crate) fn read(&self) -> LoadCounters {
        let sum = |of: fn(&Shard) -> &AtomicU64| {
            self.shards.iter().map(|shard| of(shard).load(Ordering::Relaxed)).sum()
        };
        let in_flight: i64 = self.shards.iter().map(|shard| shard.in_flight.load(Ordering::Relaxed)).sum();
        LoadCounters {
            begun: sum(|shard| &shard.begun),
            follow_ups: sum(|shard| &shard.follow_ups),
            sent: sum(|shard| &shard.sent),
            answered: sum(|shard| &shard.answered),
            failed: FailureKind::ALL.iter().map(|kind| self.failed(*kind)).sum(),
            abandoned: sum(|shard| &shard.abandoned),
            in_flight: u64::try_from(in_flight).unwrap_or(0),
            connections: sum(|shard| &shard.connections),
            iterations: sum(|shard| &shard.iterations),
        }
    }

    /// Answered, failed and latency of a step; the latency is none in a program of one step.
    pub(crate) fn step(&self, step: usize) -> (u64, u64, Option<Histogram>) {
        let mut latency: Option<Histogram> = None;
        let (mut answered, mut failed) = (0, 0);
        for counters in self.shards.iter().map(|shard| &shard.steps[step]) {
            answered += counters.answered.load(Ordering::Relaxed);
            failed += counters.failed.load(Ordering::Relaxed);
            if let Some(shard_latency) = &counters.latency {
                latency.get_or_insert_default().merge(&shard_latency.read());
            }
        }
        (answered, failed, latency)
    }

    /// How many of a step's failed requests the target may have processed.
    pub(crate) fn uncertain(&self, step: usize) -> u64 {
        self.shards.iter().map(|shard| shard.steps[step].uncertain.load(Ordering::Relaxed)).sum()
    }

    /// How often a check held, and how often not.
    pub(crate) fn check(&self, check: usize) -> (u64, u64) {
        let sum = |of: fn(&CheckCounters) -> &AtomicU64| {
            self.shards.iter().map(|shard| of(&shard.checks[check]).load(Ordering::Relaxed)).sum()
        };
        (sum(|check| &check.passed), sum(|check| &check.failed))
    }

    pub(crate) fn failed(&self, kind: FailureKind) -> u64 {
        self.shards.iter().map(|shard| shard.failed[kind as usize].load(Ordering::Relaxed)).sum()
    }

    /// How often each status was seen, whole answers only.
    pub(crate) fn statuses(&self) -> impl Iterator<Item = (u16, u64)> {
        (0..STATUSES as u16).filter_map(|status| {
            let seen = |shard: &Shard| shard.statuses[usize::from(status)].load(Ordering::Relaxed);
            let times = self.shards.iter().map(seen).sum();
            (times > 0).then_some((status, times))
        })
    }

    pub(crate) fn latency(&self) -> Histogram {
        self.merged(|shard| &shard.latency)
    }

    pub(crate) fn service(&self) -> Histogram {
        self.merged(|shard| &shard.service)
    }

    fn merged(&self, of: fn(&Shard) -> &AtomicHistogram) -> Histogram {
        let mut merged = Histogram::default();
        self.shards.iter().for_each(|shard| merged.merge(&of(shard).read()));
        merged
    }

    /// Keeps the details of a failure if there is room.
    pub(crate) fn keep_failure(&self, failure: impl FnOnce() -> Failure) {
        let mut failures = self.failures.lock().expect("nothing panics while it holds the lock");
        if failures.len() < self.failures_kept_max {
            failures.push(failure());
        }
    }

    pub(crate) fn take_failures(&self) -> Vec<Failure> {
        std::mem::take(&mut *self.failures.lock().expect("nothing panics while it holds the lock"))
    }
}

// === impl Shard ===

impl Shard {
    fn new(program: &Program) -> Self {
        let step = || StepCounters {
            latency: (program.steps.len() > 1).then(AtomicHistogram::default),
            ..StepCounters::default()
        };
        Self {
            begun: AtomicU64::new(0),
            follow_ups: AtomicU64::new(0),
            sent: AtomicU64::new(0),
            answered: AtomicU64::new(0),
            abandoned: AtomicU64::new(0),
            in_flight: AtomicI64::new(0),
            connections: AtomicU64::new(0),
            iterations: AtomicU64::new(0),
            steps: program.steps.iter().map(|_| step()).collect(),
            checks: program.checks().map(|_| CheckCounters::default()).collect(),
            failed: Default::default(),
            statuses: zeros(STATUSES),
            latency: AtomicHistogram::default(),
            service: AtomicHistogram::default(),
        }
    }

    pub(crate) fn count_failure(&self, kind: FailureKind) {
        add(&self.failed[kind as usize]);
    }

    pub(crate) fn count_status(&self, status: u16) {
        add(&self.statuses[usize::from(status) % STATUSES]);
    }
}

// === impl AtomicHistogram ===

impl Default for AtomicHistogram {
    fn default() -> Self {
        Self {
            counts: zeros(BUCKETS),
            clamped: AtomicU64::new(0),
            shortest_ns: AtomicU64::new(u64::MAX),
            longest_ns: AtomicU64::new(0),
        }
    }
}

impl AtomicHistogram {
    pub(crate) fn record(&self, latency: Duration) {
        let (value_ns, clamped) = clamp(latency);
        add(&self.counts[bucket_of(value_ns)]);
        if clamped {
            add(&self.clamped);
        }
        self.shortest_ns.fetch_min(value_ns, Ordering::Relaxed);
        self.longest_ns.fetch_max(value_ns, Ordering::Relaxed);
    }

    pub(crate) fn read(&self) -> Histogram {
        let counts = self.counts.iter().map(|count| count.load(Ordering::Relaxed)).collect();
        let load = |value: &AtomicU64| value.load(Ordering::Relaxed);
        Histogram::from_parts(counts, load(&self.clamped), load(&self.shortest_ns), load(&self.longest_ns))
    }
}

fn zeros(length: usize) -> Box<[AtomicU64]> {
    (0..length).map(|_| AtomicU64::new(0)).collect()
}

/// Counts one. Relaxed: each counter stands alone, and joining the clients orders them all.
pub(crate) fn add(counter: &AtomicU64) {
    counter.fetch_add(1, Ordering::Relaxed);
}
