//! The one word that a key's state is.
//!
//! Every algorithm keeps its state in 64 bits, such that a larger word is never the better standing at the same moment of
//! the same key, and a word only grows. The table relies on both: on the first when it chooses whom to forget, on the
//! second because a word that never comes back needs no version beside it.

use std::num::NonZeroU32;

use super::{Rate, Standing, fixed, gcra, sliding, standing::Decision};

/// The largest word that is a state; the one above it marks a slot that changes hands.
pub(super) const STATE_MAX: u64 = u64::MAX - 1;

/// How a limit counts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Algorithm {
    /// The generic cell rate algorithm: units come back one by one. In any span of one period at most burst + count.
    /// The default: it has no window whose turn could be waited for.
    Gcra,
    /// Windows that begin at multiples of the period. At the turn of a window twice the count can pass within a moment.
    FixedWindow,
    /// Two windows, the older one weighted by how much of it lies within the last period: an approximation of the exact
    /// log, in one word. It is exact for even traffic; traffic that comes in one moment at the end of a window can reach
    /// nearly twice the count within a period. Counts up to 65,535.
    SlidingWindow,
}

// === impl Algorithm ===

impl Algorithm {
    /// The largest count it can keep.
    pub(super) const fn count_max(self) -> u32 {
        match self {
            Self::Gcra | Self::FixedWindow => u32::MAX,
            Self::SlidingWindow => u16::MAX as u32,
        }
    }

    /// Decides about `cost` units at `now_ns` for a key in `state`; 0 is the state of one that was never seen.
    #[inline]
    pub(super) fn decide(self, rate: Rate, state: u64, now_ns: u64, cost: NonZeroU32) -> Decision {
        match self {
            Self::Gcra => gcra::decide(rate, state, now_ns, cost),
            Self::FixedWindow => fixed::decide(rate, state, now_ns, cost),
            Self::SlidingWindow => sliding::decide(rate, state, now_ns, cost),
        }
    }

    /// Where a key in `state` stands at `now_ns`.
    pub(super) fn standing(self, rate: Rate, state: u64, now_ns: u64) -> Standing {
        match self {
            Self::Gcra => gcra::standing(rate, state, now_ns),
            Self::FixedWindow => fixed::standing(rate, state, now_ns),
            Self::SlidingWindow => sliding::standing(rate, state, now_ns),
        }
    }

    /// A state in which a key stands no better than in either of the two.
    pub(super) fn join(self, left: u64, right: u64) -> u64 {
        match self {
            Self::Gcra | Self::FixedWindow => left.max(right),
            Self::SlidingWindow => sliding::join(left, right),
        }
    }
}
