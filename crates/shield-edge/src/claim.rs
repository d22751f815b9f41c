//! A request in flight on an instance.
//!
//! A claim is taken inside the router's read lock, so a swap of tables can never fall between choosing an instance and
//! being counted on it. It ends when its last owner drops it: the response body, the request body, or the tunnel.

use std::sync::{
    Arc, Mutex, PoisonError,
    atomic::{AtomicU64, Ordering},
};

use shield_release::{Outcome, ReturnReason, Watch};
use shield_types::{Generation, ReleaseId};

use crate::upstream::Instance;

/// Counts of one release; they outlive the tables that name it.
#[derive(Debug)]
pub(crate) struct PoolCounters {
    pub(crate) release: ReleaseId,
    /// Requests drawn for the pool.
    pub(crate) requests: AtomicU64,
    /// First attempts that failed.
    pub(crate) errors: AtomicU64,
    /// Requests another instance answered after the first attempt failed.
    pub(crate) retried: AtomicU64,
    /// Requests drawn for the pool that clients saw fail.
    pub(crate) failed: AtomicU64,
}

/// The judgement under way.
#[derive(Debug)]
pub(crate) struct ActiveWatch {
    pub(crate) release: ReleaseId,
    /// Where the traffic goes back to.
    pub(crate) fallback: Option<ReleaseId>,
    /// Generation of the table that ordered it.
    pub(crate) generation: Generation,
    /// The pool's failed requests when the watch began.
    pub(crate) failed_before: u64,
    judge: Mutex<Watch>,
}

/// Where the outcome of a request is booked: the pool it was drawn for, and the watch of that moment.
#[derive(Clone, Debug)]
pub(crate) struct Account {
    pub(crate) counters: Arc<PoolCounters>,
    pub(crate) watch: Option<Arc<ActiveWatch>>,
}

/// One request in flight on one instance.
#[derive(Debug)]
pub(crate) struct Claim {
    pub(crate) instance: Arc<Instance>,
    pub(crate) account: Account,
    /// The instance was healthy when it was picked: its ejection since then is news.
    pub(crate) healthy: bool,
}

// === impl PoolCounters ===

impl PoolCounters {
    pub(crate) fn new(release: ReleaseId) -> Self {
        Self {
            release,
            requests: AtomicU64::new(0),
            errors: AtomicU64::new(0),
            retried: AtomicU64::new(0),
            failed: AtomicU64::new(0),
        }
    }
}

// === impl ActiveWatch ===

impl ActiveWatch {
    pub(crate) fn new(
        release: ReleaseId,
        fallback: Option<ReleaseId>,
        generation: Generation,
        failed_before: u64,
        judge: Watch,
    ) -> Self {
        Self { release, fallback, generation, failed_before, judge: Mutex::new(judge) }
    }

    pub(crate) fn observe(&self, outcome: Outcome) -> Option<ReturnReason> {
        self.judge.lock().unwrap_or_else(PoisonError::into_inner).observe(outcome)
    }
}

// === impl Claim ===

impl Claim {
    /// A claim on an instance that was picked as a healthy one. Only the router may call this, and only under its lock.
    pub(crate) fn new(instance: Arc<Instance>, account: Account) -> Arc<Self> {
        instance.claims.fetch_add(1, Ordering::Relaxed);
        Arc::new(Self { instance, account, healthy: true })
    }

    /// The same for one that was picked for want of a healthy one.
    pub(crate) fn in_panic(instance: Arc<Instance>, account: Account) -> Arc<Self> {
        instance.claims.fetch_add(1, Ordering::Relaxed);
        Arc::new(Self { instance, account, healthy: false })
    }
}

impl Drop for Claim {
    fn drop(&mut self) {
        // Whoever reads zero must also see everything the request did.
        self.instance.claims.fetch_sub(1, Ordering::Release);
    }
}
