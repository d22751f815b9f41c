//! Eight leases that share a lock. It is held for some tens of nanoseconds, never over a call.

use std::num::NonZeroU32;

use crate::limit::Rate;

/// Leases of a bucket.
const SLOTS: usize = 8;
/// A call that was not answered for so long has failed: a store is given 20 ms.
const CALL_MS_MAX: u64 = 25;
/// A lease is at most this part of the count, so that what idle nodes hold is little.
const LEASE_PART_MAX: u32 = 10;
/// The smallest lease, where that part allows it: one call per hundred requests.
const LEASE_FIRST: u32 = 100;

/// What the store has said about a key in a window.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) enum Supply {
    /// There may be more.
    #[default]
    Open,
    /// There is no more.
    Exhausted,
    /// It does not know.
    Forgotten,
}

/// What a node has of one key.
#[derive(Clone, Copy, Default)]
pub(super) struct Lease {
    /// Zero is an empty slot.
    fingerprint: u32,
    /// The number of the window that all of this is about.
    window: u32,
    /// Tokens at hand.
    balance: u32,
    /// Tokens to ask for next; 0 before the first call.
    pace: u32,
    /// When the store lent last, in milliseconds of wall-clock time.
    lent_at_ms: u64,
    /// When a call went out that is not answered yet; 0 without one.
    asked_at_ms: u64,
    /// What the store said last.
    pub(super) supply: Supply,
}

/// Leases, and the ways to find one.
#[derive(Default)]
pub(super) struct Leases([Lease; SLOTS]);

// === impl Leases ===

impl Leases {
    /// The lease of a key in `window`, in place of another one if need be: one of a window that is over, else the one
    /// with the fewest tokens. Tokens that are forgotten so are not handed out by anybody: strict, never open.
    pub(super) fn of(&mut self, fingerprint: u32, window: u32) -> &mut Lease {
        let found = self.0.iter().position(|lease| lease.fingerprint == fingerprint);
        let index = found.unwrap_or_else(|| {
            let worth = |index: &usize| {
                let lease = &self.0[*index];
                (lease.window >= window, lease.balance)
            };
            (0..SLOTS).min_by_key(worth).expect("a bucket has slots")
        });
        let lease = &mut self.0[index];
        if found.is_none() {
            *lease = Lease { fingerprint, window, ..Lease::default() };
        }
        lease.turn_to(window);
        lease
    }
}

// === impl Lease ===

impl Lease {
    /// Begins a window. One that is over does not come back when a clock is set back.
    fn turn_to(&mut self, window: u32) {
        if window > self.window {
            *self = Self { window, balance: 0, asked_at_ms: 0, supply: Supply::Open, ..*self };
        }
    }

    /// Which window this is about.
    pub(super) fn window(&self) -> u32 {
        self.window
    }

    /// Takes tokens at hand.
    pub(super) fn spend(&mut self, cost: NonZeroU32) -> bool {
        let left = self.balance.checked_sub(cost.get());
        self.balance = left.unwrap_or(self.balance);
        left.is_some()
    }

    /// How many tokens to ask for. A lease that lasted less than a quarter of the period doubles the next one, one that
    /// lasted more than half of it halves the next. While a call is out, others ask only for what they need.
    pub(super) fn ask(&mut self, rate: Rate, cost: NonZeroU32, now_ms: u64) -> NonZeroU32 {
        if self.asked_at_ms != 0 && now_ms.saturating_sub(self.asked_at_ms) < CALL_MS_MAX {
            return cost;
        }
        let most = (rate.count() / LEASE_PART_MAX).max(1);
        let first = most.min(LEASE_FIRST);
        let period_ms = u64::try_from(rate.period().as_millis()).unwrap_or(u64::MAX);
        let lasted_ms = now_ms.saturating_sub(self.lent_at_ms);
        self.pace = match self.pace {
            0 => first,
            pace if lasted_ms < period_ms / 4 => pace.saturating_mul(2),
            pace if lasted_ms > period_ms / 2 => pace / 2,
            pace => pace,
        }
        .clamp(first, most);
        self.asked_at_ms = now_ms.max(1);
        cost.max(NonZeroU32::new(self.pace).expect("clamped to at least one"))
    }

    /// The store lent `tokens` of `want`.
    pub(super) fn lend(&mut self, tokens: u32, want: NonZeroU32, now_ms: u64) {
        self.balance = self.balance.saturating_add(tokens);
        self.lent_at_ms = now_ms;
        self.asked_at_ms = 0;
        if tokens < want.get() {
            self.supply = Supply::Exhausted;
        }
    }
}
