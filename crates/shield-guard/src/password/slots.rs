//! How many passwords are hashed at a time, and who waits.
//!
//! A log-in costs 15 to 50 ms of a core and 19 MiB: unbounded, ten clients take a small machine from everybody (ASVS
//! 5.0, 15.2.2). This is the rule alone. The threads, and the queue that it speaks of, belong to the caller, who asks
//! it under the queue's lock.
//!
//! There are two queues, served in turn: strangers' and that of people who proved before who they are (a device that logged in
//! to the account, somebody who is logged in). So a flood of strange names, from however many addresses, keeps nobody out who
//! was here before; at worst they wait twice as long.

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
    waiting_max: PerRank,
    running: u32,
    waiting: PerRank,
    /// Whose queue was served last.
    served: Rank,
    mean: Duration,
}

/// Who asks.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Rank {
    /// Somebody who proved before who they are: a device that this account knows, a session, a letter's token.
    Known,
    /// Anybody.
    Stranger,
}

/// A number for each rank.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PerRank {
    /// Of those who are known.
    pub known: u32,
    /// Of strangers.
    pub strangers: u32,
}

/// What becomes of a new request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Entry {
    /// It runs now; [`HashingSlots::leave`] follows.
    Runs,
    /// It goes to the end of the caller's queue of its rank; a [`Handover::StartsNext`] or [`HashingSlots::abandon`] follows.
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
    /// The first of the caller's queue of this rank has it and runs now.
    StartsNext(Rank),
    /// Nobody waits.
    Free,
}

// === impl HashingSlots ===

impl HashingSlots {
    /// Slots for as many threads as may be given to hashing; queues of `waiting_max`, which is also a promise about
    /// memory.
    pub const fn new(running_max: NonZeroU32, waiting_max: PerRank) -> Self {
        let waiting = PerRank { known: 0, strangers: 0 };
        Self { running_max, waiting_max, running: 0, waiting, served: Rank::Stranger, mean: FIRST_GUESS }
    }

    /// A request comes. Nobody overtakes their queue, since a slot is only free when nobody waits.
    pub fn enter(&mut self, rank: Rank) -> Entry {
        if let Some(retry_after_s) = self.full(rank) {
            Entry::Refused { retry_after_s }
        } else if self.running < self.running_max.get() {
            self.running += 1;
            Entry::Runs
        } else {
            *self.waiting.of_mut(rank) += 1;
            Entry::Waits
        }
    }

    /// `Retry-After` if [`Self::enter`] would refuse.
    pub fn full(&self, rank: Rank) -> Option<u64> {
        let queue_full = self.waiting.of(rank) >= self.waiting_max.of(rank);
        (self.running >= self.running_max.get() && queue_full).then(|| self.retry_after_s())
    }

    /// A hashing ended, having taken so long.
    pub fn leave(&mut self, took: Duration) -> Handover {
        debug_assert!(self.running > 0, "somebody leaves who did not run");
        self.mean = (self.mean * (MEAN_WEIGHT - 1) + took.min(Duration::from_secs(3_600))) / MEAN_WEIGHT;
        let turn = self.served.other();
        let Some(next) = [turn, self.served].into_iter().find(|rank| self.waiting.of(*rank) > 0) else {
            self.running = self.running.saturating_sub(1);
            return Handover::Free;
        };
        *self.waiting.of_mut(next) -= 1;
        self.served = next;
        Handover::StartsNext(next)
    }

    /// Somebody went away who still waited.
    pub fn abandon(&mut self, rank: Rank) {
        let waiting = self.waiting.of_mut(rank);
        debug_assert!(*waiting > 0, "somebody gives up who did not wait");
        *waiting = waiting.saturating_sub(1);
    }

    /// The mean duration of the last hashings, for metrics.
    pub const fn mean(&self) -> Duration {
        self.mean
    }

    /// When the last of those who wait now will have started.
    fn retry_after_s(&self) -> u64 {
        let waiting = self.waiting.known.saturating_add(self.waiting.strangers);
        let total = self.mean.saturating_mul(waiting.saturating_add(1)) / self.running_max.get();
        let (least, most) = RETRY_AFTER_S;
        total.as_secs().saturating_add(u64::from(total.subsec_nanos() > 0)).clamp(least, most)
    }
}

// === impl Rank ===

impl Rank {
    const fn other(self) -> Self {
        match self {
            Self::Known => Self::Stranger,
            Self::Stranger => Self::Known,
        }
    }
}

// === impl PerRank ===

impl PerRank {
    const fn of(self, rank: Rank) -> u32 {
        match rank {
            Rank::Known => self.known,
            Rank::Stranger => self.strangers,
        }
    }

    const fn of_mut(&mut self, rank: Rank) -> &mut u32 {
        match rank {
            Rank::Known => &mut self.known,
            Rank::Stranger => &mut self.strangers,
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::{Rank::*, *};

    fn slots(running_max: u32, waiting_max: u32) -> HashingSlots {
        let waiting_max = PerRank { known: waiting_max, strangers: waiting_max };
        HashingSlots::new(NonZeroU32::new(running_max).unwrap(), waiting_max)
    }

    #[test]
    fn asvs_v15_2_2_bounds_running_and_waiting() {
        let mut slots = slots(2, 1);
        let entries =
            [slots.enter(Stranger), slots.enter(Stranger), slots.enter(Stranger), slots.enter(Stranger)];
        assert_eq!(entries, [Entry::Runs, Entry::Runs, Entry::Waits, Entry::Refused { retry_after_s: 1 }]);
        assert_eq!(slots.leave(FIRST_GUESS), Handover::StartsNext(Stranger));
        assert_eq!([slots.leave(FIRST_GUESS), slots.leave(FIRST_GUESS)], [Handover::Free; 2]);
        assert_eq!(slots.enter(Stranger), Entry::Runs);
    }

    #[test]
    fn newcomer_does_not_overtake_the_queue() {
        let mut slots = slots(1, 2);
        assert_eq!([slots.enter(Stranger), slots.enter(Stranger)], [Entry::Runs, Entry::Waits]);
        assert_eq!(slots.leave(FIRST_GUESS), Handover::StartsNext(Stranger));
        assert_eq!(slots.enter(Stranger), Entry::Waits, "the slot was handed on, not freed");
    }

    #[test]
    fn retry_after_follows_the_measured_mean() {
        let mut slots = slots(2, 19);
        for _ in 0..200 {
            slots.enter(Stranger);
            slots.leave(Duration::from_secs(1));
        }
        for _ in 0..21 {
            slots.enter(Stranger);
        }
        // 20 would have to start before the next, two at a time, one second each.
        assert_eq!(slots.enter(Stranger), Entry::Refused { retry_after_s: 10 });
        for _ in 0..200 {
            slots.leave(Duration::MAX);
            slots.enter(Stranger);
        }
        assert_eq!(slots.enter(Stranger), Entry::Refused { retry_after_s: 60 });
    }

    #[test]
    fn who_gives_up_makes_room_in_the_queue() {
        let mut slots = slots(1, 1);
        assert_eq!([slots.enter(Stranger), slots.enter(Stranger)], [Entry::Runs, Entry::Waits]);
        slots.abandon(Stranger);
        assert_eq!(slots.leave(FIRST_GUESS), Handover::Free);
    }

    #[test]
    fn strangers_keep_nobody_out_who_is_known() {
        let mut slots = slots(1, 2);
        let entries =
            [slots.enter(Stranger), slots.enter(Stranger), slots.enter(Stranger), slots.enter(Stranger)];
        assert_eq!(entries[3], Entry::Refused { retry_after_s: 1 });
        assert_eq!([slots.enter(Known), slots.enter(Known)], [Entry::Waits; 2], "their own queue");
        assert!(matches!(slots.enter(Known), Entry::Refused { .. }));
        let turns: Vec<_> = (0..5).map(|_| slots.leave(FIRST_GUESS)).collect();
        let next = Handover::StartsNext;
        assert_eq!(turns, [next(Known), next(Stranger), next(Known), next(Stranger), Handover::Free]);
    }

    proptest! {
        #[test]
        fn bounds_hold_and_nobody_is_forgotten(
            running_max in 1_u32..4,
            waiting_max in 0_u32..4,
            moves in proptest::collection::vec((0_u8..4, proptest::bool::ANY), 0..200),
        ) {
            let mut slots = slots(running_max, waiting_max);
            let mut running = 0;
            let mut waiting = PerRank { known: 0, strangers: 0 };
            for (step, known) in moves {
                let rank = if known { Known } else { Stranger };
                match step {
                    0 | 1 => match slots.enter(rank) {
                        Entry::Runs => running += 1,
                        Entry::Waits => *waiting.of_mut(rank) += 1,
                        Entry::Refused { retry_after_s } => {
                            prop_assert!((1..=60).contains(&retry_after_s));
                            prop_assert_eq!((running, waiting.of(rank)), (running_max, waiting_max));
                        }
                    },
                    2 if running > 0 => match slots.leave(Duration::from_millis(50)) {
                        Handover::StartsNext(next) => *waiting.of_mut(next) -= 1,
                        Handover::Free => running -= 1,
                    },
                    3 if waiting.of(rank) > 0 => {
                        slots.abandon(rank);
                        *waiting.of_mut(rank) -= 1;
                    }
                    _ => {}
                }
                let all = waiting.known + waiting.strangers;
                prop_assert!(running <= running_max && waiting.known.max(waiting.strangers) <= waiting_max);
                prop_assert!(all == 0 || running == running_max, "nobody waits beside a free slot");
            }
        }
    }
}
