//! One instance: its claims, its health, and its unused connections.

use std::{
    net::SocketAddr,
    pin::pin,
    sync::{
        Mutex, MutexGuard, PoisonError,
        atomic::{AtomicBool, AtomicU64, Ordering},
    },
    time::Duration,
};

use shield_release::{Health, HealthPolicy, HealthTracker};
use shield_types::{InstanceId, Timestamp};
use tokio::sync::Notify;

use super::{Channel, idle::IdleConnections};
use crate::limits::Limits;

/// One endpoint of a pool. It survives table swaps as long as a table names it or a request is on it.
#[derive(Debug)]
pub(crate) struct Instance {
    pub(crate) id: InstanceId,
    pub(crate) address: SocketAddr,
    pub(crate) claims: AtomicU64,
    healthy: AtomicBool,
    /// No table names it any more.
    retired: AtomicBool,
    tracker: Mutex<HealthTracker>,
    idle: Mutex<IdleConnections>,
    /// Told when the instance becomes unhealthy.
    ejections: Notify,
    /// Told when the instance is retired, so that its probes end.
    pub(crate) retirement: Notify,
}

// === impl Instance ===

impl Instance {
    /// An instance the control plane found healthy.
    pub(crate) fn new(id: InstanceId, address: SocketAddr) -> Self {
        Self {
            id,
            address,
            claims: AtomicU64::new(0),
            healthy: AtomicBool::new(true),
            retired: AtomicBool::new(false),
            tracker: Mutex::new(HealthTracker::healthy(HealthPolicy::routed())),
            idle: Mutex::default(),
            ejections: Notify::new(),
            retirement: Notify::new(),
        }
    }

    pub(crate) fn healthy(&self) -> bool {
        self.healthy.load(Ordering::Acquire)
    }

    pub(crate) fn retired(&self) -> bool {
        self.retired.load(Ordering::Acquire)
    }

    /// Takes one probe result in; true if the instance became unhealthy by it.
    pub(crate) fn observe_probe(&self, now: Timestamp, success: bool) -> bool {
        let mut tracker = self.tracker.lock().unwrap_or_else(PoisonError::into_inner);
        let before = tracker.health();
        let after = tracker.observe(now, success);
        self.publish(before, after)
    }

    /// Takes the instance out at once: nothing listens there. True if it was healthy until now.
    pub(crate) fn eject(&self, now: Timestamp) -> bool {
        let mut tracker = self.tracker.lock().unwrap_or_else(PoisonError::into_inner);
        let before = tracker.health();
        let mut after = tracker.observe(now, false);
        for _ in 1..HealthPolicy::routed().failures {
            after = tracker.observe(now, false);
        }
        self.publish(before, after)
    }

    fn publish(&self, before: Health, after: Health) -> bool {
        self.healthy.store(after == Health::Healthy, Ordering::Release);
        let ejected = before == Health::Healthy && after != Health::Healthy;
        if ejected {
            tracing::warn!(instance = %self.id, "instance ejected");
            self.idle().clear();
            self.ejections.notify_waiters();
        }
        ejected
    }

    /// Ends when the instance is unhealthy, at once if it is so already.
    pub(crate) async fn ejected(&self) {
        let mut told = pin!(self.ejections.notified());
        told.as_mut().enable();
        if self.healthy() {
            told.await;
        }
    }

    /// No table names the instance: unused connections close now, those in use after their request.
    pub(crate) fn retire(&self) {
        self.retired.store(true, Ordering::Release);
        self.idle().clear();
        self.retirement.notify_one();
    }

    fn idle(&self) -> MutexGuard<'_, IdleConnections> {
        self.idle.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// An unused connection that may carry the request; `repeatable`: it may be sent again.
    pub(crate) fn take_idle(&self, idle_max: Duration, repeatable: bool) -> Option<Channel> {
        self.idle().take(idle_max, repeatable)
    }

    /// Keeps a connection whose exchange is complete for the next request.
    pub(crate) fn give_back(&self, channel: Channel, limits: &Limits) {
        if channel.closed() || !self.healthy() {
            return;
        }
        let mut idle = self.idle();
        // Checked under the lock that `retire` takes after it set the mark.
        if !self.retired() {
            idle.put(channel, limits);
        }
    }

    /// A connection that had been used before answered again.
    pub(crate) fn answered_again(&self) {
        self.idle().answered_again();
    }

    /// A connection that had been used before closed under a request.
    pub(crate) fn closed_early(&self) {
        self.idle().closed_early();
    }

    /// Closes unused connections that are too old.
    pub(crate) fn sweep_idle(&self, idle_max: Duration) {
        self.idle().sweep(idle_max);
    }
}
