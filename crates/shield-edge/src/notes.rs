//! What a client's connection is doing, and since when: one word each, written without a lock.
//!
//! hyper's own head timeout runs from the end of the last request, so it cannot tell an idle connection (60 s are fine)
//! from a head that trickles in (10 s are plenty); HTTP/2 has no idle limit at all. Both are therefore kept here. Time is
//! an argument, in milliseconds since the connection began.

use std::{
    sync::atomic::{AtomicU64, Ordering},
    time::Duration,
};

use crate::limits::Limits;

/// Note of a moment that has not come.
const NEVER: u64 = u64::MAX;

/// The notes of one connection.
#[derive(Debug)]
pub(crate) struct Notes {
    /// Requests whose answer has not ended.
    requests: AtomicU64,
    /// End of the last request.
    idle_since: AtomicU64,
    /// First byte of a head that is not complete.
    head_since: AtomicU64,
    /// First write that the client's side did not take.
    write_stalled_since: AtomicU64,
    /// Last beginning of a request, step of its body, or piece of its answer.
    progress: AtomicU64,
    /// Last byte in either direction.
    transport: AtomicU64,
}

/// What the timer of a connection finds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Deadline {
    /// Nothing is late; look again then.
    Wait(Duration),
    /// No request for too long: say goodbye.
    Idle,
    /// A head, a write, or every request stalls: cut.
    Late(&'static str),
}

// === impl Notes ===

impl Notes {
    pub(crate) fn new() -> Self {
        Self {
            requests: AtomicU64::new(0),
            idle_since: AtomicU64::new(0),
            head_since: AtomicU64::new(NEVER),
            write_stalled_since: AtomicU64::new(NEVER),
            progress: AtomicU64::new(0),
            transport: AtomicU64::new(0),
        }
    }

    /// A head is complete.
    pub(crate) fn begin_request(&self, now: u64) {
        self.requests.fetch_add(1, Ordering::AcqRel);
        self.head_since.store(NEVER, Ordering::Release);
        self.progress(now);
    }

    /// The last byte of an answer was given to the transport, or the request was given up.
    pub(crate) fn end_request(&self, now: u64) {
        self.idle_since.store(now, Ordering::Release);
        self.requests.fetch_sub(1, Ordering::AcqRel);
    }

    /// A step of a request's body or a piece of an answer moved.
    pub(crate) fn progress(&self, now: u64) {
        self.progress.store(now, Ordering::Release);
    }

    /// Bytes arrived; `heads`: without a request under way they begin a head.
    pub(crate) fn read(&self, now: u64, heads: bool) {
        self.transport.store(now, Ordering::Release);
        if heads && self.requests.load(Ordering::Acquire) == 0 {
            // Only the first byte of a head starts its time.
            let _ = self.head_since.compare_exchange(NEVER, now, Ordering::AcqRel, Ordering::Relaxed);
        }
    }

    /// Bytes were to be sent; `taken`: the transport took them, or failed.
    pub(crate) fn write(&self, now: u64, taken: bool) {
        let stalled = &self.write_stalled_since;
        if taken {
            stalled.store(NEVER, Ordering::Release);
            self.transport.store(now, Ordering::Release);
        } else {
            let _ = stalled.compare_exchange(NEVER, now, Ordering::AcqRel, Ordering::Relaxed);
        }
    }

    /// When no byte will have passed for `limit`, unless one does; `None` if that is so already.
    pub(crate) fn silent_in(&self, now: u64, limit: Duration) -> Option<Duration> {
        let left = left(&self.transport, limit, now);
        (left > 0).then(|| Duration::from_millis(left))
    }

    /// Whether anything is late; `response_timeout` is how long a backend may be silent by itself.
    pub(crate) fn deadline(&self, now: u64, limits: &Limits, response_timeout: Duration) -> Deadline {
        let write = left(&self.write_stalled_since, limits.write_stall, now);
        if write == 0 {
            return Deadline::Late("the client does not read");
        }
        let next = if self.requests.load(Ordering::Acquire) > 0 {
            match left(&self.progress, limits.stall + response_timeout, now) {
                0 => return Deadline::Late("no request moves"),
                stall => stall,
            }
        } else if self.head_since.load(Ordering::Acquire) == NEVER {
            match left(&self.idle_since, limits.idle, now) {
                0 => return Deadline::Idle,
                idle => idle,
            }
        } else {
            match left(&self.head_since, limits.request_head, now) {
                0 => return Deadline::Late("the request head is too slow"),
                head => head,
            }
        };
        // What begins right after this look is late one of these limits from now, not earlier.
        let earliest_new = limits.request_head.min(limits.write_stall).min(limits.idle);
        Deadline::Wait(Duration::from_millis(next.min(write)).min(earliest_new))
    }
}

/// Milliseconds until `limit` after the noted moment.
fn left(since: &AtomicU64, limit: Duration, now: u64) -> u64 {
    let limit = u64::try_from(limit.as_millis()).unwrap_or(NEVER);
    since.load(Ordering::Acquire).saturating_add(limit).saturating_sub(now)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn look(notes: &Notes, now: u64) -> Deadline {
        notes.deadline(now, &Limits::default(), Duration::from_secs(30))
    }

    #[test]
    fn idle_ends_after_a_minute() {
        let notes = Notes::new();
        assert_eq!(look(&notes, 59_000), Deadline::Wait(Duration::from_secs(1)));
        assert_eq!(look(&notes, 60_000), Deadline::Idle);
    }

    #[test]
    fn trickling_head_is_cut() {
        let notes = Notes::new();
        for now in (30_000..39_000).step_by(100) {
            notes.read(now, true);
        }
        assert_eq!(look(&notes, 39_000), Deadline::Wait(Duration::from_secs(1)));
        assert!(matches!(look(&notes, 40_000), Deadline::Late(_)));
    }

    #[test]
    fn pings_are_no_head() {
        let notes = Notes::new();
        notes.read(1_000, false);
        assert_eq!(look(&notes, 60_000), Deadline::Idle);
    }

    #[test]
    fn busy_connection_is_not_idle() {
        let notes = Notes::new();
        notes.read(0, true);
        notes.begin_request(0);
        assert!(matches!(look(&notes, 119_000), Deadline::Wait(_)));
        assert!(matches!(look(&notes, 120_000), Deadline::Late(_)));
        notes.end_request(120_000);
        assert!(
            matches!(look(&notes, 179_000), Deadline::Wait(_)),
            "idle begins with the end of the request"
        );
    }

    #[test]
    fn stalled_write_is_cut() {
        let notes = Notes::new();
        notes.begin_request(0);
        notes.write(1_000, false);
        notes.write(50_000, false);
        assert!(matches!(look(&notes, 61_000), Deadline::Late(_)));
        notes.write(61_000, true);
        assert!(matches!(look(&notes, 61_000), Deadline::Wait(_)));
    }
}
