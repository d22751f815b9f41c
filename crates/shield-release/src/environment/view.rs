//! What follows from the state: the wanted table, the outstanding effects, the next deadline, and answers for readers.

use std::time::Duration;

use shield_types::{Generation, InstanceId, ReleaseId, Timestamp};

use super::{Environment, Instance, InstancePhase, Position, Rollout, retire::Retirement};
use crate::{Effect, Endpoint, FinishedRelease, Pool, PoolRole, ReleaseSpec, RouteTable, WatchOrder};

/// Accepted probability of taking back a good release, per release (DESIGN section 5).
const FALSE_RETURN_MAX: f64 = 0.01;

impl Environment {
    /// Everything that is ordered and not yet confirmed, from the state alone.
    pub fn outstanding(&self) -> Vec<Effect> {
        let route = (!self.settled()).then(|| Effect::Route { table: Box::new(self.table.clone()) });
        let instances = self.instances.iter().filter_map(|(id, instance)| self.instance_effect(id, instance));
        let drains =
            self.retiring.iter().filter(|(_, retirement)| matches!(retirement, Retirement::Draining { .. }));
        let drains = drains.map(|(release, _)| Effect::AwaitDrained { release: release.clone() });
        route.into_iter().chain(instances).chain(drains).collect()
    }

    fn instance_effect(&self, id: &InstanceId, instance: &Instance) -> Option<Effect> {
        let grace = || self.releases.get(id.release()).map_or(Duration::ZERO, |spec| spec.timings.stop_grace);
        match instance.phase {
            InstancePhase::Starting => Some(Effect::Start { instance: id.clone() }),
            InstancePhase::Running => Some(Effect::AwaitHealthy { instance: id.clone() }),
            InstancePhase::Stopping => Some(Effect::Stop { instance: id.clone(), grace: grace() }),
            InstancePhase::Waiting { .. } | InstancePhase::Healthy => None,
        }
    }

    /// When `Tick` is due next.
    pub fn next_deadline(&self) -> Option<Timestamp> {
        let position = self.rollout.as_ref().and_then(|rollout| match rollout.position {
            Position::Starting { deadline } | Position::Promoting { deadline } => Some(deadline),
            Position::Watching { until } => Some(until),
            Position::RetiringOld | Position::RetiringNew => None,
        });
        let drains = self.retiring.values().filter_map(|retirement| match retirement {
            Retirement::Draining { deadline } | Retirement::Unrouting { deadline } => Some(*deadline),
            Retirement::Stopping => None,
        });
        let waits = self.instances.values().filter_map(|instance| match instance.phase {
            InstancePhase::Waiting { until } => Some(until),
            _ => None,
        });
        let starts = self.start_deadlines().into_iter().map(|(_, deadline)| deadline);
        let deadlines = position.into_iter().chain(drains).chain(waits).chain(starts);
        // One that passed without effect waits for an event, not for time.
        deadlines.filter(|deadline| *deadline > self.now).min()
    }

    /// The table that the state calls for; only its contents count, the generation is set when it differs.
    pub(super) fn wanted_table(&self) -> RouteTable {
        let mut table = RouteTable::empty(self.table.generation);
        if !self.serving {
            return table;
        }
        let live = self.live.as_ref().filter(|live| !self.retiring.contains_key(*live));
        let warm = self.warm.as_ref().filter(|warm| !self.retiring.contains_key(*warm) && live.is_some());
        table.pools.extend(live.and_then(|id| self.pool(id, PoolRole::Live, 100)));
        table.pools.extend(warm.and_then(|id| self.pool(id, PoolRole::Warm, 0)));
        table.watch = self.watch_order();
        table
    }

    fn pool(&self, release: &ReleaseId, role: PoolRole, weight: u8) -> Option<Pool> {
        let spec = self.releases.get(release)?;
        let endpoint = |(id, instance): (&InstanceId, &Instance)| {
            let address = instance.process.as_ref()?.address;
            let routed = id.release() == release && instance.phase == InstancePhase::Healthy;
            routed.then(|| Endpoint { instance: id.clone(), address })
        };
        let endpoints = self.instances.iter().filter_map(endpoint).collect();
        let record = serde_json::to_value(spec).expect("a spec holds no map with keys that are not text");
        Some(Pool { release: release.clone(), role, weight, endpoints, record })
    }

    fn watch_order(&self) -> Option<WatchOrder> {
        let rollout = self.rollout.as_ref()?;
        let watched = matches!(rollout.position, Position::Promoting { .. } | Position::Watching { .. });
        let fallback = self.warm.clone().filter(|warm| self.has_healthy(warm));
        watched.then(|| WatchOrder {
            release: rollout.id().clone(),
            fallback,
            error_ratio_max: rollout.release().error_ratio_max,
            alpha: FALSE_RETURN_MAX,
        })
    }

    /// Latest time seen.
    pub fn time(&self) -> Timestamp {
        self.now
    }

    /// Whether the edge routes by the newest table.
    pub fn settled(&self) -> bool {
        self.routed >= self.table.generation
    }

    /// Whether `release` has an instance that may get traffic.
    pub fn has_healthy(&self, release: &ReleaseId) -> bool {
        let of_release = |(id, _): &(&InstanceId, &Instance)| id.release() == release;
        self.instances.iter().filter(of_release).any(|(_, instance)| instance.phase == InstancePhase::Healthy)
    }

    /// Whether the release under way can still be taken back by a swap.
    pub fn reversible(&self) -> bool {
        self.rollout.as_ref().is_some_and(|rollout| match rollout.position {
            Position::Starting { .. } => true,
            Position::Promoting { .. } | Position::Watching { .. } | Position::RetiringOld => {
                self.can_return(rollout)
            }
            Position::RetiringNew => false,
        })
    }

    /// The old pool is there, alive, and not yet told to stop.
    pub(super) fn can_return(&self, rollout: &Rollout) -> bool {
        rollout.previous().is_some_and(|previous| {
            self.has_healthy(previous) && self.retiring.get(previous) != Some(&Retirement::Stopping)
        })
    }

    /// The newest table.
    pub fn table(&self) -> &RouteTable {
        &self.table
    }

    /// Number of the newest table.
    pub fn generation(&self) -> Generation {
        self.table.generation
    }

    /// Newest generation the edge confirmed.
    pub fn routed(&self) -> Generation {
        self.routed
    }

    /// The release that carries the traffic.
    pub fn live(&self) -> Option<&ReleaseId> {
        self.live.as_ref()
    }

    /// The release under way.
    pub fn underway(&self) -> Option<&Rollout> {
        self.rollout.as_ref()
    }

    /// Finished releases, oldest first.
    pub fn history(&self) -> impl DoubleEndedIterator<Item = &FinishedRelease> {
        self.history.iter()
    }

    /// Every process that runs, or should.
    pub fn instances(&self) -> impl Iterator<Item = (&InstanceId, &Instance)> {
        self.instances.iter()
    }

    /// One of them.
    pub fn instance(&self, id: &InstanceId) -> Option<&Instance> {
        self.instances.get(id)
    }

    /// The spec of a release that has, or should have, instances.
    pub fn release(&self, id: &ReleaseId) -> Option<&ReleaseSpec> {
        self.releases.get(id)
    }

    /// Whether the release is being taken out, or was.
    pub fn retiring(&self, id: &ReleaseId) -> bool {
        self.retiring.contains_key(id)
    }

    /// Number of the newest release ever requested.
    pub fn newest_number(&self) -> u64 {
        self.newest_number
    }

    /// False after `down`.
    pub fn serving(&self) -> bool {
        self.serving
    }

    /// Whether nothing runs any more after `down`.
    pub fn down(&self) -> bool {
        !self.serving && self.instances.is_empty() && self.rollout.is_none()
    }

    /// The newest finished release that worked, other than what is live now: what `rollback` brings back.
    pub fn rollback_target(&self) -> Option<&ReleaseSpec> {
        let live = self.live.as_ref().and_then(|live| self.releases.get(live));
        let differs = |spec: &ReleaseSpec| live.is_none_or(|live| live.digest != spec.digest);
        self.history
            .iter()
            .rev()
            .filter(|finished| finished.succeeded())
            .map(|it| &it.spec)
            .find(|it| differs(it))
    }
}
