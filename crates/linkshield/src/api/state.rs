//! What all handlers share: the service, the metrics, the phase of life, the requests in flight.

use std::{
    collections::BTreeMap,
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicBool, AtomicU64, Ordering},
    },
    time::{Duration, Instant},
};

use tokio::sync::{Semaphore, SemaphorePermit};

use super::{changes::Changes, csp_reports::ToldViolations};
use crate::{
    accounts::Accounts, gate::Gate, service::CheckService, settings::Environment, telemetry::Metrics,
};

/// Bulk requests answered at a time, and large bodies read at a time: all of them together must fit in memory.
const BULK_CONCURRENT_MAX: usize = 32;

/// The backend, as its handlers and its server see it; cheap to clone.
#[derive(Debug, Clone)]
pub struct App {
    inner: Arc<Inner>,
}

#[derive(Debug)]
struct Inner {
    service: CheckService,
    accounts: Accounts,
    gate: Arc<Gate<Accounts>>,
    metrics: Metrics,
    environment: Environment,
    request_timeout: Duration,
    /// Set once, never cleared.
    draining: AtomicBool,
    next_claim: AtomicU64,
    bulk_slots: Semaphore,
    large_body_slots: Semaphore,
    told_violations: ToldViolations,
    changes: Changes,
    /// One entry per request being answered; bounded by the number of connections.
    claims: Mutex<BTreeMap<u64, InFlight>>,
}

/// A request that is being answered.
#[derive(Debug, Clone)]
pub struct InFlight {
    /// Its method.
    pub method: String,
    /// Its path, without the query.
    pub path: String,
    /// Its id.
    pub request_id: String,
    /// When it began.
    pub started: Instant,
}

/// Keeps a request in the list of those in flight until dropped.
#[derive(Debug)]
pub(crate) struct Claim {
    app: App,
    number: u64,
}

// === impl App ===

impl App {
    /// A backend that is ready to serve.
    pub fn new(
        service: CheckService,
        (accounts, gate): (Accounts, Arc<Gate<Accounts>>),
        environment: Environment,
        request_timeout: Duration,
    ) -> Self {
        let redis = gate.redis_status().map(|status| (status, gate.redis_waits().clone()));
        let metrics = Metrics::new(environment, Arc::clone(gate.components()));
        let metrics =
            metrics.with_store(service.store()).with_redis(redis).with_letters(accounts.letters_dropped());
        let inner = Inner {
            service,
            accounts,
            gate,
            metrics,
            environment,
            request_timeout,
            draining: AtomicBool::new(false),
            next_claim: AtomicU64::new(0),
            bulk_slots: Semaphore::new(BULK_CONCURRENT_MAX),
            large_body_slots: Semaphore::new(BULK_CONCURRENT_MAX),
            told_violations: ToldViolations::default(),
            changes: Changes::default(),
            claims: Mutex::default(),
        };
        Self { inner: Arc::new(inner) }
    }

    /// The checking service.
    pub fn service(&self) -> &CheckService {
        &self.inner.service
    }

    /// The accounts.
    pub fn accounts(&self) -> &Accounts {
        &self.inner.accounts
    }

    /// The gate in front of every route.
    pub fn gate(&self) -> &Arc<Gate<Accounts>> {
        &self.inner.gate
    }

    /// The metrics.
    pub fn metrics(&self) -> &Metrics {
        &self.inner.metrics
    }

    /// Where this runs.
    pub fn environment(&self) -> Environment {
        self.inner.environment
    }

    /// How long one request may take.
    pub fn request_timeout(&self) -> Duration {
        self.inner.request_timeout
    }

    /// From now on the backend is not ready.
    pub fn start_draining(&self) {
        self.inner.draining.store(true, Ordering::SeqCst);
        self.inner.metrics.drain_started();
    }

    /// Whether the end has begun.
    pub fn draining(&self) -> bool {
        self.inner.draining.load(Ordering::SeqCst)
    }

    /// The right to have a bulk request answered; waits its turn, which the request's own time limit bounds.
    pub(crate) async fn bulk_slot(&self) -> SemaphorePermit<'_> {
        self.inner.bulk_slots.acquire().await.expect("nothing closes the semaphore")
    }

    /// A turn to send a large body.
    pub(crate) async fn large_body_slot(&self) -> SemaphorePermit<'_> {
        self.inner.large_body_slots.acquire().await.expect("nothing closes the semaphore")
    }

    /// Which violations of policies were written down, and when.
    pub(super) fn told_violations(&self) -> &ToldViolations {
        &self.inner.told_violations
    }

    /// The changes of accounts under way, whether or not somebody waits for them.
    pub(super) fn changes(&self) -> &Changes {
        &self.inner.changes
    }

    /// Waits until no change of an account is under way.
    pub async fn finish_changes(&self) {
        self.inner.changes.finish().await;
    }

    /// How many changes of accounts are under way.
    pub fn changes_under_way(&self) -> usize {
        self.inner.changes.len()
    }

    /// The requests being answered, oldest first.
    pub fn in_flight(&self) -> Vec<InFlight> {
        self.claims().values().cloned().collect()
    }

    pub(crate) fn claim(&self, request: InFlight) -> Claim {
        let number = self.inner.next_claim.fetch_add(1, Ordering::Relaxed);
        let mut claims = self.claims();
        claims.insert(number, request);
        self.inner.metrics.set_in_flight(claims.len());
        Claim { app: self.clone(), number }
    }

    /// A panic while the lock is held cannot leave the map half-changed.
    fn claims(&self) -> MutexGuard<'_, BTreeMap<u64, InFlight>> {
        self.inner.claims.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

// === impl Claim ===

impl Drop for Claim {
    fn drop(&mut self) {
        let mut claims = self.app.claims();
        claims.remove(&self.number);
        self.app.inner.metrics.set_in_flight(claims.len());
    }
}
