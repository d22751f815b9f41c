//! Keeps the pools that carry, or may carry, traffic at their size: a dead instance is replaced, with a growing wait.

use std::time::Duration;

use serde::{Deserialize, Serialize};
use shield_types::{InstanceId, ReleaseId, Timestamp};

use super::{Environment, Instance, InstancePhase};

/// Wait before the first restart in a row; doubles with each further one.
const RESTART_WAIT_MIN: Duration = Duration::from_millis(250);
/// Longest wait between restarts.
const RESTART_WAIT_MAX: Duration = Duration::from_secs(30);
/// An instance that was healthy for so long starts the count again.
const STABLE_AFTER: Duration = Duration::from_secs(60);

/// One place in a pool.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Slot {
    /// Number of the newest process.
    attempt: u32,
    /// Processes in a row that died young.
    failures: u32,
}

impl Environment {
    /// Slots of a new release, filled with its first processes.
    pub(super) fn fill_slots(&mut self, release: &ReleaseId) {
        let Some(spec) = self.releases.get(release) else { return };
        let first = spec.first_instances();
        self.slots.insert(release.clone(), vec![Slot { attempt: 0, failures: 0 }; first.len()]);
        for id in first {
            self.instances
                .insert(id, Instance { phase: InstancePhase::Starting, process: None, since: self.now });
        }
    }

    /// Slots of a rebuilt release: new processes continue the numbers of those that run.
    pub(super) fn remember_attempts(&mut self, release: &ReleaseId) {
        let count = self.releases.get(release).map_or(0, |spec| spec.instances);
        let newest = |slot| {
            let of_slot = self.instances.keys().filter(|id| id.release() == release && id.slot() == slot);
            of_slot.map(InstanceId::attempt).max().unwrap_or(0)
        };
        let slots = (0..count).map(|slot| Slot { attempt: newest(slot), failures: 0 }).collect();
        self.slots.insert(release.clone(), slots);
    }

    /// Counts the death of an instance, so that the next one waits longer.
    pub(super) fn count_death(&mut self, id: &InstanceId, dead: &Instance) {
        let lived = self.now.since(dead.since);
        let stable = dead.phase == InstancePhase::Healthy && lived >= STABLE_AFTER;
        if let Some(slot) =
            self.slots.get_mut(id.release()).and_then(|slots| slots.get_mut(usize::from(id.slot())))
        {
            slot.failures = if stable { 1 } else { slot.failures.saturating_add(1) };
        }
    }

    /// Orders a replacement for every empty slot of the live and the warm pool, and starts those whose wait is over.
    pub(super) fn supervise(&mut self) {
        for release in [self.live.clone(), self.warm.clone()].into_iter().flatten() {
            if self.serving && !self.retiring.contains_key(&release) {
                self.refill(&release);
            }
        }
        self.start_what_waited();
        self.stop_what_never_became_healthy();
    }

    fn refill(&mut self, release: &ReleaseId) {
        let now = self.now;
        let count = self.releases.get(release).map_or(0, |spec| usize::from(spec.instances));
        let slots = self
            .slots
            .entry(release.clone())
            .or_insert_with(|| vec![Slot { attempt: 0, failures: 0 }; count]);
        for (index, slot) in (0u16..).zip(slots.iter_mut()) {
            let filled = self.instances.keys().any(|id| id.release() == release && id.slot() == index);
            if filled {
                continue;
            }
            slot.attempt = slot.attempt.saturating_add(1);
            let until = now.after(restart_wait(slot.failures));
            let id = InstanceId::new(release.clone(), index, slot.attempt);
            let phase = InstancePhase::Waiting { until };
            self.instances.insert(id, Instance { phase, process: None, since: now });
        }
    }

    fn start_what_waited(&mut self) {
        let now = self.now;
        for instance in self.instances.values_mut() {
            if matches!(instance.phase, InstancePhase::Waiting { until } if now >= until) {
                instance.phase = InstancePhase::Starting;
                instance.since = now;
            }
        }
    }

    /// The release under way has a deadline of its own; a replacement in a supervised pool has this one.
    fn stop_what_never_became_healthy(&mut self) {
        for (id, deadline) in self.start_deadlines() {
            if self.now >= deadline
                && let Some(instance) = self.instances.get_mut(&id)
            {
                instance.phase = InstancePhase::Stopping;
                instance.since = self.now;
            }
        }
    }

    /// When each replacement that is starting must be healthy.
    pub(super) fn start_deadlines(&self) -> Vec<(InstanceId, Timestamp)> {
        let supervised =
            |id: &InstanceId| [&self.live, &self.warm].into_iter().flatten().any(|it| it == id.release());
        let starting =
            |instance: &Instance| matches!(instance.phase, InstancePhase::Starting | InstancePhase::Running);
        let deadline = |id: &InstanceId, since: Timestamp| {
            self.releases.get(id.release()).map(|spec| (id.clone(), since.after(spec.timings.start_deadline)))
        };
        self.instances
            .iter()
            .filter(|(id, instance)| supervised(id) && starting(instance))
            .filter_map(|(id, instance)| deadline(id, instance.since))
            .collect()
    }
}

fn restart_wait(failures: u32) -> Duration {
    let doublings = failures.saturating_sub(1).min(16);
    RESTART_WAIT_MIN.saturating_mul(1 << doublings).min(RESTART_WAIT_MAX)
}
