//! Fixed windows: a count per period, from multiples of the period.
//!
//! The state is the number of the window in the upper half and what was used in it in the lower.

use std::num::NonZeroU32;

use super::{Rate, Refusal, Standing, standing::Decision};

/// A window at a moment.
struct View {
    number: u64,
    used: u64,
    left_ns: u64,
}

/// Decides about `cost` units at `now_ns`.
pub(super) fn decide(rate: Rate, state: u64, now_ns: u64, cost: NonZeroU32) -> Decision {
    let mut view = View::new(rate, state, now_ns);
    let (limit, cost) = (u64::from(rate.count()), u64::from(cost.get()));
    let outcome = if view.used + cost <= limit {
        view.used += cost;
        Ok(view.number << 32 | view.used)
    } else if cost > limit {
        Err(Refusal::TooCostly)
    } else {
        Err(Refusal::Wait { retry_ns: view.left_ns })
    };
    Decision { outcome, standing: view.standing(rate) }
}

/// Where a key stands at `now_ns`.
pub(super) fn standing(rate: Rate, state: u64, now_ns: u64) -> Standing {
    View::new(rate, state, now_ns).standing(rate)
}

/// The number of the window that `now_ns` lies in: 136 years of seconds fit.
pub(super) fn window_of(rate: Rate, now_ns: u64) -> u64 {
    (now_ns / rate.period_ns()).min(u64::from(u32::MAX - 1))
}

// === impl View ===

impl View {
    fn new(rate: Rate, state: u64, now_ns: u64) -> Self {
        // A clock that another thread read later may have opened the next window already.
        let number = window_of(rate, now_ns).max(state >> 32);
        let used = if state >> 32 == number { state & u64::from(u32::MAX) } else { 0 };
        let left_ns = (number + 1).saturating_mul(rate.period_ns()).saturating_sub(now_ns).max(1);
        Self { number, used, left_ns }
    }

    fn standing(&self, rate: Rate) -> Standing {
        let left_ns = if self.used == 0 { 0 } else { self.left_ns };
        let used = u32::try_from(self.used).unwrap_or(u32::MAX);
        Standing {
            limit: rate.count(),
            remaining: rate.count().saturating_sub(used),
            next_ns: left_ns,
            full_ns: left_ns,
        }
    }
}
