//! How many passwords are hashed at a time, and who waits.
//!
//! A log-in costs 15 to 50 ms of a core and 19 MiB: unbounded, ten clients take a small machine from everybody (ASVS
//! 5.0, 15.2.2). This is the rule alone. The threads, and the queue that it speaks of, belong to the caller, who asks
//! it under the queue's lock.

use std::{num::NonZeroU32, time::Duration};

/// What is assumed to be the duration of a hashing before one was measured.
const FIRST_GUESS: Duration = Duration::from_millis(50);
/// The weight of one measurement in the mean: the last 16 or so count.
const MEAN_WEIGHT: u32 = 16;
/// Bounds of what clients are told: whole seconds, and no longer than they would remember.
const RETRY_AFTER_S: (u64, u64) = (1, 60);

/// At most so many run, at most so many wait, the rest is refused.
#[derive(Debug)]
pub struct HashingSlots {
    running_max: NonZeroU32,
    waiting_max: u32,
    running: u32,
    waiting: u32,
    mean: Duration,
}

/// What becomes of a new request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Entry {
    /// It runs now; [`HashingSlots::leave`] follows.
    Runs,
    /// It goes to the end of the caller's queue; a [`Handover::StartsNext`] or [`HashingSlots::abandon`] follows.
    Waits,
    /// It is answered with 503 and this `Retry-After`.
    Refused {
        /// Seconds until the queue that is full now will have been worked off, 1 to 60.
        retry_after_s: u64,
    },
}

/// What becomes of a slot that was left.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Handover {
    /// The first of the caller's queue has it and runs now.
    StartsNext,
    /// Nobody waits.
    Free,
}

// === impl HashingSlots ===

impl HashingSlots {
    /// Slots for as many threads as may be given to hashing; a queue of `waiting_max`, which is also a promise about
    /// memory.
    pub const fn new(running_max: NonZeroU32, waiting_max: u32) -> Self {
        Self { running_max, waiting_max, running: 0, waiting: 0, mean: FIRST_GUESS }
    }

    /// A request comes. Nobody overtakes the queue, since a slot is only free when nobody waits.
    pub fn enter(&mut self) -> Entry {
        if let Some(retry_after_s) = self.full() {
            Entry::Refused { retry_after_s }
        } else if self.running < self.running_max.get() {
            self.running += 1;
            Entry::Runs
        } else {
            self.waiting += 1;
            Entry::Waits
        }
    }

    /// `Retry-After` if [`Self::enter`] would refuse.
    pub fn full(&self) -> Option<u64> {
        let full = self.running >= self.running_max.get() && self.waiting >= self.waiting_max;
        full.then(|| self.retry_after_s())
    }

    /// A hashing ended, having taken so long.
    pub fn leave(&mut self, took: Duration) -> Handover {
        debug_assert!(self.running > 0, "somebody leaves who did not run");
        self.mean = (self.mean * (MEAN_WEIGHT - 1) + took.min(Duration::from_secs(3_600))) / MEAN_WEIGHT;
        if self.waiting > 0 {
            self.waiting -= 1;
            Handover::StartsNext
        } else {
            self.running = self.running.saturating_sub(1);
            Handover::Free
        }
    }

    /// Somebody went away who still waited.
    pub fn abandon(&mut self) {
        debug_assert!(self.waiting > 0, "somebody gives up who did not wait");
        self.waiting = self.waiting.saturating_sub(1);
    }

    /// The mean duration of the last hashings, for metrics.
    pub const fn mean(&self) -> Duration {
        self.mean
    }

    /// When the last of those who wait now will have started.
    fn retry_after_s(&self) -> u64 {
        let total = self.mean.saturating_mul(self.waiting.saturating_add(1)) / self.running_max.get();
        let (least, most) = RETRY_AFTER_S;
        total.as_secs().saturating_add(u64::from(total.subsec_nanos() > 0)).clamp(least, most)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn slots(running_max: u32, waiting_max: u32) -> HashingSlots {
        HashingSlots::new(NonZeroU32::new(running_max).unwrap(), waiting_max)
    }

    #[test]
    fn asvs_v15_2_2_bounds_running_and_waiting() {
        let mut slots = slots(2, 1);
        let entries = [slots.enter(), slots.enter(), slots.enter(), slots.enter()];
        assert_eq!(entries, [Entry::Runs, Entry::Runs, Entry::Waits, Entry::Refused { retry_after_s: 1 }]);
        assert_eq!(slots.leave(FIRST_GUESS), Handover::StartsNext);
        assert_eq!([slots.leave(FIRST_GUESS), slots.leave(FIRST_GUESS)], [Handover::Free; 2]);
        assert_eq!(slots.enter(), Entry::Runs);
    }

    #[test]
    fn newcomer_does_not_overtake_the_queue() {
        let mut slots = slots(1, 2);
        assert_eq!([slots.enter(), slots.enter()], [Entry::Runs, Entry::Waits]);
        assert_eq!(slots.leave(FIRST_GUESS), Handover::StartsNext);
        assert_eq!(slots.enter(), Entry::Waits, "the slot was handed on, not freed");
    }

    #[test]
    fn retry_after_follows_the_measured_mean() {
        let mut slots = slots(2, 19);
        for _ in 0..200 {
            slots.enter();
            slots.leave(Duration::from_secs(1));
        }
        for _ in 0..21 {
            slots.enter();
        }
        // 20 would have to start before the next, two at a time, one second each.
        assert_eq!(slots.enter(), Entry::Refused { retry_after_s: 10 });
        for _ in 0..200 {
            slots.leave(Duration::MAX);
            slots.enter();
        }
        assert_eq!(slots.enter(), Entry::Refused { retry_after_s: 60 });
    }

    #[test]
    fn who_gives_up_makes_room_in_the_queue() {
        let mut slots = slots(1, 1);
        assert_eq!([slots.enter(), slots.enter()], [Entry::Runs, Entry::Waits]);
        slots.abandon();
        assert_eq!(slots.leave(FIRST_GUESS), Handover::Free);
    }

    proptest! {
        #[test]
        fn bounds_hold_and_nobody_is_forgotten(
            running_max in 1_u32..4,
            waiting_max in 0_u32..4,
            moves in proptest::collection::vec(0_u8..4, 0..200),
        ) {
            let mut slots = slots(running_max, waiting_max);
            let (mut running, mut waiting) = (0, 0);
            for step in moves {
                match step {
                    0 | 1 => match slots.enter() {
                        Entry::Runs => running += 1,
                        Entry::Waits => waiting += 1,
                        Entry::Refused { retry_after_s } => {
                            prop_assert!((1..=60).contains(&retry_after_s));
                            prop_assert_eq!((running, waiting), (running_max, waiting_max));
                        }
                    },
                    2 if running > 0 => match slots.leave(Duration::from_millis(50)) {
                        Handover::StartsNext => waiting -= 1,
                        Handover::Free => running -= 1,
                    },
                    3 if waiting > 0 => {
                        slots.abandon();
                        waiting -= 1;
                    }
                    _ => {}
                }
                prop_assert!(running <= running_max && waiting <= waiting_max);
                prop_assert!(waiting == 0 || running == running_max, "nobody waits beside a free slot");
            }
        }
    }
}
