//! A server whose answers cost a known amount of work.

use std::{net::SocketAddr, path::Path, process::Stdio};

use shield_load::{ClientGroup, Connection, LoadPlan, Protocol, Scheme, Target};
use tokio::{
    io::{AsyncBufReadExt, BufReader},
    process::{Child, Command},
};

use super::{Result, Trouble};

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
pub(crate) struct WorkingServer {
    address: SocketAddr,
    _process: Child,
}

// === impl WorkingServer ===

impl WorkingServer {
    /// Starts `program`, which [`super::build_working_server`] built.
    pub(crate) async fn start(program: &Path, work: WorkSettings) -> Result<Self> {
        let mut command = Command::new(program);
        command.args(["--rounds", &work.rounds.to_string(), "--wait-share", &work.wait_share.to_string()]);
        command.args(["--wait-us", &work.wait_us.to_string()]).stdout(Stdio::piped()).kill_on_drop(true);
        let mut process =
            command.spawn().map_err(|error| Trouble::caused("start the working server", error))?;
        let stdout = process.stdout.take().expect("its standard output is a pipe");
        let line = BufReader::new(stdout).lines().next_line().await;
        let address = line.ok().flatten().and_then(|line| line.strip_prefix("listening on ")?.parse().ok());
        let address = address.ok_or_else(|| Trouble::new("learn where the working server listens"))?;
        Ok(Self { address, _process: process })
    }

    /// A plan of GETs to it by `clients` that rest never, in the closed model.
    pub(crate) fn plan(&self, clients: usize) -> LoadPlan {
        let target =
            Target { scheme: Scheme::Http, authority: self.address.to_string(), address: self.address };
        let mut plan = LoadPlan::new(target);
        plan.mix.post_share = 0.0;
        plan.clients.push(ClientGroup::new(clients, Protocol::Http1, Connection::KeepAlive));
        plan
    }
}
