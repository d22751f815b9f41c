//! Whether the generator's threads get the processor when they want it, whatever the model is.
//!
//! Each thread sleeps for a moment again and again and notes how late it woke: a thread that shares its processor with others,
//! or has more to do than it can, wakes late, and so do the answers that it should have timed.

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use rustix::time::{ClockId, clock_gettime};
use tokio::time::{Instant, sleep_until};

use crate::measure::counters::AtomicHistogram;
use crate::measure::histogram::Histogram;

/// How long a thread sleeps.
const SLEEP: Duration = Duration::from_millis(10);

/// What the threads of a run note.
#[derive(Debug)]
pub(crate) struct ThreadWatch {
    late: AtomicHistogram,
    /// Processor time of each thread, nanoseconds.
    cpu_ns: Box<[AtomicU64]>,
}

// === impl ThreadWatch ===

impl ThreadWatch {
    pub(crate) fn new(threads: usize) -> Self {
        Self { late: AtomicHistogram::default(), cpu_ns: (0..threads).map(|_| AtomicU64::new(0)).collect() }
    }

    pub(crate) fn threads(&self) -> usize {
        self.cpu_ns.len()
    }

    /// Watches the thread that this runs on; never ends.
    pub(crate) async fn watch_this(&self, number: usize) {
        loop {
            let due = Instant::now() + SLEEP;
            sleep_until(due).await;
            self.late.record(due.elapsed());
            let used = clock_gettime(ClockId::ThreadCPUTime);
            let seconds_ns = u64::try_from(used.tv_sec).unwrap_or(0) * 1_000_000_000;
            self.cpu_ns[number]
                .store(seconds_ns + u64::try_from(used.tv_nsec).unwrap_or(0), Ordering::Relaxed);
        }
    }

    /// How late threads woke.
    pub(crate) fn late(&self) -> Histogram {
        self.late.read()
    }

    /// The processor time of the busiest thread.
    pub(crate) fn busiest(&self) -> Duration {
        let used = self.cpu_ns.iter().map(|used| used.load(Ordering::Relaxed)).max();
        Duration::from_nanos(used.unwrap_or(0))
    }
}
