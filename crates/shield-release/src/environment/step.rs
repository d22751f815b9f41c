//! The transitions.

use std::{net::SocketAddr, time::Duration};

use shield_types::{InstanceId, ReleaseId, Timestamp};

use super::{
    Environment, HISTORY_MAX, Instance, InstancePhase, Position, ProcessRef, Rollout, retire::Retirement,
};
use crate::{Effect, Event, FinishedRelease, Plan, ReleaseOutcome, RouteTable};

/// Whoever probes the instances reports at the deadline what the last probe said; this much later it counts as silent.
const REPORT_SLACK: Duration = Duration::from_secs(2);

impl Environment {
    /// Takes one event in and returns what is newly to be done. Time never runs backwards: an earlier `now` counts as the
    /// latest one seen.
    pub fn step(&mut self, now: Timestamp, event: Event) -> Vec<Effect> {
        let before = self.outstanding();
        self.now = self.now.max(now);
        self.apply(event);
        self.settle();
        let mut effects = self.outstanding();
        effects.retain(|effect| !before.contains(effect));
        effects
    }

    fn apply(&mut self, event: Event) {
        match event {
            Event::Requested { plan } => self.begin(*plan),
            Event::Started { instance, address, process } => self.started(&instance, address, process),
            Event::Healthy { instance } => self.healthy(&instance),
            Event::StartFailed { instance, reason } => self.start_failed(&instance, &reason),
            Event::Exited { instance, reason } => self.exited(&instance, &reason),
            Event::Routed { generation, claims } => {
                if generation > self.routed && generation <= self.table.generation {
                    self.routed = generation;
                    self.note_claims(claims);
                }
            }
            Event::Drained { release } => self.drained(&release),
            Event::Judged { release, reason } => self.judged(&release, reason),
            Event::RollbackRequested { reason } => {
                if self.reversible() {
                    self.go_back(reason);
                }
            }
            Event::DownRequested => self.go_down(),
            Event::UpRequested => self.go_up(),
            Event::Tick => {}
        }
    }

    /// Takes every automatic transition that the state allows, then numbers the table if its contents changed.
    pub(super) fn settle(&mut self) {
        self.renumber();
        for _ in 0..8 {
            let before = (self.rollout.clone(), self.retiring.clone(), self.instances.len());
            self.advance_rollout();
            self.renumber();
            self.advance_retirements();
            self.supervise();
            self.renumber();
            if before == (self.rollout.clone(), self.retiring.clone(), self.instances.len()) {
                return;
            }
        }
    }

    fn renumber(&mut self) {
        let wanted = self.wanted_table();
        if wanted != self.table {
            self.table = RouteTable { generation: self.table.generation.next(), ..wanted };
        }
    }

    fn begin(&mut self, plan: Plan) {
        let stale = plan.base != self.table.generation || plan.release.number <= self.newest_number;
        if self.rollout.is_some() || stale || !self.serving {
            return;
        }
        let id = plan.release.id.clone();
        self.newest_number = plan.release.number;
        self.releases.insert(id.clone(), plan.release.clone());
        self.fill_slots(&id);
        let deadline = self.now.after(plan.release.timings.start_deadline + REPORT_SLACK);
        self.rollout = Some(Rollout {
            plan,
            position: Position::Starting { deadline },
            started_at: self.now,
            promoted_at: None,
            claims_at_swap: None,
            outcome: ReleaseOutcome::Done,
        });
    }

    fn started(&mut self, id: &InstanceId, address: SocketAddr, identity: serde_json::Value) {
        let now = self.now;
        let Some(instance) = self.instances.get_mut(id) else { return };
        if instance.process.is_none() {
            instance.process = Some(ProcessRef { address, identity });
            if instance.phase == InstancePhase::Starting {
                instance.phase = InstancePhase::Running;
                instance.since = now;
            }
        }
    }

    fn healthy(&mut self, id: &InstanceId) {
        let now = self.now;
        if let Some(instance) = self.instances.get_mut(id).filter(|it| it.phase == InstancePhase::Running) {
            instance.phase = InstancePhase::Healthy;
            instance.since = now;
        }
    }

    fn start_failed(&mut self, id: &InstanceId, reason: &str) {
        let Some(instance) = self.instances.get(id).cloned() else { return };
        if !matches!(instance.phase, InstancePhase::Starting | InstancePhase::Running) {
            // A process that never came to be needs no stopping.
            if instance.process.is_none() {
                self.instances.remove(id);
            }
            return;
        }
        self.count_death(id, &instance);
        if instance.process.is_none() {
            self.instances.remove(id);
        } else if let Some(instance) = self.instances.get_mut(id) {
            instance.phase = InstancePhase::Stopping;
        }
        self.side_lost_an_instance(id, reason);
    }

    fn exited(&mut self, id: &InstanceId, reason: &str) {
        let Some(dead) = self.instances.remove(id) else { return };
        if dead.phase != InstancePhase::Stopping {
            self.count_death(id, &dead);
            self.side_lost_an_instance(id, reason);
        }
    }

    /// A death on the new side takes the release back while that is possible; elsewhere supervision replaces the instance.
    fn side_lost_an_instance(&mut self, id: &InstanceId, reason: &str) {
        let Some(rollout) = self.rollout.as_ref().filter(|rollout| rollout.id() == id.release()) else {
            return;
        };
        let reason = format!("instance {id}: {reason}");
        match rollout.position {
            Position::Starting { .. } => self.go_back(reason),
            Position::Promoting { .. } | Position::Watching { .. } => {
                self.judged(&id.release().clone(), reason)
            }
            Position::RetiringOld if !self.has_healthy(id.release()) => {
                self.judged(&id.release().clone(), reason)
            }
            Position::RetiringOld | Position::RetiringNew => {}
        }
    }

    /// The new side failed after the swap: back if there is a way, otherwise it is kept and the outcome says why.
    fn judged(&mut self, release: &ReleaseId, reason: String) {
        let Some(rollout) = self.rollout.as_ref().filter(|rollout| rollout.id() == release) else { return };
        let swapped = !matches!(rollout.position, Position::Starting { .. } | Position::RetiringNew);
        if !swapped {
            return;
        }
        if self.can_return(rollout) {
            self.go_back(reason);
        } else if let Some(rollout) = &mut self.rollout
            && rollout.outcome == ReleaseOutcome::Done
        {
            rollout.outcome = ReleaseOutcome::Kept { reason };
        }
    }

    /// Gives the old side the traffic and takes the new one out. Callers made sure that there is a way back. In an environment
    /// that is taken down the old side is live again, and on its way out all the same.
    fn go_back(&mut self, reason: String) {
        let Some(rollout) = &mut self.rollout else { return };
        rollout.position = Position::RetiringNew;
        rollout.outcome = ReleaseOutcome::RolledBack { reason };
        let (new, previous) = (rollout.id().clone(), rollout.previous().cloned());
        if let Some(previous) = previous.as_ref().filter(|_| self.serving) {
            self.retiring.remove(previous);
        }
        self.live = previous;
        self.warm = None;
        self.retire(&new);
    }

    fn go_down(&mut self) {
        self.serving = false;
        let (unpromoted, back) = self
            .rollout
            .as_ref()
            .map_or((false, false), |rollout| (rollout.promoted_at.is_none(), self.can_return(rollout)));
        let decided = self
            .rollout
            .as_ref()
            .is_none_or(|rollout| matches!(rollout.position, Position::RetiringOld | Position::RetiringNew));
        if (unpromoted || back) && !decided {
            self.go_back("the environment was taken down".to_owned());
        } else if let Some(rollout) = self.rollout.as_mut().filter(|_| !decided) {
            rollout.position = Position::RetiringOld;
            let reason = "the watch was cut short: the environment was taken down".to_owned();
            rollout.outcome = ReleaseOutcome::Kept { reason };
        }
        for release in self.releases.keys().cloned().collect::<Vec<_>>() {
            self.retire(&release);
        }
    }

    /// A live release that was not yet told to stop just carries on.
    fn go_up(&mut self) {
        self.serving = true;
        if let Some(live) = &self.live
            && self.retiring.get(live) != Some(&Retirement::Stopping)
        {
            self.retiring.remove(live);
        }
    }

    fn advance_rollout(&mut self) {
        let Some(rollout) = &self.rollout else { return };
        match rollout.position {
            Position::Starting { deadline } => self.promote_or_give_up(deadline),
            Position::Promoting { deadline } => self.watch_or_give_up(deadline),
            Position::Watching { until } => self.end_watch(until),
            Position::RetiringOld => self.finish_once_gone(rollout.previous().cloned()),
            Position::RetiringNew => self.finish_once_gone(Some(rollout.id().clone())),
        }
    }

    fn promote_or_give_up(&mut self, deadline: Timestamp) {
        let Some(rollout) = &mut self.rollout else { return };
        let id = rollout.id().clone();
        let of_release = |(it, _): &(&InstanceId, &Instance)| it.release() == &id;
        let mut instances = self.instances.iter().filter(of_release);
        if instances.all(|(_, instance)| instance.phase == InstancePhase::Healthy) {
            let deadline = self.now.after(rollout.release().timings.promote_deadline);
            rollout.position = Position::Promoting { deadline };
            self.warm = rollout.previous().cloned();
            self.live = Some(id);
        } else if self.now >= deadline {
            let limit = shield_types::format_duration(rollout.release().timings.start_deadline);
            self.go_back(format!("not every instance was healthy within start_deadline = {limit}"));
        }
    }

    fn watch_or_give_up(&mut self, deadline: Timestamp) {
        let settled = self.settled();
        let Some(rollout) = &mut self.rollout else { return };
        if settled {
            rollout.promoted_at = Some(self.now);
            rollout.position = Position::Watching { until: self.now.after(rollout.release().timings.watch) };
        } else if self.now >= deadline && self.reversible() {
            self.go_back("the edge did not confirm the swap in time".to_owned());
        }
    }

    fn end_watch(&mut self, until: Timestamp) {
        let over = self.now >= until;
        let Some(rollout) = &mut self.rollout else { return };
        if !over {
            return;
        }
        rollout.position = Position::RetiringOld;
        self.warm = None;
        if let Some(previous) = rollout.previous().cloned() {
            self.retire(&previous);
        }
    }

    fn finish_once_gone(&mut self, side: Option<ReleaseId>) {
        if side.is_some_and(|side| self.retiring.contains_key(&side)) {
            return;
        }
        let Some(rollout) = self.rollout.take() else { return };
        if self.history.len() == HISTORY_MAX {
            self.history.pop_front();
        }
        self.history.push_back(FinishedRelease {
            previous: rollout.previous().cloned(),
            outcome: rollout.outcome,
            started_at: rollout.started_at,
            promoted_at: rollout.promoted_at,
            finished_at: self.now,
            claims_at_swap: rollout.claims_at_swap,
            spec: rollout.plan.release,
        });
    }

    /// Makes room; false when there is no history left.
    pub fn forget_oldest_release(&mut self) -> bool {
        self.history.pop_front().is_some()
    }

    fn note_claims(&mut self, claims: u64) {
        if let Some(rollout) = &mut self.rollout
            && matches!(rollout.position, Position::Promoting { .. })
            && self.routed >= self.table.generation
        {
            rollout.claims_at_swap = Some(claims);
        }
    }
}
