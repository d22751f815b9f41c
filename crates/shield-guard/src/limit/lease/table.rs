//! Leases of one limit: what this node may hand out without asking.
//!
//! The store counts tokens per key and window (multiples of the period since the Unix epoch, the same for all nodes). A node
//! takes many tokens in one call and hands them out by itself; they lapse with the window. How many adapts to the demand,
//! from 100 up to a tenth of the count: at steady load a limit of 2,000 or more costs at most one call per hundred
//! requests. Smaller limits lend a tenth of the count at once; at a count below 20 every request asks.
//!
//! **Without the store.** [`Sharing::Leased`]: tokens at hand are used up, then each node admits count / (2 × nodes) per
//! window by itself. In every window all nodes together admit at most the count (lent before, and after, since the store
//! counts on) plus half of it: 1.5 × the count, whenever the outage begins and ends, and for whichever nodes it lasts. A
//! store that lost its memory lends nothing in the windows it does not know ([`LeaseAnswer::Forgotten`]); the nodes go on
//! by themselves until the next one. A count below 2 × nodes leaves nothing to share: refused. [`Sharing::Exact`]: nothing is
//! lent ahead and nothing is admitted without the store; at most the count, always.
//!
//! Bounds hold for nodes whose clocks agree; a node that is late by d still spends the tokens of a window for d after it.

use std::{
    num::NonZeroU32,
    sync::{Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use shield_types::Timestamp;

use super::{
    LeaseAnswer, LeaseRequest,
    bucket::{Leases, Supply},
};
use crate::limit::{
    Algorithm, LimitKey, LimitTable, Rate, Refusal, TableSettings, TableSizeError,
    key::{KeyHasher, Place},
};

/// Keys per bucket of eight that a table is made for.
const KEYS_PER_BUCKET: u32 = 4;

/// What happens to a limit while its store is away.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Sharing {
    /// Nodes go on with a share each: at most 1.5 × the count.
    Leased,
    /// Nobody is admitted: at most the count. For log-in and other counters of security.
    Exact,
}

/// What a table of leases is made of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct LeaseSettings {
    /// Which limit, for the store's keys.
    pub limit: &'static str,
    /// The period of every rate that it is asked about.
    pub period: Duration,
    /// Keys that it is made for, at about 114 bytes each.
    pub keys: NonZeroU32,
    /// What happens without the store.
    pub sharing: Sharing,
}

/// Whether the store can be asked, by its breaker.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum StoreState {
    /// It answers, or is to be tried.
    Present,
    /// It does not; nobody waits for it.
    Away,
}

/// What a node knows of the others.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Cluster {
    /// Whether the store can be asked.
    pub store: StoreState,
    /// How many nodes there are, this one included, by the last membership that was known: rather
    /// too many than too few, since a node that counts too few takes too large a share.
    pub nodes: NonZeroU32,
}

/// What a request needs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct LeaseDemand {
    /// Whose units.
    pub key: LimitKey,
    /// The rate of its tier.
    pub rate: Rate,
    /// How many units.
    pub cost: NonZeroU32,
}

/// The answer about a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LeaseDecision {
    /// It may go on.
    Admitted,
    /// It may not.
    Refused(LeaseRefusal),
    /// Only the store can tell: make this call, then hand what came of it to [`LeaseTable::answered`] or
    /// [`LeaseTable::unanswered`]. Those never ask again.
    NeedsStore(LeaseRequest),
}

/// Why a request may not go on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LeaseRefusal {
    /// Used up, or more than is ever had at once.
    Limit(Refusal),
    /// The store is away, and this node has no share to admit it from. No true `Retry-After` exists: answer 503.
    StoreAway,
}

/// What this node has of each key of a limit. Bounded, like [`LimitTable`].
pub struct LeaseTable {
    settings: LeaseSettings,
    hasher: KeyHasher,
    buckets: Box<[Mutex<Leases>]>,
    /// What was admitted without the store. A key's share is never forgotten while it lasts, so that nobody gets a second.
    shares: LimitTable,
}

// === impl LeaseTable ===

impl LeaseTable {
    /// A table without leases. `seed`: 128 secret random bits of its own.
    pub fn new(settings: LeaseSettings, seed: [u8; 16]) -> Result<Self, TableSizeError> {
        let LeaseSettings { period, keys, .. } = settings;
        let shares =
            LimitTable::new(TableSettings { algorithm: Algorithm::FixedWindow, period, keys }, seed)?;
        let buckets = (0..keys.get().div_ceil(KEYS_PER_BUCKET)).map(|_| Mutex::default()).collect();
        Ok(Self { settings, hasher: KeyHasher::new(seed), buckets, shares })
    }

    /// Decides about a request from what is at hand.
    pub fn take(&self, demand: LeaseDemand, now: Timestamp, cluster: Cluster) -> LeaseDecision {
        let LeaseDemand { key, rate, cost } = demand;
        debug_assert_eq!(rate.period(), self.settings.period, "one period per table");
        if cost.get() > rate.count() {
            return LeaseDecision::Refused(LeaseRefusal::Limit(Refusal::TooCostly));
        }
        let place = self.hasher.place(&key, self.buckets.len());
        let mut leases = self.lock(place);
        let lease = leases.of(place.fingerprint, window_of(rate, now));
        let window = lease.window();
        if lease.spend(cost) {
            return LeaseDecision::Admitted;
        }
        let asks = match (lease.supply, cluster.store) {
            (Supply::Exhausted, _) => return refused_until(window_start(rate, window + 1), now),
            (Supply::Open, StoreState::Present) => true,
            (Supply::Forgotten, _) | (Supply::Open, StoreState::Away) => false,
        };
        let want = match self.settings.sharing {
            Sharing::Leased if asks => lease.ask(rate, cost, now.0),
            Sharing::Leased | Sharing::Exact => cost,
        };
        drop(leases);
        let request = LeaseRequest {
            limit: self.settings.limit,
            key,
            rate,
            want,
            cost,
            window_start: window_start(rate, window),
            window_end: window_start(rate, window + 1),
        };
        match asks {
            true => LeaseDecision::NeedsStore(request),
            false => self.unanswered(&request, now, cluster),
        }
    }

    /// The store answered. Never [`LeaseDecision::NeedsStore`].
    pub fn answered(
        &self,
        request: &LeaseRequest,
        answer: LeaseAnswer,
        now: Timestamp,
        cluster: Cluster,
    ) -> LeaseDecision {
        let window = window_of(request.rate, request.window_start);
        let place = self.hasher.place(&request.key, self.buckets.len());
        let mut leases = self.lock(place);
        let lease = leases.of(place.fingerprint, window);
        let tokens = match answer {
            LeaseAnswer::Granted { tokens } => tokens.min(request.want.get()),
            LeaseAnswer::Forgotten => {
                if lease.window() == window {
                    lease.supply = Supply::Forgotten;
                }
                drop(leases);
                return self.unanswered(request, now, cluster);
            }
        };
        let admitted = match lease.window() == window {
            true => {
                lease.lend(tokens, request.want, now.0);
                lease.spend(request.cost)
            }
            // The window turned meanwhile: this request was counted in its own, the other tokens have lapsed.
            false => tokens >= request.cost.get(),
        };
        match admitted {
            true => LeaseDecision::Admitted,
            false => refused_until(request.window_end, now),
        }
    }

    /// The store was not asked, or did not answer in time. Never [`LeaseDecision::NeedsStore`].
    pub fn unanswered(&self, request: &LeaseRequest, now: Timestamp, cluster: Cluster) -> LeaseDecision {
        let share = match self.settings.sharing {
            Sharing::Leased => request.rate.share(cluster.nodes),
            Sharing::Exact => None,
        };
        let Some(share) = share else { return LeaseDecision::Refused(LeaseRefusal::StoreAway) };
        let now_ns = now.0.saturating_mul(1_000_000);
        match self.shares.take(&request.key, share, now_ns, request.cost).outcome {
            Ok(()) => LeaseDecision::Admitted,
            Err(Refusal::TooCostly) => LeaseDecision::Refused(LeaseRefusal::StoreAway),
            Err(wait @ Refusal::Wait { .. }) => LeaseDecision::Refused(LeaseRefusal::Limit(wait)),
        }
    }

    /// Leases are whole between any two statements that could panic.
    fn lock(&self, place: Place) -> MutexGuard<'_, Leases> {
        self.buckets[place.bucket].lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn refused_until(end: Timestamp, now: Timestamp) -> LeaseDecision {
    let retry_ns = end.0.saturating_sub(now.0).max(1).saturating_mul(1_000_000);
    LeaseDecision::Refused(LeaseRefusal::Limit(Refusal::Wait { retry_ns }))
}

fn period_ms(rate: Rate) -> u64 {
    u64::try_from(rate.period().as_millis()).expect("at most 31 days")
}

/// The number of the window that `now` lies in.
fn window_of(rate: Rate, now: Timestamp) -> u32 {
    u32::try_from(now.0 / period_ms(rate)).unwrap_or(u32::MAX - 1).min(u32::MAX - 1)
}

/// The first moment of a window.
fn window_start(rate: Rate, window: u32) -> Timestamp {
    Timestamp(u64::from(window).saturating_mul(period_ms(rate)))
}
