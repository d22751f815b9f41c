//! What the rest of the control plane says to the edge's task, and hears from it.

use std::time::Duration;

use shield_edge::protocol::{EdgeConfig, EdgeStatus, Verdict};
use shield_release::RouteTable;
use shield_types::{Generation, ReleaseId};
use tokio::sync::{mpsc, oneshot, watch};

/// Ends the edge: drain for at most this long, then answer.
pub(crate) type ShutdownOrder = (Duration, oneshot::Sender<()>);

/// What the edge should do: the newest value counts.
pub(crate) struct EdgeOrders {
    pub(crate) table: watch::Sender<RouteTable>,
    pub(crate) config: watch::Sender<EdgeConfig>,
    pub(crate) shutdown: mpsc::Sender<ShutdownOrder>,
}

/// What the edge did by itself.
#[derive(Debug)]
pub(crate) enum EdgeNews {
    /// It routes by this table, or a newer one.
    Routed { generation: Generation, claims: u64 },
    /// The watched release failed.
    Judged { verdict: Verdict },
}

/// What all edge processes know, at one moment.
#[derive(Clone, Debug, Default)]
pub(crate) struct EdgeView {
    pub(crate) current: Option<EdgeStatus>,
    /// Edges that were replaced and still serve requests they had.
    pub(crate) draining: Vec<EdgeStatus>,
    /// One of those lives and did not answer: what it still serves is not known.
    pub(crate) silent: bool,
}

// === impl EdgeView ===

impl EdgeView {
    /// No edge has a request in flight on `release`, seen after `generation` came into force.
    pub(crate) fn drained(&self, release: &ReleaseId, generation: Generation) -> bool {
        let current = self
            .current
            .as_ref()
            .filter(|status| status.table.as_ref().is_some_and(|table| table.generation >= generation));
        let claims =
            |status: &EdgeStatus| status.pools.iter().any(|pool| pool.release == *release && pool.claims > 0);
        current.is_some_and(|status| !claims(status)) && !self.silent && !self.draining.iter().any(claims)
    }
}
