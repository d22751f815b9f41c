//! Nine slots in two cache lines: a key's fingerprint and its state.
//!
//! A hit takes no lock: it finds the fingerprint, reads the state, looks at the fingerprint again and exchanges the state.
//! Slots change hands only under the bucket's lock, and only through the mark [`CLAIMED`], so that an exchange which
//! succeeds was made in the slot of its own key: a state that was left never comes back (every later one of the slot is
//! larger), so there is no A-B-A.

use std::sync::{
    Mutex, MutexGuard, PoisonError,
    atomic::{AtomicU32, AtomicU64, Ordering},
};

use super::{
    standing::{Decision, Verdict},
    state::STATE_MAX,
};

/// Slots of a bucket: what fits into 128 bytes.
const SLOTS: usize = 9;
/// State of a slot that changes hands.
const CLAIMED: u64 = STATE_MAX + 1;

/// Nine keys, and a bound on what the forgotten ones had.
#[derive(Default)]
#[repr(align(128))]
pub(super) struct Bucket {
    /// The floor: no key without a slot stands worse than this and the least slot joined. Where the state is one number
    /// the least slot alone says so, since it only grows; of the two counts of a sliding window it shows one too few.
    /// Held by who brings a key in.
    floor: Mutex<u64>,
    /// Zero is an empty slot.
    fingerprints: [AtomicU32; SLOTS],
    states: [AtomicU64; SLOTS],
}

/// Whether what was decided is also stored.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Intent {
    /// Store it.
    Take,
    /// Only say what would be.
    Look,
}

/// A slot as it was at one moment.
#[derive(Clone, Copy)]
struct Slot {
    index: usize,
    state: u64,
}

// === impl Bucket ===

impl Bucket {
    /// Decides about the key with this fingerprint. `decide` says what follows from a state, `join` makes a state that is
    /// no better than either of two.
    #[inline]
    pub(super) fn charge(
        &self,
        fingerprint: u32,
        intent: Intent,
        decide: impl Fn(u64) -> Decision,
        join: impl Fn(u64, u64) -> u64,
    ) -> Verdict {
        match self.charge_present(fingerprint, intent, &decide) {
            Some(verdict) => verdict,
            None => self.charge_absent(fingerprint, intent, &decide, &join),
        }
    }

    /// Decides about a key that has a slot; `None` when it has none, or the slot changes hands.
    #[inline]
    fn charge_present(
        &self,
        fingerprint: u32,
        intent: Intent,
        decide: &impl Fn(u64) -> Decision,
    ) -> Option<Verdict> {
        loop {
            let slot = self.find(fingerprint)?;
            let decision = decide(slot.state);
            match decision.outcome {
                Ok(state) if intent == Intent::Take => {
                    if self.exchange(slot, state) {
                        return Some(decision.verdict());
                    }
                }
                Ok(_) | Err(_) => return Some(decision.verdict()),
            }
        }
    }

    /// Brings a key in, in place of the one that is missed least. If the key is refused, nothing changes.
    #[cold]
    fn charge_absent(
        &self,
        fingerprint: u32,
        intent: Intent,
        decide: &impl Fn(u64) -> Decision,
        join: &impl Fn(u64, u64) -> u64,
    ) -> Verdict {
        let mut floor = self.lock();
        loop {
            // Another thread may have brought it in; under the lock nobody can.
            if let Some(verdict) = self.charge_present(fingerprint, intent, decide) {
                return verdict;
            }
            let least = self.least();
            let inherited = join(*floor, least.state);
            let decision = decide(inherited);
            let state = match decision.outcome {
                Ok(state) if intent == Intent::Take => state,
                Ok(_) | Err(_) => return decision.verdict(),
            };
            if self.exchange(least, CLAIMED) {
                *floor = inherited;
                self.fingerprints[least.index].store(fingerprint, Ordering::Release);
                self.states[least.index].store(state, Ordering::Release);
                return decision.verdict();
            }
        }
    }

    /// The slot of a key with the state that it had while it was this key's.
    #[inline]
    fn find(&self, fingerprint: u32) -> Option<Slot> {
        let known = |slot: &AtomicU32| slot.load(Ordering::Relaxed) == fingerprint;
        let index = self.fingerprints.iter().position(known)?;
        loop {
            let state = self.states[index].load(Ordering::Acquire);
            if state == CLAIMED || self.fingerprints[index].load(Ordering::Acquire) != fingerprint {
                return None;
            }
            // The same state again: the slot did not change hands between the two looks.
            if self.states[index].load(Ordering::Acquire) == state {
                return Some(Slot { index, state });
            }
        }
    }

    /// The slot whose key has used least: idle ones before all others.
    fn least(&self) -> Slot {
        let slot = |(index, state): (usize, &AtomicU64)| Slot { index, state: state.load(Ordering::Acquire) };
        let slots = self.states.iter().enumerate().map(slot);
        slots.min_by_key(|slot| slot.state).expect("a bucket has slots")
    }

    fn exchange(&self, slot: Slot, state: u64) -> bool {
        let exchanged =
            self.states[slot.index].compare_exchange(slot.state, state, Ordering::AcqRel, Ordering::Relaxed);
        exchanged.is_ok()
    }

    /// A number is whole at any moment, so a panic elsewhere cannot have spoiled it.
    fn lock(&self) -> MutexGuard<'_, u64> {
        self.floor.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::Bucket;

    #[test]
    fn fills_two_cache_lines() {
        assert_eq!(size_of::<Bucket>(), 128);
    }
}
