//! The state behind the router's lock: lanes, instances that are leaving, the watch and its verdict.
//!
//! Plain data and functions over it, each called with the lock held; nothing here waits.

use std::sync::{
    Arc,
    atomic::{AtomicU64, Ordering},
};

use shield_release::{Baseline, Endpoint, Pool, PoolRole, ReturnReason, RouteTable, Watch, WatchOrder};
use shield_types::{Generation, ReleaseId};

use crate::{
    claim::{Account, ActiveWatch, PoolCounters},
    protocol::{EndpointStatus, PoolStatus, Verdict},
    router::Swap,
    upstream::Instance,
};

/// Releases whose counters are kept after they left the table.
const HISTORY_MAX: usize = 64;

/// What the router knows.
#[derive(Debug, Default)]
pub(crate) struct State {
    pub(crate) table: Option<RouteTable>,
    pub(crate) lanes: Vec<Lane>,
    /// Instances that left the table with claims.
    retired: Vec<Arc<Instance>>,
    /// Counters of releases, newest last.
    history: Vec<Arc<PoolCounters>>,
    /// The judgement under way, and the order it came from.
    pub(crate) watch: Option<(WatchOrder, Arc<ActiveWatch>)>,
    /// The verdict that is remembered, and the watch that gave it.
    condemned: Option<(Verdict, Arc<ActiveWatch>)>,
}

/// A pool of the table in force.
#[derive(Debug)]
pub(crate) struct Lane {
    pub(crate) counters: Arc<PoolCounters>,
    pub(crate) weight: u32,
    instances: Vec<Arc<Instance>>,
}

// === impl State ===

impl State {
    pub(crate) fn draw(&self) -> Option<&Lane> {
        let total: u32 = self.lanes.iter().map(|lane| lane.weight).sum();
        if total == 0 {
            return None;
        }
        let mut drawn = if self.lanes.len() == 1 { 0 } else { fastrand::u32(..total) };
        self.lanes.iter().find(|lane| match drawn.checked_sub(lane.weight) {
            Some(rest) => {
                drawn = rest;
                false
            }
            None => true,
        })
    }

    pub(crate) fn account(&self, lane: &Lane) -> Account {
        let watch = self.watch.as_ref().map(|(_, watch)| watch);
        let watch = watch.filter(|watch| watch.release == lane.counters.release);
        Account { counters: Arc::clone(&lane.counters), watch: watch.map(Arc::clone) }
    }

    pub(crate) fn is_condemned(&self, release: &ReleaseId) -> bool {
        self.condemned.as_ref().is_some_and(|(verdict, _)| verdict.release == *release)
    }

    pub(crate) fn watched_without_health(&self) -> Option<Arc<ActiveWatch>> {
        let (_, watch) = self.watch.as_ref()?;
        let lane = self.lanes.iter().find(|lane| lane.counters.release == watch.release)?;
        let healthy = lane.instances.iter().any(|instance| instance.healthy());
        (!healthy).then(|| Arc::clone(watch))
    }

    pub(crate) fn condemn(&mut self, reason: ReturnReason) {
        let Some((order, watch)) = self.watch.take() else { return };
        let verdict = Verdict { release: order.release, generation: watch.generation, reason, failed: 0 };
        tracing::warn!(release = %verdict.release, reason = ?verdict.reason, "watched pool failed");
        let go_back = watch.fallback.is_some();
        self.condemned = Some((verdict, watch));
        if go_back {
            self.take_traffic_off_condemned();
        }
    }

    /// Gives the condemned pool's weight to its fallback, else to the heaviest other pool; an empty pool gets nothing.
    fn take_traffic_off_condemned(&mut self) {
        let Some((verdict, watch)) = &self.condemned else { return };
        let position =
            |release: &ReleaseId| self.lanes.iter().position(|lane| lane.counters.release == *release);
        let Some(failed) = position(&verdict.release) else { return };
        let usable = |index: &usize| *index != failed && !self.lanes[*index].instances.is_empty();
        let fallback = watch.fallback.as_ref().and_then(position).filter(usable);
        let heaviest = || (0..self.lanes.len()).filter(usable).max_by_key(|index| self.lanes[*index].weight);
        let Some(target) = fallback.or_else(heaviest) else { return };
        let weight = std::mem::take(&mut self.lanes[failed].weight);
        self.lanes[target].weight += weight;
        let Some(table) = &mut self.table else { return };
        for (pool, lane) in table.pools.iter_mut().zip(&self.lanes) {
            pool.weight = u8::try_from(lane.weight).unwrap_or(100);
            if pool.weight > 0 {
                pool.role = PoolRole::Live;
            }
        }
    }

    pub(crate) fn swap(&mut self, table: RouteTable) -> Swap {
        let claims = self.claims();
        let (mut arrived, mut known) = (Vec::new(), self.take_instances());
        let lanes: Vec<Lane> =
            table.pools.iter().map(|pool| self.lane(pool, &mut known, &mut arrived)).collect();
        for instance in &known {
            instance.retire();
        }
        self.retired = known;
        self.forget_drained();
        self.lanes = lanes;
        let generation = table.generation;
        let order = table.watch.clone();
        if self.condemned.as_ref().is_some_and(|(verdict, _)| table.pool(&verdict.release).is_none()) {
            self.condemned = None;
        }
        self.table = Some(table);
        self.begin_watch(order, generation);
        self.take_traffic_off_condemned();
        if self.watched_without_health().is_some() {
            self.condemn(ReturnReason::NoHealthyInstance);
        }
        Swap::Applied { generation, claims, arrived }
    }

    fn claims(&self) -> u64 {
        let routed = self.lanes.iter().flat_map(|lane| &lane.instances);
        routed.chain(&self.retired).map(|instance| instance.claims.load(Ordering::Acquire)).sum()
    }

    fn take_instances(&mut self) -> Vec<Arc<Instance>> {
        let mut known = std::mem::take(&mut self.retired);
        known.extend(self.lanes.drain(..).flat_map(|lane| lane.instances));
        known
    }

    fn lane(
        &mut self,
        pool: &Pool,
        known: &mut Vec<Arc<Instance>>,
        arrived: &mut Vec<Arc<Instance>>,
    ) -> Lane {
        let mut instance = |endpoint: &Endpoint| {
            let same = |other: &Arc<Instance>| {
                other.id == endpoint.instance && other.address == endpoint.address && !other.retired()
            };
            if let Some(index) = known.iter().position(same) {
                return known.swap_remove(index);
            }
            let instance = Arc::new(Instance::new(endpoint.instance.clone(), endpoint.address));
            arrived.push(Arc::clone(&instance));
            instance
        };
        let instances = pool.endpoints.iter().map(&mut instance).collect();
        Lane { counters: self.counters(&pool.release), weight: u32::from(pool.weight), instances }
    }

    fn counters(&mut self, release: &ReleaseId) -> Arc<PoolCounters> {
        if let Some(index) = self.history.iter().position(|known| known.release == *release) {
            let counters = self.history.remove(index);
            self.history.push(Arc::clone(&counters));
            return counters;
        }
        let counters = Arc::new(PoolCounters::new(release.clone()));
        self.history.push(Arc::clone(&counters));
        if self.history.len() > HISTORY_MAX {
            self.history.remove(0);
        }
        counters
    }

    /// A table that repeats the order of the one before (an instance was replaced) goes on with the same judgement.
    fn begin_watch(&mut self, order: Option<WatchOrder>, generation: Generation) {
        let Some(order) = order.filter(|order| !self.is_condemned(&order.release)) else {
            self.watch = None;
            return;
        };
        if self.watch.as_ref().is_some_and(|(current, _)| *current == order) {
            return;
        }
        let count = |counter: &AtomicU64| counter.load(Ordering::Relaxed);
        let old = order.fallback.as_ref().map(|release| self.counters(release));
        let baseline = old.map_or_else(Baseline::default, |old| Baseline {
            requests: count(&old.requests),
            errors: count(&old.errors),
        });
        let failed_before = count(&self.counters(&order.release).failed);
        let judge = Watch::new(&order, baseline);
        let (release, fallback) = (order.release.clone(), order.fallback.clone());
        let active = ActiveWatch::new(release, fallback, generation, failed_before, judge);
        self.watch = Some((order, Arc::new(active)));
    }

    /// The pools that may take a request whose attempt in `first` failed: its own, and the others by weight. One that failed its
    /// watch and has nothing to go back to keeps its traffic, and with it its retries.
    pub(crate) fn lanes_for_retries(&self, first: &ReleaseId) -> (Vec<&Lane>, Vec<&Lane>) {
        let allowed = |lane: &&Lane| lane.weight > 0 || !self.is_condemned(&lane.counters.release);
        let (same, mut others): (Vec<&Lane>, Vec<&Lane>) =
            self.lanes.iter().filter(allowed).partition(|lane| lane.counters.release == *first);
        others.sort_by_key(|lane| std::cmp::Reverse(lane.weight));
        (same, others)
    }

    pub(crate) fn forget_drained(&mut self) {
        self.retired.retain(|instance| instance.claims.load(Ordering::Acquire) > 0);
    }

    pub(crate) fn verdict(&self) -> Option<Verdict> {
        let (verdict, watch) = self.condemned.as_ref()?;
        let counters = self.history.iter().find(|counters| counters.release == verdict.release);
        let failed = counters.map_or(0, |counters| counters.failed.load(Ordering::Relaxed));
        Some(Verdict { failed: failed.saturating_sub(watch.failed_before), ..verdict.clone() })
    }

    pub(crate) fn pool_statuses(&self) -> Vec<PoolStatus> {
        let in_table = self.lanes.iter().map(|lane| lane.status(&self.retired));
        let leaving = |counters: &&Arc<PoolCounters>| {
            self.lanes.iter().all(|lane| lane.counters.release != counters.release)
                && self.retired.iter().any(|instance| *instance.id.release() == counters.release)
        };
        let leaving = self.history.iter().filter(leaving).map(|counters| {
            let lane = Lane { counters: Arc::clone(counters), weight: 0, instances: Vec::new() };
            lane.status(&self.retired)
        });
        in_table.chain(leaving).collect()
    }
}

// === impl Lane ===

impl Lane {
    /// The instance with the fewest claims among those that fit; chance decides between equals.
    pub(crate) fn pick(&self, fits: impl Fn(&Instance) -> bool) -> Option<Arc<Instance>> {
        if let [only] = self.instances.as_slice() {
            return fits(only).then(|| Arc::clone(only));
        }
        let fitting = self.instances.iter().filter(|instance| fits(instance));
        let least =
            fitting.min_by_key(|instance| (instance.claims.load(Ordering::Relaxed), fastrand::u32(..)));
        least.map(Arc::clone)
    }

    fn status(&self, retired: &[Arc<Instance>]) -> PoolStatus {
        let count = |counter: &AtomicU64| counter.load(Ordering::Acquire);
        let leaving = retired.iter().filter(|instance| *instance.id.release() == self.counters.release);
        let endpoints: Vec<EndpointStatus> = self
            .instances
            .iter()
            .chain(leaving)
            .map(|instance| EndpointStatus {
                instance: instance.id.clone(),
                healthy: instance.healthy() && !instance.retired(),
                claims: count(&instance.claims),
            })
            .collect();
        PoolStatus {
            release: self.counters.release.clone(),
            claims: endpoints.iter().map(|endpoint| endpoint.claims).sum(),
            requests: count(&self.counters.requests),
            errors: count(&self.counters.errors),
            retried: count(&self.counters.retried),
            endpoints,
        }
    }
}
