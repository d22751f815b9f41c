//! The sliding window, approximated by two fixed ones.
//!
//! The state is the number of the current window (32 bits), what was used in the one before it (16) and in it (16). What
//! counts is `current + previous × the part of the previous window that lies within the last period`, compared without
//! rounding.

use std::num::NonZeroU32;

use super::{Rate, Refusal, Standing, fixed::window_of, standing::Decision};

/// What the word says, unpacked.
#[derive(Clone, Copy)]
struct Windows {
    number: u64,
    previous: u64,
    current: u64,
}

/// The windows at a moment, with the time until the current one ends.
struct View {
    windows: Windows,
    left_ns: u64,
    period_ns: u64,
    limit: u64,
}

/// Decides about `cost` units at `now_ns`.
pub(super) fn decide(rate: Rate, state: u64, now_ns: u64, cost: NonZeroU32) -> Decision {
    let cost = u64::from(cost.get());
    let mut view = View::new(rate, state, now_ns);
    let outcome = match view.wait_ns(cost) {
        Some(0) => {
            view.windows.current += cost;
            Ok(view.windows.pack())
        }
        Some(retry_ns) => Err(Refusal::Wait { retry_ns }),
        None => Err(Refusal::TooCostly),
    };
    Decision { outcome, standing: view.standing(rate) }
}

/// Where a key stands at `now_ns`.
pub(super) fn standing(rate: Rate, state: u64, now_ns: u64) -> Standing {
    View::new(rate, state, now_ns).standing(rate)
}

/// A state that is no better than either: of the later window, the larger of each count.
pub(super) fn join(left: u64, right: u64) -> u64 {
    let (left, right) = (Windows::unpack(left), Windows::unpack(right));
    let number = left.number.max(right.number);
    let (left, right) = (left.at(number), right.at(number));
    Windows { number, previous: left.previous.max(right.previous), current: left.current.max(right.current) }
        .pack()
}

// === impl Windows ===

impl Windows {
    fn unpack(state: u64) -> Self {
        Self { number: state >> 32, previous: state >> 16 & 0xffff, current: state & 0xffff }
    }

    fn pack(self) -> u64 {
        self.number << 32 | self.previous << 16 | self.current
    }

    /// The same, seen from window `number`, which is not an earlier one.
    fn at(self, number: u64) -> Self {
        match number - self.number {
            0 => self,
            1 => Self { number, previous: self.current, current: 0 },
            _ => Self { number, previous: 0, current: 0 },
        }
    }
}

// === impl View ===

impl View {
    fn new(rate: Rate, state: u64, now_ns: u64) -> Self {
        let stored = Windows::unpack(state);
        // A clock that another thread read later may have opened the next window already.
        let windows = stored.at(window_of(rate, now_ns).max(stored.number));
        let period_ns = rate.period_ns();
        let left_ns = (windows.number + 1).saturating_mul(period_ns).saturating_sub(now_ns);
        Self { windows, left_ns: left_ns.clamp(1, period_ns), period_ns, limit: u64::from(rate.count()) }
    }

    /// Time until `cost` units would be admitted; `None` when they never are.
    fn wait_ns(&self, cost: u64) -> Option<u64> {
        let Windows { previous, current, .. } = self.windows;
        let after_next = self.limit.checked_sub(cost)?;
        let Some(room) = after_next.checked_sub(current) else {
            // Only when this window has become the previous one, and enough of it has gone by.
            return Some(self.left_ns + self.period_ns - self.part(after_next, current));
        };
        match previous {
            0 => Some(0),
            _ => Some(self.left_ns.saturating_sub(self.part(room, previous))),
        }
    }

    /// The longest time that may be left of a window with `used` units for them to weigh no more than `room`.
    fn part(&self, room: u64, used: u64) -> u64 {
        let part = u128::from(room) * u128::from(self.period_ns) / u128::from(used);
        u64::try_from(part).unwrap_or(u64::MAX).min(self.period_ns)
    }

    fn standing(&self, rate: Rate) -> Standing {
        let Windows { previous, current, .. } = self.windows;
        let weight = u128::from(previous) * u128::from(self.left_ns);
        let weight = u64::try_from(weight.div_ceil(u128::from(self.period_ns))).unwrap_or(u64::MAX);
        let remaining = self.limit.saturating_sub(current).saturating_sub(weight);
        let full_ns = match (previous, current) {
            (0, 0) => 0,
            (_, 0) => self.left_ns,
            (_, _) => self.left_ns + self.period_ns,
        };
        Standing {
            limit: rate.count(),
            remaining: u32::try_from(remaining).unwrap_or(u32::MAX),
            next_ns: self.wait_ns(remaining + 1).unwrap_or(0),
            full_ns,
        }
    }
}
