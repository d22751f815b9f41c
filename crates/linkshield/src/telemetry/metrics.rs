//! Metrics, counted in memory and read without touching the database, so that `/metrics` answers at once.
//!
//! Every label comes from a closed set (route templates, known methods, statuses, levels): no client can grow the
//! number of series.

use std::{
    sync::{Arc, atomic::AtomicU64},
    time::{Duration, Instant},
};

use prometheus_client::{
    encoding::{EncodeLabelSet, text},
    metrics::{
        counter::Counter,
        family::{Family, MetricConstructor},
        gauge::Gauge,
        histogram::Histogram,
        info::Info,
    },
    registry::Registry,
};
use shield_data::RedisStatus;
use tokio::sync::watch;

use super::{ComponentTimes, postgres::PostgresMetrics, redis::RedisMetrics};
use crate::{analysis::ThreatLevel, settings::Environment, store::Store};

/// All metrics of the process.
#[derive(Debug)]
pub struct Metrics {
    registry: Registry,
    /// What has the same name in every backend that `shield` measures.
    shared: Registry,
    started: Instant,
    uptime: Gauge<f64, AtomicU64>,
    requests: Family<RequestLabels, Counter>,
    durations: Family<RouteLabels, Histogram, Buckets>,
    in_flight: Gauge,
    connections: Gauge,
    unsent: Gauge,
    draining: Gauge,
    checks: Family<CheckLabels, Counter>,
    pruned: Counter,
    csp_violations: Family<DirectiveLabels, Counter>,
}

/// What a request is counted under.
#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
pub struct RequestLabels {
    /// Route template, or `unmatched`.
    pub route: String,
    /// Method, or `other`.
    pub method: &'static str,
    /// Status code.
    pub status: u16,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct RouteLabels {
    route: String,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct CheckLabels {
    threat_level: &'static str,
    source: &'static str,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct DirectiveLabels {
    directive: &'static str,
}

#[derive(Debug, Clone)]
struct Buckets;

impl MetricConstructor<Histogram> for Buckets {
    fn new_metric(&self) -> Histogram {
        Histogram::new([
            0.000_5, 0.001, 0.002_5, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0,
        ])
    }
}

// === impl Metrics ===

impl Metrics {
    /// All metrics at zero, but those of the components, which count elsewhere.
    pub fn new(environment: Environment, components: Arc<ComponentTimes>) -> Self {
        let mut shared = Registry::default();
        shared.register_collector(Box::new(components));
        let mut metrics = Self {
            registry: Registry::with_prefix("linkshield"),
            shared,
            started: Instant::now(),
            uptime: Gauge::default(),
            requests: Family::default(),
            durations: Family::new_with_constructor(Buckets),
            in_flight: Gauge::default(),
            connections: Gauge::default(),
            unsent: Gauge::default(),
            draining: Gauge::default(),
            checks: Family::default(),
            pruned: Counter::default(),
            csp_violations: Family::default(),
        };
        metrics.register(environment);
        metrics
    }

    /// Says how PostgreSQL is, too, where it is the database.
    #[must_use]
    pub fn with_store(mut self, store: &Store) -> Self {
        if store.postgres_state().is_some() {
            self.registry.register_collector(Box::new(PostgresMetrics(store.clone())));
        }
        self
    }

    /// Says how Redis is, too, and how long requests waited for it.
    #[must_use]
    pub fn with_redis(mut self, redis: Option<(watch::Receiver<RedisStatus>, Histogram)>) -> Self {
        if let Some((status, waits)) = redis {
            self.registry.register_collector(Box::new(RedisMetrics(status)));
            self.registry.register("redis_wait_seconds", "Time that requests waited for Redis", waits);
        }
        self
    }

    /// Says how many letters were dropped, too.
    #[must_use]
    pub fn with_letters(mut self, dropped: Counter) -> Self {
        self.registry.register(
            "letters_dropped",
            "Letters that could not be sent, or found no room",
            dropped,
        );
        self
    }

    fn register(&mut self, environment: Environment) {
        let build =
            Info::new(vec![("version", env!("CARGO_PKG_VERSION")), ("environment", environment.as_str())]);
        let registry = &mut self.registry;
        registry.register("build", "Version and environment", build);
        registry.register("uptime_seconds", "Time since the start of the process", self.uptime.clone());
        registry.register("http_requests", "Requests answered", self.requests.clone());
        registry.register("http_request_duration_seconds", "Time to answer", self.durations.clone());
        registry.register("http_requests_in_flight", "Requests being answered", self.in_flight.clone());
        registry.register("http_connections", "Open connections", self.connections.clone());
        registry.register("http_answers_unsent", "Answers that wait for their readers", self.unsent.clone());
        registry.register("draining", "1 while the process drains before its end", self.draining.clone());
        registry.register("checks", "URLs checked, by level and source of the result", self.checks.clone());
        let violations = self.csp_violations.clone();
        registry.register("csp_violations", "Violations of page policies that browsers reported", violations);
        registry.register("checks_pruned", "Checks deleted by the retention limits", self.pruned.clone());
    }

    /// Time since the start.
    pub fn uptime(&self) -> Duration {
        self.started.elapsed()
    }

    /// Counts one answered request.
    pub fn request_answered(&self, labels: RequestLabels, duration: Duration) {
        let route = RouteLabels { route: labels.route.clone() };
        self.requests.get_or_create(&labels).inc();
        self.durations.get_or_create(&route).observe(duration.as_secs_f64());
    }

    /// Counts one checked URL; `reused` when an earlier result answered.
    pub fn url_checked(&self, level: Option<ThreatLevel>, reused: bool) {
        let threat_level = level.map_or("none", ThreatLevel::as_str);
        let source = if reused { "reused" } else { "analysed" };
        self.checks.get_or_create(&CheckLabels { threat_level, source }).inc();
    }

    /// Counts one violation of a page's policy, by a directive of a closed list.
    pub fn csp_violated(&self, directive: &'static str) {
        self.csp_violations.get_or_create(&DirectiveLabels { directive }).inc();
    }

    /// Counts deleted checks.
    pub fn checks_pruned(&self, count: u64) {
        self.pruned.inc_by(count);
    }

    /// Reports the number of requests being answered.
    pub fn set_in_flight(&self, count: usize) {
        self.in_flight.set(i64::try_from(count).unwrap_or(i64::MAX));
    }

    /// One connection more.
    pub fn connection_opened(&self) {
        self.connections.inc();
    }

    /// One connection less.
    pub fn connection_closed(&self) {
        self.connections.dec();
    }

    /// The number of connections whose client has not taken its whole answer; they count themselves.
    pub fn answers_unsent(&self) -> Gauge {
        self.unsent.clone()
    }

    /// The end has begun.
    pub fn drain_started(&self) {
        self.draining.set(1);
    }

    /// The text for Prometheus.
    pub fn encode(&self) -> String {
        self.uptime.set(self.uptime().as_secs_f64());
        let mut encoded = String::new();
        text::encode_registry(&mut encoded, &self.registry)
            .and_then(|()| text::encode(&mut encoded, &self.shared))
            .expect("writing to a string does not fail");
        encoded
    }
}
