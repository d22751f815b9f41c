//! The route table: which instances of which release get the traffic.
//!
//! A table is an immutable value with a generation number. The edge swaps whole tables in one step; a table with a lower
//! or equal generation never replaces one with a higher.

use std::{collections::BTreeSet, net::SocketAddr};

use serde::{Deserialize, Serialize};
use shield_types::{Generation, InstanceId, ReleaseId};

/// All that the edge needs to route one environment of one service.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RouteTable {
    /// Number of this table, higher than that of every table before it.
    pub generation: Generation,
    /// Pools in no particular order; weights sum to 100, or there is no pool and every request is answered 503.
    pub pools: Vec<Pool>,
    /// The pool under watch, if a promotion is being judged.
    pub watch: Option<WatchOrder>,
}

/// The instances of one release, as the edge sees them.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Pool {
    /// The release all endpoints run.
    pub release: ReleaseId,
    /// What the pool is for.
    pub role: PoolRole,
    /// Share of new requests, 0 to 100.
    pub weight: u8,
    /// Running instances; empty when all of them died and none is back yet (the edge answers 503).
    pub endpoints: Vec<Endpoint>,
    /// What the control plane needs to rebuild its state from the edge's live table. Opaque to the edge.
    pub record: serde_json::Value,
}

/// What a pool is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum PoolRole {
    /// Gets traffic by its weight.
    Live,
    /// Weight 0, kept running so that the edge can go back in one swap; takes retries of idempotent requests.
    Warm,
}

/// Where one instance listens.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Endpoint {
    /// The instance.
    pub instance: InstanceId,
    /// Its plain HTTP/1.1 address.
    pub address: SocketAddr,
}

/// Orders the edge to judge a freshly promoted pool, and to go back by itself when it fails.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct WatchOrder {
    /// The pool to judge.
    pub release: ReleaseId,
    /// The pool that takes the traffic back; `None` when this is the first release, and then the edge only reports.
    pub fallback: Option<ReleaseId>,
    /// Error ratio the service objective tolerates, 0 to 1.
    pub error_ratio_max: f64,
    /// Probability of a false return that is accepted per release, such as 0.01.
    pub alpha: f64,
}

/// A table that must not be routed by.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
#[error("accept route table of generation {generation}: {problem}")]
pub struct InvalidTable {
    /// Its generation.
    pub generation: Generation,
    /// What is wrong with it.
    pub problem: String,
}

// === impl RouteTable ===

impl RouteTable {
    /// The table that routes nothing: every request is answered 503.
    pub fn empty(generation: Generation) -> Self {
        Self { generation, pools: Vec::new(), watch: None }
    }

    /// Checks the promises of the fields above; the edge refuses a table that breaks one.
    pub fn validate(&self) -> Result<(), InvalidTable> {
        let problem =
            |text: &str| Err(InvalidTable { generation: self.generation, problem: text.to_owned() });
        let releases: BTreeSet<_> = self.pools.iter().map(|pool| &pool.release).collect();
        if releases.len() != self.pools.len() {
            return problem("a release has two pools");
        }
        let weights: u32 = self.pools.iter().map(|pool| u32::from(pool.weight)).sum();
        if !self.pools.is_empty() && weights != 100 {
            return problem(&format!("weights sum to {weights}, not 100"));
        }
        if self.pools.iter().any(|pool| pool.role == PoolRole::Warm && pool.weight > 0) {
            return problem("a warm pool has weight");
        }
        if let Some(watch) = &self.watch {
            let known =
                releases.contains(&watch.release) && watch.fallback.iter().all(|id| releases.contains(id));
            if !known {
                return problem("the watch names a release without a pool");
            }
        }
        Ok(())
    }

    /// The pool of `release`.
    pub fn pool(&self, release: &ReleaseId) -> Option<&Pool> {
        self.pools.iter().find(|pool| &pool.release == release)
    }

    /// Share of new requests that `release` gets, 0 to 100.
    pub fn weight(&self, release: &ReleaseId) -> u8 {
        self.pool(release).map_or(0, |pool| pool.weight)
    }
}
