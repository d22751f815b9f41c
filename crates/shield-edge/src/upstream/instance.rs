//! One instance: its claims, its health, and its unused connections.

use std::{
    net::SocketAddr,
    sync::{
        Mutex, MutexGuard, PoisonError,
        atomic::{AtomicBool, AtomicU64, Ordering},
    },
    time::Duration,
};

use hyper::client::conn::http1::SendRequest;
use shield_release::{Health, HealthPolicy, HealthTracker};
use shield_types::{InstanceId, Timestamp};
use tokio::{sync::Notify, time::Instant};

use crate::{limits::Limits, request_body::UpstreamBody};

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
    /// Newest last.
    idle: Mutex<Vec<Idle>>,
    /// Told when the instance becomes unhealthy.
    pub(crate) ejections: Notify,
    /// Told when the instance is retired, so that its probes end.
    pub(crate) retirement: Notify,
}

#[derive(Debug)]
struct Idle {
    sender: SendRequest<UpstreamBody>,
    since: Instant,
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
            idle: Mutex::new(Vec::new()),
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

    /// No table names the instance: unused connections close now, those in use after their request.
    pub(crate) fn retire(&self) {
        self.retired.store(true, Ordering::Release);
        self.idle().clear();
        self.retirement.notify_one();
    }

    fn idle(&self) -> MutexGuard<'_, Vec<Idle>> {
        self.idle.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The unused connection that was used last, if one is young enough and ready.
    pub(crate) fn take_idle(&self, idle_max: Duration) -> Option<SendRequest<UpstreamBody>> {
        let now = Instant::now();
        let mut idle = self.idle();
        let usable = |idle: &Idle| {
            now.duration_since(idle.since) < idle_max && idle.sender.is_ready() && !idle.sender.is_closed()
        };
        let newest = idle.iter().rposition(usable)?;
        Some(idle.remove(newest).sender)
    }

    /// Keeps a connection whose exchange is complete for the next request.
    pub(crate) fn give_back(&self, sender: SendRequest<UpstreamBody>, limits: &Limits) {
        if sender.is_closed() || !self.healthy() {
            return;
        }
        let mut idle = self.idle();
        // Checked under the lock that `retire` takes after it set the mark.
        if !self.retired() && idle.len() < limits.upstream_idle_max {
            idle.push(Idle { sender, since: Instant::now() });
        }
    }

    /// Closes unused connections that are too old.
    pub(crate) fn sweep_idle(&self, idle_max: Duration) {
        let now = Instant::now();
        self.idle().retain(|idle| now.duration_since(idle.since) < idle_max && !idle.sender.is_closed());
    }
}
