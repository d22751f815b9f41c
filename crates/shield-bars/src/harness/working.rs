//! A server whose answers cost a known amount of work.

use shield_load::{ClientGroup, Connection, LoadPlan, Protocol};

use super::{Result, SmallServer};

/// What an answer of the server costs.
#[derive(Clone, Copy, Debug)]
pub(crate) struct WorkSettings {
    /// Rounds of arithmetic, about a nanosecond each.
    pub(crate) rounds: u32,
    /// Share of the answers that wait as well.
    pub(crate) wait_share: f64,
    /// How long, in microseconds: half of it to one and a half.
    pub(crate) wait_us: u32,
}

/// The running server; killed when this is dropped.
pub(crate) struct WorkingServer(SmallServer);

// === impl WorkingServer ===

impl WorkingServer {
    /// Starts one.
    pub(crate) async fn start(work: WorkSettings) -> Result<Self> {
        let (rounds, share, wait) =
            (work.rounds.to_string(), work.wait_share.to_string(), work.wait_us.to_string());
        let arguments = ["--rounds", &rounds, "--wait-share", &share, "--wait-us", &wait];
        SmallServer::start("testkit-work", &arguments).await.map(Self)
    }

    /// A plan of GETs to it by `clients` that rest never, in the closed model.
    pub(crate) fn plan(&self, clients: usize) -> LoadPlan {
        let mut plan = self.0.plan();
        plan.clients.push(ClientGroup::new(clients, Protocol::Http1, Connection::KeepAlive));
        plan
    }
}
