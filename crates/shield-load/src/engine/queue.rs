//! Requests that are due and not yet begun, between the pacer and the clients.
//!
//! Bounded: what does not fit any more is counted as unsent, never dropped in silence.

use std::collections::VecDeque;
use std::pin::pin;
use std::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};

use tokio::sync::Notify;
use tokio::time::Instant;

/// Most requests that may be due and not begun: a minute of 17,000 a second.
const DUE_MAX: usize = 1 << 20;

/// A request that is due.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Due {
    /// When it should be sent: its latency counts from here.
    pub(crate) intended: Instant,
    /// A client was free for it at that moment, or could be made: what it waits then is the generator's fault.
    pub(crate) client_free: bool,
}

#[derive(Debug, Default)]
pub(crate) struct Queue {
    due: Mutex<VecDeque<Due>>,
    arrived: Notify,
    /// Clients that wait for work.
    idle: AtomicUsize,
    /// No more arrivals will come.
    ended: AtomicBool,
    offered: AtomicU64,
    overflowed: AtomicU64,
}

// === impl Queue ===

impl Queue {
    /// One more request is due; says whether a client waits for it. `growing`: a client can be made for it.
    pub(crate) fn push(&self, intended: Instant, growing: bool) -> bool {
        self.offered.fetch_add(1, Ordering::Relaxed);
        let mut due = self.lock();
        if due.len() >= DUE_MAX {
            self.overflowed.fetch_add(1, Ordering::Relaxed);
            return true;
        }
        let waited_for = self.idle.load(Ordering::Relaxed) > due.len();
        due.push_back(Due { intended, client_free: waited_for || growing });
        drop(due);
        self.arrived.notify_one();
        waited_for
    }

    /// The request that has been due for the longest time; none once the last one was taken.
    pub(crate) async fn next(&self) -> Option<Due> {
        loop {
            let mut arrived = pin!(self.arrived.notified());
            arrived.as_mut().enable();
            if let Some(due) = self.lock().pop_front() {
                return Some(due);
            }
            if self.ended.load(Ordering::Acquire) {
                // Whoever waits next must learn it, too.
                self.arrived.notify_one();
                return None;
            }
            let _idle = Idle::new(&self.idle);
            arrived.await;
        }
    }

    /// No more arrivals will come.
    pub(crate) fn end(&self) {
        self.ended.store(true, Ordering::Release);
        self.arrived.notify_one();
    }

    /// Arrivals up to now.
    pub(crate) fn offered(&self) -> u64 {
        self.offered.load(Ordering::Relaxed)
    }

    /// Arrivals that no client took.
    pub(crate) fn left(&self) -> u64 {
        self.lock().len() as u64 + self.overflowed.load(Ordering::Relaxed)
    }

    fn lock(&self) -> MutexGuard<'_, VecDeque<Due>> {
        self.due.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A client that waits; counted down also when it is stopped while it waits.
struct Idle<'a>(&'a AtomicUsize);

impl<'a> Idle<'a> {
    fn new(idle: &'a AtomicUsize) -> Self {
        idle.fetch_add(1, Ordering::Relaxed);
        Self(idle)
    }
}

impl Drop for Idle<'_> {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::Relaxed);
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;
    use std::sync::atomic::Ordering;

    use tokio::time::Instant;

    use super::{DUE_MAX, Queue};

    #[tokio::test]
    async fn every_arrival_is_taken_once() {
        let queue = Arc::new(Queue::default());
        let takers: Vec<_> = (0..8)
            .map(|_| {
                let queue = queue.clone();
                tokio::spawn(async move {
                    let mut taken = 0;
                    while queue.next().await.is_some() {
                        taken += 1;
                        tokio::task::yield_now().await;
                    }
                    taken
                })
            })
            .collect();
        for _ in 0..10_000 {
            queue.push(Instant::now(), false);
            if queue.offered() % 97 == 0 {
                tokio::task::yield_now().await;
            }
        }
        queue.end();
        let mut taken = 0;
        for taker in takers {
            taken += taker.await.unwrap();
        }
        assert_eq!((taken, queue.left(), queue.idle.load(Ordering::Relaxed)), (10_000, 0, 0));
    }

    #[tokio::test]
    async fn overflow_is_counted() {
        let queue = Queue::default();
        let now = Instant::now();
        for _ in 0..DUE_MAX + 3 {
            queue.push(now, false);
        }
        assert_eq!((queue.offered(), queue.left()), (DUE_MAX as u64 + 3, DUE_MAX as u64 + 3));
    }
}
