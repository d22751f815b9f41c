//! A server that stands still on a schedule, and its diary.

use std::{net::SocketAddr, path::PathBuf, process::Stdio, time::Duration};

use shield_load::{LoadPlan, RequestMix, Scheme, Target};
use shield_testkit::stall::{Stall, read_stalls};
use shield_types::format_duration;
use tempfile::TempDir;
use tokio::{
    io::{AsyncBufReadExt, BufReader},
    process::{Child, Command},
};

use super::{Result, Trouble, build_stalling_server};

/// The running server; killed when this is dropped.
pub(crate) struct StallingServer {
    directory: TempDir,
    address: SocketAddr,
    _process: Child,
}

// === impl StallingServer ===

impl StallingServer {
    /// Starts one that stands still for `stall` after every `run`.
    pub(crate) async fn start(run: Duration, stall: Duration) -> Result<Self> {
        let program = build_stalling_server().await?;
        let directory =
            tempfile::tempdir().map_err(|error| Trouble::caused("make a temporary directory", error))?;
        let mut command = Command::new(program);
        command.args(["--run", &format_duration(run), "--stall", &format_duration(stall), "--diary"]);
        command.arg(directory.path().join("diary")).stdout(Stdio::piped()).kill_on_drop(true);
        let mut process =
            command.spawn().map_err(|error| Trouble::caused("start the stalling server", error))?;
        let stdout = process.stdout.take().expect("its standard output is a pipe");
        let line = BufReader::new(stdout).lines().next_line().await;
        let address = line.ok().flatten().and_then(|line| line.strip_prefix("listening on ")?.parse().ok());
        let address = address.ok_or_else(|| Trouble::new("learn where the stalling server listens"))?;
        Ok(Self { directory, address, _process: process })
    }

    /// A plan of GETs to it.
    pub(crate) fn plan(&self) -> LoadPlan {
        let target =
            Target { scheme: Scheme::Http, authority: self.address.to_string(), address: self.address };
        let mut plan = LoadPlan::new(target);
        plan.workload = RequestMix::gets("/").workload();
        plan
    }

    /// When it stood still.
    pub(crate) fn stalls(&self) -> Result<Vec<Stall>> {
        let diary: PathBuf = self.directory.path().join("diary");
        read_stalls(&diary).map_err(|error| Trouble::caused("read the diary of the stalling server", error))
    }
}
