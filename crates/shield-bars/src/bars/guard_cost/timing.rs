//! Times of batches, taken in turns.

use std::{
    fmt,
    time::{Duration, Instant},
};

use super::case::Operation;

/// Batches of each operation.
const ROUNDS: usize = 400;
/// A batch takes about so long: short beside the spells in which the machine does something else.
const BATCH: Duration = Duration::from_micros(500);
/// The most operations of a batch: their inputs should stay in the cache.
pub(super) const BATCH_MAX: usize = 4_096;

/// What one operation took.
#[derive(Clone, Copy, Debug)]
pub(super) struct Times {
    /// In the fastest batch.
    pub(super) minimum_ns: f64,
    /// In the median batch.
    pub(super) median_ns: f64,
}

/// Runs batches of the operations in turns.
pub(super) fn alternate<const N: usize>(mut operations: [&mut dyn Operation; N]) -> [Times; N] {
    let counts = operations.each_mut().map(|operation| batch_size(*operation));
    let mut batches = [const { Vec::new() }; N];
    for _ in 0..ROUNDS {
        for ((operation, count), batches) in operations.iter_mut().zip(counts).zip(&mut batches) {
            batches.push(batch(*operation, count).as_secs_f64() * 1e9 / count as f64);
        }
    }
    batches.map(|mut batches| {
        batches.sort_by(f64::total_cmp);
        Times { minimum_ns: batches[0], median_ns: batches[ROUNDS / 2] }
    })
}

/// Operations that take about as long as a batch should; a power of two.
fn batch_size(operation: &mut dyn Operation) -> usize {
    let mut count = 1;
    while count < BATCH_MAX && batch(operation, count) < BATCH {
        count *= 2;
    }
    count
}

fn batch(operation: &mut dyn Operation, count: usize) -> Duration {
    operation.prepare(count);
    let began = Instant::now();
    operation.run();
    began.elapsed()
}

// === impl Times ===

impl fmt::Display for Times {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{:9.1} ns, median {:9.1} ns", self.minimum_ns, self.median_ns)
    }
}
