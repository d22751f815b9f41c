//! Limits that all processes share.
//!
//! The chain has counted a request in this process by the time it comes here, and a limit of one process is never above the
//! limit of all. So only what this process admits asks what all of them may: mostly tokens at hand, else one call to
//! Redis, of 20 ms at most. Without Redis at hand a share of the limit goes on ([`LeaseTable`]); never open, never a wait.

use std::{num::NonZeroU32, time::Duration};

use shield_data::{Redis, RedisLeases};
use shield_guard::{
    chain::{Admitted, Claimant, Outcome, Refusal, Refused},
    limit::{
        self, LeaseDecision, LeaseDemand, LeaseRefusal, LeaseSettings, LeaseStore, LeaseTable, Reading,
        Sharing, TableSizeError,
    },
};

use crate::{clock::now, keys::random_bytes};

/// A request is one unit of each limit.
const ONE: NonZeroU32 = NonZeroU32::MIN;
/// Addresses or accounts that a limit is made for: 2.3 MB each.
const KEYS: NonZeroU32 = NonZeroU32::new(20_000).expect("it is not zero");
/// The limits of the API, by name and period. Those of log-in and its like are not lent: their counts are exact, and not here.
const LEASED: [(&str, Duration); 2] =
    [("api_anonymous", Duration::from_hours(1)), ("api_authenticated", Duration::from_hours(1))];

/// What is counted over all processes; nothing without Redis.
pub struct GlobalLimits(Option<Leases>);

struct Leases {
    redis: Redis,
    store: RedisLeases,
    tables: Vec<(&'static str, LeaseTable)>,
}

// === impl GlobalLimits ===

impl GlobalLimits {
    /// One process is all there are.
    pub fn none() -> Self {
        Self(None)
    }

    /// Counted in Redis.
    ///
    /// # Errors
    /// When a table would be too large.
    pub fn through(redis: Redis) -> Result<Self, TableSizeError> {
        let tables = LEASED.map(|(limit, period)| {
            let settings = LeaseSettings { limit, period, keys: KEYS, sharing: Sharing::Leased };
            Ok((limit, LeaseTable::new(settings, random_bytes())?))
        });
        let tables = tables.into_iter().collect::<Result<_, _>>()?;
        Ok(Self(Some(Leases { store: RedisLeases::new(redis.clone()), redis, tables })))
    }

    /// The chain's answer, unless it admits what all processes together have no units for.
    pub(super) async fn confirm<'a>(&self, outcome: Outcome<'a>) -> Outcome<'a> {
        let Some(leases) = &self.0 else { return outcome };
        let admitted = match outcome {
            Outcome::Admitted(admitted) => admitted,
            Outcome::Refused(refused) => return Outcome::Refused(refused),
        };
        match leases.refusal(&admitted.limits).await {
            None => Outcome::Admitted(admitted),
            Some((limit, refusal)) => Outcome::Refused(overruled(admitted, limit, refusal)),
        }
    }
}

// === impl Leases ===

impl Leases {
    /// Takes a unit of each limit until one has none. What was taken before stays taken: to the strict side.
    async fn refusal(&self, limits: &limit::Admission<'_>) -> Option<(&'static str, LeaseRefusal)> {
        for reading in limits.readings() {
            let name = reading.limit.name();
            let Some((limit, table)) = self.tables.iter().find(|(limit, _)| *limit == name) else { continue };
            match self.take(table, reading).await {
                LeaseDecision::Admitted => {}
                LeaseDecision::Refused(refusal) => return Some((limit, refusal)),
                LeaseDecision::NeedsStore(_) => return Some((limit, LeaseRefusal::StoreAway)),
            }
        }
        None
    }

    async fn take(&self, table: &LeaseTable, reading: &Reading<'_>) -> LeaseDecision {
        let demand = LeaseDemand { key: reading.key, rate: reading.rate, cost: ONE };
        let request = match table.take(demand, now(), self.redis.cluster()) {
            LeaseDecision::NeedsStore(request) => request,
            decided => return decided,
        };
        match self.store.take(&request, now()).await {
            Ok(answer) => table.answered(&request, answer, now(), self.redis.cluster()),
            // Whoever watches Redis tells of it, once.
            Err(_) => table.unanswered(&request, now(), self.redis.cluster()),
        }
    }
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
