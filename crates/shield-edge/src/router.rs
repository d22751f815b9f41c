//! The table in force: claim, swap, return.
//!
//! A claim draws and counts under the read lock; a swap takes the write lock. So the number of claims a swap reports is
//! exact, and no request that arrives after the answer is routed by an older table.
//!
//! The draw is an independent random draw per request, by weight; inside a pool the healthy instance with the fewest
//! claims gets the request. A pool without a healthy instance is tried all the same ("panic mode"): probes may be wrong,
//! and a certain 503 is no better than a likely one. While the pool is watched this does not last: the verdict that no
//! instance is healthy moves its traffic at once.
//!
//! A release that failed its watch never gets new requests again while another pool has an endpoint, whatever later
//! tables say, until a table arrives that no longer names it.

use std::sync::{Arc, PoisonError, RwLock, RwLockReadGuard, RwLockWriteGuard, atomic::Ordering};

use shield_release::{InvalidTable, Outcome, ReturnReason, RouteTable};
use shield_types::{Generation, ReleaseId};

use crate::{
    claim::{Account, ActiveWatch, Claim},
    protocol::{PoolStatus, Verdict},
    routing::{Lane, State},
    upstream::Instance,
};

/// Routes requests by the table in force.
#[derive(Debug, Default)]
pub(crate) struct Router {
    state: RwLock<State>,
}

/// What a swap did.
#[derive(Debug)]
pub(crate) enum Swap {
    /// The table is in force.
    Applied {
        generation: Generation,
        /// Requests in flight at the moment of the swap.
        claims: u64,
        /// Instances the tables before did not have.
        arrived: Vec<Arc<Instance>>,
    },
    /// The table was not newer.
    Stale { generation: Generation },
}

// === impl Router ===

impl Router {
    fn read(&self) -> RwLockReadGuard<'_, State> {
        self.state.read().unwrap_or_else(PoisonError::into_inner)
    }

    fn write(&self) -> RwLockWriteGuard<'_, State> {
        self.state.write().unwrap_or_else(PoisonError::into_inner)
    }

    /// Draws a pool, picks an instance and counts the request on it, in one step no swap can interleave with.
    pub(crate) fn claim(&self) -> Option<Arc<Claim>> {
        let state = self.read();
        let lane = state.draw()?;
        let claim = match lane.pick(|instance| instance.healthy()) {
            Some(instance) => Claim::new(instance, state.account(lane)),
            None => Claim::in_panic(lane.pick(|_| true)?, state.account(lane)),
        };
        lane.counters.requests.fetch_add(1, Ordering::Relaxed);
        Some(claim)
    }

    /// Another healthy instance for a request whose attempt on `tried` failed: of the same pool, else of any other.
    pub(crate) fn claim_elsewhere(&self, first: &ReleaseId, tried: &[Arc<Instance>]) -> Option<Arc<Claim>> {
        let state = self.read();
        let fits =
            |instance: &Instance| instance.healthy() && tried.iter().all(|other| other.id != instance.id);
        let (same, others) = state.lanes_for_retries(first);
        let mut lanes = same.into_iter().chain(others);
        lanes.find_map(|lane| Some(Claim::new(lane.pick(fits)?, state.account(lane))))
    }

    /// A healthy instance of a release of which none was tried.
    pub(crate) fn claim_other_release(
        &self,
        first: &ReleaseId,
        tried: &[Arc<Instance>],
    ) -> Option<Arc<Claim>> {
        let state = self.read();
        let (_, others) = state.lanes_for_retries(first);
        let untried =
            |lane: &&Lane| tried.iter().all(|instance| *instance.id.release() != lane.counters.release);
        let mut lanes = others.into_iter().filter(untried);
        lanes.find_map(|lane| Some(Claim::new(lane.pick(Instance::healthy)?, state.account(lane))))
    }

    /// Books how the first attempt of a request ended; acts on the verdict if that was one error too many.
    pub(crate) fn book(&self, account: &Account, outcome: Outcome) {
        if outcome == Outcome::Error {
            account.counters.errors.fetch_add(1, Ordering::Relaxed);
        }
        if let Some(watch) = &account.watch
            && let Some(reason) = watch.observe(outcome)
        {
            self.condemn(watch, reason);
        }
    }

    /// To be called after an instance became unhealthy.
    pub(crate) fn instance_ejected(&self, instance: &Instance) {
        let watch = {
            let state = self.read();
            state.watched_without_health().filter(|watch| watch.release == *instance.id.release())
        };
        if let Some(watch) = watch {
            self.condemn(&watch, ReturnReason::NoHealthyInstance);
        }
    }

    fn condemn(&self, watch: &Arc<ActiveWatch>, reason: ReturnReason) {
        let mut state = self.write();
        // The table may have moved on between the outcome and the lock.
        let current = state.watch.as_ref().is_some_and(|(_, active)| Arc::ptr_eq(active, watch));
        if current {
            state.condemn(reason);
        }
    }

    /// Puts a table in force, unless one with the same or a higher generation is.
    pub(crate) fn apply(&self, table: RouteTable) -> Result<Swap, InvalidTable> {
        table.validate()?;
        let mut state = self.write();
        if let Some(current) = &state.table
            && table.generation <= current.generation
        {
            return Ok(Swap::Stale { generation: current.generation });
        }
        Ok(state.swap(table))
    }

    /// The table in force, every pool with claims or in the table, and the verdict.
    pub(crate) fn snapshot(&self) -> (Option<RouteTable>, Vec<PoolStatus>, Option<Verdict>) {
        let mut state = self.write();
        state.forget_drained();
        (state.table.clone(), state.pool_statuses(), state.verdict())
    }
}
