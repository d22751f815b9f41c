//! When a failed attempt may be followed by another: pure decisions and one counter.
//!
//! A request is sent again only when that cannot apply it twice: when its method is idempotent and its body can still be
//! sent whole, or when it provably never left. Retries are paid for by requests (one per five, with a stock of 100), so
//! an outage is never multiplied. One kind is free: a request taken off an instance that was ejected goes where routing
//! would have sent it anyway.

use std::sync::atomic::{AtomicI64, Ordering};

use http::Method;

use super::FailureKind;

/// What a retry costs, in deposits.
const PRICE: i64 = 5;
/// Largest stock, in deposits.
const STOCK_MAX: i64 = 100 * PRICE;

/// Bounds retries to a fifth of the requests and a constant.
#[derive(Debug)]
pub(crate) struct RetryBudget(AtomicI64);

/// What to do after a failed attempt.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum RetryDecision {
    /// Answer the client with the failure.
    GiveUp,
    /// Try elsewhere if the budget allows.
    Pay,
    /// Try a pool of another release if the budget allows: the warm one, while a new one is watched.
    PayForOtherRelease,
    /// Try elsewhere.
    Free,
}

/// Whether a second application changes nothing (RFC 9110 9.2.2). TRACE is never forwarded.
pub(crate) fn idempotent(method: &Method) -> bool {
    matches!(*method, Method::GET | Method::HEAD | Method::OPTIONS | Method::PUT | Method::DELETE)
}

/// Decides from what is known of the failed attempt; `replayable`: idempotent, and the body can be sent whole.
pub(crate) fn decide(kind: FailureKind, unsent: bool, replayable: bool, retries_left: u32) -> RetryDecision {
    if retries_left == 0 || !(unsent || replayable) {
        return RetryDecision::GiveUp;
    }
    match kind {
        FailureKind::Ejected => RetryDecision::Free,
        // The client waited for the whole response timeout. It is not made to wait for more of the same; a pool that has
        // proven itself is another matter.
        FailureKind::Timeout => RetryDecision::PayForOtherRelease,
        FailureKind::Refused | FailureKind::Unreachable | FailureKind::Broken | FailureKind::Stale => {
            RetryDecision::Pay
        }
    }
}

// === impl RetryBudget ===

impl RetryBudget {
    pub(crate) fn new() -> Self {
        Self(AtomicI64::new(STOCK_MAX))
    }

    /// One more request was drawn.
    pub(crate) fn deposit(&self) {
        // A full stock, the normal state, costs a read and no write. Two threads may both pass the check; the stock is
        // then too large by one, which is no harm.
        if self.0.load(Ordering::Relaxed) < STOCK_MAX {
            self.0.fetch_add(1, Ordering::Relaxed);
        }
    }

    /// Takes the price of one retry, or nothing.
    pub(crate) fn withdraw(&self) -> bool {
        let paid = |stock: i64| (stock >= PRICE).then_some(stock - PRICE);
        self.0.fetch_update(Ordering::Relaxed, Ordering::Relaxed, paid).is_ok()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn never_repeats_what_may_have_applied() {
        for kind in [FailureKind::Broken, FailureKind::Timeout, FailureKind::Stale, FailureKind::Ejected] {
            assert_eq!(decide(kind, false, false, 2), RetryDecision::GiveUp, "{kind:?}");
        }
    }

    #[test]
    fn unsent_request_goes_elsewhere() {
        assert_eq!(decide(FailureKind::Refused, true, false, 2), RetryDecision::Pay);
        assert_eq!(decide(FailureKind::Refused, true, false, 0), RetryDecision::GiveUp);
    }

    #[test]
    fn budget_bounds_an_outage() {
        let budget = RetryBudget::new();
        let retries = (0..10_000)
            .filter(|_| {
                budget.deposit();
                budget.withdraw()
            })
            .count();
        assert!((2_000..=2_101).contains(&retries), "{retries}");
    }
}
