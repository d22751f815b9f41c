//! When an instance counts as healthy: never after one success.
//!
//! Nomad's `min_healthy_time` is the model: an instance must answer `k` probes in a row *and* keep doing so for a while;
//! a single failure starts the count again. A backend that answers one probe and dies never gets traffic.

use std::time::Duration;

use serde::{Deserialize, Serialize};
use shield_types::Timestamp;

/// What it takes to become healthy, and to stop being it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct HealthPolicy {
    /// Successes in a row that are needed, at least 2.
    pub successes: u32,
    /// How long the run of successes must last.
    pub min_healthy: Duration,
    /// Failures in a row after which a healthy instance is unhealthy.
    pub failures: u32,
}

/// What is known of an instance.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Health {
    /// Not yet enough successes.
    Pending,
    /// May get traffic.
    Healthy,
    /// Was healthy and no longer is.
    Unhealthy,
}

/// Turns probe results into health.
#[derive(Clone, Debug)]
pub struct HealthTracker {
    policy: HealthPolicy,
    health: Health,
    /// Start and length of the present run of successes.
    run: Option<(Timestamp, u32)>,
    /// Length of the present run of failures.
    failures: u32,
}

// === impl HealthPolicy ===

impl HealthPolicy {
    /// Start-up of a new release: three successes at least, over `min_healthy`.
    pub fn starting(min_healthy: Duration) -> Self {
        Self { successes: 3, min_healthy, failures: 1 }
    }

    /// An instance that already takes traffic: two failures take it out, two successes bring it back.
    pub fn routed() -> Self {
        Self { successes: 2, min_healthy: Duration::ZERO, failures: 2 }
    }
}

// === impl HealthTracker ===

impl HealthTracker {
    /// A tracker that has seen nothing: pending.
    pub fn new(policy: HealthPolicy) -> Self {
        Self { policy, health: Health::Pending, run: None, failures: 0 }
    }

    /// A tracker of an instance that another one already found healthy.
    pub fn healthy(policy: HealthPolicy) -> Self {
        Self { health: Health::Healthy, ..Self::new(policy) }
    }

    /// What is known now.
    pub fn health(&self) -> Health {
        self.health
    }

    /// Takes one probe result in; `now` never runs backwards.
    pub fn observe(&mut self, now: Timestamp, success: bool) -> Health {
        if success {
            self.observe_success(now);
        } else {
            self.observe_failure();
        }
        self.health
    }

    fn observe_success(&mut self, now: Timestamp) {
        self.failures = 0;
        let (since, count) = self.run.map_or((now, 1), |(since, count)| (since, count.saturating_add(1)));
        self.run = Some((since, count));
        if count >= self.policy.successes && now.since(since) >= self.policy.min_healthy {
            self.health = Health::Healthy;
        }
    }

    fn observe_failure(&mut self) {
        self.run = None;
        self.failures = self.failures.saturating_add(1);
        if self.health == Health::Healthy && self.failures >= self.policy.failures {
            self.health = Health::Unhealthy;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tracker() -> HealthTracker {
        HealthTracker::new(HealthPolicy::starting(Duration::from_secs(2)))
    }

    #[test]
    fn one_success_is_not_health() {
        assert_eq!(tracker().observe(Timestamp(0), true), Health::Pending);
    }

    #[test]
    fn needs_count_and_duration() {
        let mut many_at_once = tracker();
        assert!((0..100).all(|_| many_at_once.observe(Timestamp(5), true) == Health::Pending));
        let mut few_over_time = tracker();
        assert_eq!(few_over_time.observe(Timestamp(0), true), Health::Pending);
        assert_eq!(few_over_time.observe(Timestamp(9_000), true), Health::Pending);
        assert_eq!(few_over_time.observe(Timestamp(9_001), true), Health::Healthy);
    }

    #[test]
    fn failure_starts_the_run_again() {
        let mut tracker = tracker();
        for at in [0, 1_000, 1_900] {
            tracker.observe(Timestamp(at), true);
        }
        tracker.observe(Timestamp(1_950), false);
        assert_eq!(tracker.observe(Timestamp(2_000), true), Health::Pending);
        tracker.observe(Timestamp(3_000), true);
        assert_eq!(tracker.observe(Timestamp(4_000), true), Health::Healthy);
    }

    #[test]
    fn routed_instance_leaves_and_returns() {
        let mut tracker = HealthTracker::healthy(HealthPolicy::routed());
        assert_eq!(tracker.observe(Timestamp(0), false), Health::Healthy);
        assert_eq!(tracker.observe(Timestamp(1), false), Health::Unhealthy);
        assert_eq!(tracker.observe(Timestamp(2), true), Health::Unhealthy);
        assert_eq!(tracker.observe(Timestamp(3), true), Health::Healthy);
    }
}
