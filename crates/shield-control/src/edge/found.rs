//! Edges that an earlier control plane started: which of them serves, which drain, which nobody can reach.

use std::time::Duration;

use shield_edge::protocol::EdgeStatus;
use shield_runtime::Found;

use super::{
    process::{RunningEdge, adopt_edge},
    sockets::Sockets,
};
use crate::{layout::Layout, listeners::BindError, manifest::EdgeSettings};

/// Edge processes that an earlier control plane started.
#[derive(Default)]
pub(crate) struct FoundEdges {
    current: Option<(RunningEdge, Sockets, EdgeStatus)>,
    draining: Vec<RunningEdge>,
    newest_number: u32,
}

/// What the manager starts from.
pub(crate) struct ReadyEdges {
    pub(crate) sockets: Sockets,
    pub(super) current: Option<RunningEdge>,
    pub(super) draining: Vec<RunningEdge>,
    pub(super) newest_number: u32,
}

// === impl FoundEdges ===

impl FoundEdges {
    /// Takes over the edges among `found`: the newest that accepts, and those that drain. One that was being replaced when
    /// the control plane died is told again to drain, for at most `drain`.
    pub(crate) async fn find_running(layout: &Layout, found: &[Found], drain: Duration) -> Self {
        let mut edges: Vec<&Found> = found.iter().collect();
        edges.sort_by_key(|edge| std::cmp::Reverse(edge.instance.attempt()));
        let newest_number = edges.first().map_or(0, |edge| edge.instance.attempt());
        let mut result = Self { newest_number, ..Self::default() };
        for edge in edges {
            let Some(running) = adopt_edge(layout, edge).await else { continue };
            let Ok(status) = running.client.status().await else {
                running.process.kill_group();
                continue;
            };
            let sockets = if status.draining {
                Vec::new()
            } else {
                running.client.take_listeners().await.unwrap_or_default()
            };
            if status.draining {
                result.draining.push(running);
            } else if result.current.is_none() && !sockets.is_empty() {
                result.current = Some((running, Sockets::taken(sockets), status));
            } else if !sockets.is_empty() && running.client.drain(drain).await.is_ok() {
                // The control plane died while it replaced this one.
                result.draining.push(running);
            } else {
                // It was started and never given a socket: nobody can reach it.
                running.process.kill_group();
            }
        }
        result
    }

    /// Binds the sockets if no edge has them; also gives what the running edge knows.
    pub(crate) fn ready(
        self,
        settings: &EdgeSettings,
    ) -> Result<(ReadyEdges, Option<EdgeStatus>), BindError> {
        let Self { current, draining, newest_number } = self;
        let (current, sockets, status) = match current {
            Some((edge, sockets, status)) => (Some(edge), sockets, Some(status)),
            None => (None, Sockets::bind(settings)?, None),
        };
        Ok((ReadyEdges { sockets, current, draining, newest_number }, status))
    }
}
