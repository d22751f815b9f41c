//! Rebuilding the state when the journal is lost or cannot be trusted: from the edge's live table, which is what users see,
//! from the processes that run, and from the last good snapshot for what neither of them knows (the history).

use std::collections::{BTreeMap, BTreeSet};

use shield_types::{Generation, InstanceId};

use super::{Environment, Instance, InstancePhase, ProcessRef};
use crate::{Pool, PoolRole, ReleaseSpec, RouteTable};

/// What is still known without a journal.
#[derive(Clone, Debug, Default)]
pub struct Remains {
    /// The snapshot written at the end of the last release.
    pub last_good: Option<Environment>,
    /// The table the edge routes by.
    pub table: Option<RouteTable>,
    /// The instances that run.
    pub processes: BTreeMap<InstanceId, ProcessRef>,
}

impl Environment {
    /// A state in which the release that carries the traffic keeps it, whatever was under way is over, and the next table
    /// has a higher number than any before. Instances of other releases are left out: the caller stops them.
    pub fn rebuild(remains: Remains) -> Self {
        let base = remains.last_good.unwrap_or_default();
        let numbers = remains.processes.keys().map(|id| id.release().number());
        let specs =
            remains.table.iter().flat_map(|table| &table.pools).filter_map(spec_of).collect::<Vec<_>>();
        let newest_number =
            numbers.chain(specs.iter().map(|spec| spec.number)).chain([base.newest_number]).max();
        let routed = remains.table.as_ref().and_then(|table| {
            let live = table.pools.iter().find(|pool| pool.role == PoolRole::Live && pool.weight > 0)?;
            spec_of(live)
        });
        let remembered = base.live.as_ref().and_then(|live| base.releases.get(live)).cloned();
        let endpoints = remains.table.iter().flat_map(|table| &table.pools).flat_map(|pool| &pool.endpoints);
        let endpoints: BTreeSet<InstanceId> = endpoints.map(|endpoint| endpoint.instance.clone()).collect();
        let generation =
            remains.table.map_or(Generation(0), |table| table.generation).max(base.table.generation);
        let mut rebuilt = Self {
            table: RouteTable::empty(generation),
            history: base.history,
            newest_number: newest_number.unwrap_or(0),
            now: base.now,
            serving: base.serving || routed.is_some(),
            ..Self::default()
        };
        if let Some(spec) = routed.or(remembered) {
            rebuilt.carry_on(spec, &remains.processes, &endpoints);
        }
        rebuilt.settle();
        rebuilt
    }

    /// Instances in the edge's table were healthy; others are probed again before they get traffic.
    fn carry_on(
        &mut self,
        spec: ReleaseSpec,
        processes: &BTreeMap<InstanceId, ProcessRef>,
        endpoints: &BTreeSet<InstanceId>,
    ) {
        let live = spec.id.clone();
        self.releases.insert(live.clone(), spec);
        for (id, process) in processes.iter().filter(|(id, _)| id.release() == &live) {
            let phase = if endpoints.contains(id) { InstancePhase::Healthy } else { InstancePhase::Running };
            self.instances
                .insert(id.clone(), Instance { phase, process: Some(process.clone()), since: self.now });
        }
        self.remember_attempts(&live);
        self.live = Some(live);
    }
}

fn spec_of(pool: &Pool) -> Option<ReleaseSpec> {
    serde_json::from_value(pool.record.clone()).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_left_is_an_empty_state() {
        let rebuilt = Environment::rebuild(Remains::default());
        assert!(rebuilt.serving() && rebuilt.live().is_none() && rebuilt.settled());
    }

    #[test]
    fn number_survives_in_the_processes() {
        let process =
            ProcessRef { address: "127.0.0.1:20000".parse().unwrap(), identity: serde_json::Value::Null };
        let processes = BTreeMap::from([("r41-9f3a1c00.0.0".parse().unwrap(), process)]);
        assert_eq!(Environment::rebuild(Remains { processes, ..Remains::default() }).newest_number(), 41);
    }
}
