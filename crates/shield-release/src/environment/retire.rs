//! Taking a release out: first out of the table, then drained, then stopped. Never in another order.

use std::time::Duration;

use serde::{Deserialize, Serialize};
use shield_types::{ReleaseId, Timestamp};

use super::{Environment, InstancePhase, Position};

/// Longest wait for an edge to confirm that it no longer routes to a release, beyond the release's own drain.
const EDGE_SILENCE_MAX: Duration = Duration::from_secs(15);

/// How far the way out is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(super) enum Retirement {
    /// The edge has not yet confirmed a table without it.
    Unrouting {
        /// An edge that is silent for so long is taken for dead: it was killed, and none could be started.
        deadline: Timestamp,
    },
    /// No new request reaches it; those in flight may finish.
    Draining {
        /// They are cut then.
        deadline: Timestamp,
    },
    /// Its instances are told to stop.
    Stopping,
}

impl Environment {
    /// Begins the way out of `release`. Repeating it changes nothing.
    pub(super) fn retire(&mut self, release: &ReleaseId) {
        let drain = self.drain_of(release);
        let deadline = self.now.after(drain + EDGE_SILENCE_MAX);
        self.retiring.entry(release.clone()).or_insert(Retirement::Unrouting { deadline });
    }

    /// Takes every retirement as far as the state allows.
    pub(super) fn advance_retirements(&mut self) {
        for release in self.retiring.keys().cloned().collect::<Vec<_>>() {
            self.begin_draining_once_unrouted(&release);
            self.stop_at_drain_deadline(&release);
            self.forget_once_stopped(&release);
        }
    }

    /// The drain that `Drained` reports may have been seen before the edge confirmed the table: then it does not count.
    pub(super) fn drained(&mut self, release: &ReleaseId) {
        if matches!(self.retiring.get(release), Some(Retirement::Draining { .. })) {
            self.stop_instances(release);
        }
    }

    fn begin_draining_once_unrouted(&mut self, release: &ReleaseId) {
        if let Some(Retirement::Unrouting { deadline }) = self.retiring.get(release)
            && (self.settled() || self.now >= *deadline)
        {
            let deadline = self.now.after(self.drain_of(release));
            self.retiring.insert(release.clone(), Retirement::Draining { deadline });
        }
    }

    fn drain_of(&self, release: &ReleaseId) -> Duration {
        self.releases.get(release).map(|spec| spec.timings.drain).unwrap_or_default()
    }

    fn stop_at_drain_deadline(&mut self, release: &ReleaseId) {
        if let Some(Retirement::Draining { deadline }) = self.retiring.get(release)
            && self.now >= *deadline
        {
            self.stop_instances(release);
        }
    }

    /// Once an instance is told to stop there is no way back, so the other side must be alive by now.
    fn stop_instances(&mut self, release: &ReleaseId) {
        if !self.may_stop(release) {
            return;
        }
        self.retiring.insert(release.clone(), Retirement::Stopping);
        self.stop_all_of(release);
    }

    /// A release that is taken back may always stop: it has no weight, and keeping it would hold the way for the next one up
    /// for as long as the old side is broken.
    fn may_stop(&self, release: &ReleaseId) -> bool {
        let taken_back = self
            .rollout
            .as_ref()
            .is_some_and(|rollout| rollout.id() == release && rollout.position() == Position::RetiringNew);
        let other_side = self.rollout.as_ref().and(self.live.as_ref()).filter(|live| *live != release);
        !self.serving
            || taken_back
            || other_side.is_none_or(|live| self.has_healthy(live) || !self.has_healthy(release))
    }

    pub(super) fn stop_all_of(&mut self, release: &ReleaseId) {
        let now = self.now;
        self.instances.retain(|id, instance| {
            id.release() != release || instance.process.is_some() || instance.phase == InstancePhase::Starting
        });
        for (_, instance) in self.instances.iter_mut().filter(|(id, _)| id.release() == release) {
            if instance.phase != InstancePhase::Stopping {
                instance.phase = InstancePhase::Stopping;
                instance.since = now;
            }
        }
    }

    fn forget_once_stopped(&mut self, release: &ReleaseId) {
        let stopped = self.retiring.get(release) == Some(&Retirement::Stopping);
        if stopped && !self.instances.keys().any(|id| id.release() == release) {
            self.retiring.remove(release);
            if self.live.as_ref() != Some(release) {
                self.slots.remove(release);
                self.releases.remove(release);
            }
        }
    }
}
