//! The books of one request: what its first attempt came to, and what the client saw.
//!
//! Only the first attempt counts for or against the pool it was drawn for, so a retry never hides an error. A request
//! that its client gave up is dropped without a booking, whatever the backend would have said.

use std::sync::{Arc, atomic::Ordering};

use shield_release::Outcome;

use crate::{claim::Account, edge::Edge};

/// Books each fact once.
pub(crate) struct Tally {
    edge: Arc<Edge>,
    account: Account,
    booked: bool,
    failed: bool,
}

// === impl Tally ===

impl Tally {
    pub(crate) fn new(edge: Arc<Edge>, account: Account) -> Self {
        Self { edge, account, booked: false, failed: false }
    }

    /// The outcome of the first attempt; later calls change nothing.
    pub(crate) fn book(&mut self, outcome: Outcome) {
        if !self.booked {
            self.booked = true;
            self.edge.router.book(&self.account, outcome);
        }
    }

    /// Another instance answered.
    pub(crate) fn retried(&self) {
        self.account.counters.retried.fetch_add(1, Ordering::Relaxed);
    }

    /// The client got a 5xx, or half an answer.
    pub(crate) fn client_saw_failure(&mut self) {
        if !self.failed {
            self.failed = true;
            self.account.counters.failed.fetch_add(1, Ordering::Relaxed);
        }
    }
}
