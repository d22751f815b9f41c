//! Since when an effect has been seen on its victim, without a break.

use std::sync::atomic::{AtomicU64, Ordering};

use shield_testkit::stall::monotonic_ns;

/// What the last look at a victim showed. Shared by who looks and who judges.
#[derive(Debug, Default)]
pub(super) struct Sight {
    /// Nanoseconds of the monotonic clock; zero while the effect is not seen.
    since_ns: AtomicU64,
}

// === impl Sight ===

impl Sight {
    /// Looks, and notes when, if the effect was not there before.
    pub(super) fn look(&self, present: impl FnOnce() -> bool) {
        if !present() {
            self.since_ns.store(0, Ordering::Release);
        } else if self.since().is_none() {
            self.since_ns.store(monotonic_ns(), Ordering::Release);
        }
    }

    /// The first of the looks in a row that have shown it.
    pub(super) fn since(&self) -> Option<u64> {
        Some(self.since_ns.load(Ordering::Acquire)).filter(|since| *since > 0)
    }
}

#[cfg(test)]
mod tests {
    use super::Sight;

    #[test]
    fn break_begins_anew() {
        let sight = Sight::default();
        sight.look(|| true);
        let first = sight.since();
        sight.look(|| true);
        assert!(first.is_some() && sight.since() == first);
        sight.look(|| false);
        assert_eq!(sight.since(), None);
        sight.look(|| true);
        assert!(sight.since() >= first);
    }
}
