//! Limits that all processes share.
//!
//! The chain has counted a request in this process by the time it comes here, and a limit of one process is never above the
//! limit of all. So only what this process admits asks what all of them may.
//!
//! - The limits of the API, where there is Redis: mostly tokens at hand, else one call of 20 ms at most. Without Redis at hand
//!   a share of the limit goes on ([`LeaseTable`]); never open, never a wait.
//! - Those of log-in and its like: in the database, which such requests ask anyway, exact whatever becomes of Redis. Nobody
//!   is admitted without it.

use std::{
    num::NonZeroU32,
    time::{Duration, Instant},
};

use prometheus_client::metrics::histogram::Histogram;
use shield_data::{Redis, RedisLeases, SqlLeases};
use shield_guard::{
    StoreError,
    chain::{Admitted, Claimant, Outcome, Refusal, Refused},
    limit::{
        self, Cluster, LeaseAnswer, LeaseDecision, LeaseDemand, LeaseRefusal, LeaseRequest, LeaseSettings,
        LeaseStore, LeaseTable, Reading, Sharing, StoreState, TableSizeError,
    },
};

use super::RouteTable;
use crate::{clock::now, keys::random_bytes, telemetry::causes};

/// A request is one unit of each limit.
const ONE: NonZeroU32 = NonZeroU32::MIN;
/// Addresses or accounts that tokens are lent for: 2.3 MB for each limit.
const LEASED_KEYS: NonZeroU32 = NonZeroU32::new(20_000).expect("it is not zero");
/// Addresses or accounts whose limit is known to be used up: 0.2 MB for each limit.
const EXACT_KEYS: NonZeroU32 = NonZeroU32::new(2_000).expect("it is not zero");
/// What the limits of the API are called.
const LEASED: &str = "api_";
/// What those of log-in and its like are called.
const EXACT: &str = "auth_";

/// What is counted over all processes.
pub struct GlobalLimits {
    limits: Vec<GlobalLimit>,
    /// How long requests waited for Redis.
    waits: Histogram,
}

struct GlobalLimit {
    name: &'static str,
    table: LeaseTable,
    store: CountStore,
}

/// Where a limit is counted.
#[derive(Clone)]
enum CountStore {
    Redis(Redis),
    Database(SqlLeases),
}

// === impl GlobalLimits ===

impl GlobalLimits {
    /// One process is all there are.
    pub fn none() -> Self {
        Self { limits: Vec::new(), waits: waits() }
    }

    /// Of the limits of these routes: those of log-in in the database, those of the API in Redis, where there is one.
    ///
    /// # Errors
    /// When a table would be too large.
    pub fn new(routes: &RouteTable, exact: SqlLeases, redis: Option<Redis>) -> Result<Self, TableSizeError> {
        let leased = redis.map(|redis| (LEASED, CountStore::Redis(redis)));
        let stores: Vec<_> = leased.into_iter().chain([(EXACT, CountStore::Database(exact))]).collect();
        let limits = routes.limits().into_iter().filter_map(|(name, period)| {
            let (_, store) = stores.iter().find(|(start, _)| name.starts_with(start))?;
            Some(GlobalLimit::new(name, period, store.clone()))
        });
        Ok(Self { limits: limits.collect::<Result<_, _>>()?, waits: waits() })
    }

    /// How long requests waited for Redis, in seconds: answered or not.
    pub fn redis_waits(&self) -> &Histogram {
        &self.waits
    }

    /// Whether a request was admitted by a limit that all processes share.
    pub(super) fn concerns(&self, outcome: &Outcome<'_>) -> bool {
        let Outcome::Admitted(admitted) = outcome else { return false };
        admitted.limits.readings().any(|reading| self.limit(reading).is_some())
    }

    /// The chain's answer, unless it admits what all processes together have no units for.
    pub(super) async fn confirm<'a>(&self, outcome: Outcome<'a>) -> Outcome<'a> {
        let admitted = match outcome {
            Outcome::Admitted(admitted) => admitted,
            Outcome::Refused(refused) => return Outcome::Refused(refused),
        };
        match self.refusal(&admitted.limits).await {
            None => Outcome::Admitted(admitted),
            Some((limit, refusal)) => Outcome::Refused(overruled(admitted, limit, refusal)),
        }
    }

    /// Takes a unit of each limit until one has none. What was taken before stays taken: to the strict side.
    async fn refusal(&self, limits: &limit::Admission<'_>) -> Option<(&'static str, LeaseRefusal)> {
        for reading in limits.readings() {
            let Some(limit) = self.limit(reading) else { continue };
            match limit.take(reading, &self.waits).await {
                LeaseDecision::Admitted => {}
                LeaseDecision::Refused(refusal) => return Some((limit.name, refusal)),
                LeaseDecision::NeedsStore(_) => return Some((limit.name, LeaseRefusal::StoreAway)),
            }
        }
        None
    }

    fn limit(&self, reading: &Reading<'_>) -> Option<&GlobalLimit> {
        let name = reading.limit.name();
        self.limits.iter().find(|limit| limit.name == name)
    }
}

// === impl GlobalLimit ===

impl GlobalLimit {
    fn new(name: &'static str, period: Duration, store: CountStore) -> Result<Self, TableSizeError> {
        let (keys, sharing) = match &store {
            CountStore::Redis(_) => (LEASED_KEYS, Sharing::Leased),
            CountStore::Database(_) => (EXACT_KEYS, Sharing::Exact),
        };
        let settings = LeaseSettings { limit: name, period, keys, sharing };
        Ok(Self { name, table: LeaseTable::new(settings, random_bytes())?, store })
    }

    async fn take(&self, reading: &Reading<'_>, waits: &Histogram) -> LeaseDecision {
        let demand = LeaseDemand { key: reading.key, rate: reading.rate(), cost: ONE };
        let request = match self.table.take(demand, now(), self.store.cluster()) {
            LeaseDecision::NeedsStore(request) => request,
            decided => return decided,
        };
        match self.store.take(&request, waits).await {
            Ok(answer) => self.table.answered(&request, answer, now(), self.store.cluster()),
            Err(_) => self.table.unanswered(&request, now(), self.store.cluster()),
        }
    }
}

// === impl CountStore ===

impl CountStore {
    fn cluster(&self) -> Cluster {
        match self {
            Self::Redis(redis) => redis.cluster(),
            // It is always asked, and nothing is shared without it.
            Self::Database(_) => Cluster { store: StoreState::Present, nodes: NonZeroU32::MIN },
        }
    }

    async fn take(&self, request: &LeaseRequest, waits: &Histogram) -> Result<LeaseAnswer, StoreError> {
        match self {
            Self::Redis(redis) => {
                let began = Instant::now();
                // Whoever watches Redis tells of its absence, once.
                let answer = RedisLeases::new(redis.clone()).take(request, now()).await;
                waits.observe(began.elapsed().as_secs_f64());
                answer
            }
            Self::Database(leases) => leases.take(request, now()).await.inspect_err(|error| {
                tracing::warn!(error = %error, cause = causes(error).join(": "), "a limit could not be counted");
            }),
        }
    }
}

/// Fine around what a call may take.
fn waits() -> Histogram {
    Histogram::new([
        0.000_1, 0.000_25, 0.000_5, 0.001, 0.002_5, 0.005, 0.01, 0.015, 0.02, 0.025, 0.05, 0.1, 1.0,
    ])
}

/// As if the chain had refused it.
fn overruled<'a>(admitted: Admitted<'a>, limit: &'static str, refusal: LeaseRefusal) -> Refused<'a> {
    let Admitted { client, principal, limits, .. } = admitted;
    let claimant = principal.map(|principal| Claimant {
        account: principal.identity.account(),
        session: principal.identity.session(),
    });
    let (refusal, limits) = match refusal {
        LeaseRefusal::Limit(limit::Refusal::Wait { retry_ns }) => {
            let retry_after_s = retry_ns.div_ceil(1_000_000_000).max(1);
            (Refusal::Limited { limit, retry_after_s }, limits.overruled(limit, retry_ns))
        }
        LeaseRefusal::Limit(limit::Refusal::TooCostly) | LeaseRefusal::StoreAway => {
            (Refusal::StoreAway, limits)
        }
    };
    Refused { client, claimant, refusal, limits }
}
