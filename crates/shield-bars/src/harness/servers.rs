//! Small servers of the test kit, as processes of their own.

use std::{net::SocketAddr, path::PathBuf, process::Stdio, time::Duration};

use shield_load::{LoadPlan, RequestMix, Scheme, Target};
use shield_testkit::stall::{Stall, read_stalls};
use shield_types::format_duration;
use tempfile::TempDir;
use tokio::{
    io::{AsyncBufReadExt, BufReader},
    process::{Child, Command},
};

use super::{Result, Trouble, build_testkit};

/// A running server; killed when this is dropped.
pub(crate) struct SmallServer {
    pub(crate) address: SocketAddr,
    _process: Child,
}

/// A server that stands still on a schedule, and its diary.
pub(crate) struct StallingServer {
    directory: TempDir,
    server: SmallServer,
}

// === impl SmallServer ===

impl SmallServer {
    /// Starts a program of the test kit that says where it listens.
    pub(crate) async fn start(name: &str, arguments: &[&str]) -> Result<Self> {
        let program = build_testkit(name).await?;
        let mut command = Command::new(program);
        command.args(arguments).stdout(Stdio::piped()).kill_on_drop(true);
        let mut process = command.spawn().map_err(|error| Trouble::caused(format!("start {name}"), error))?;
        let stdout = process.stdout.take().expect("its standard output is a pipe");
        let line = BufReader::new(stdout).lines().next_line().await;
        let address = line.ok().flatten().and_then(|line| line.strip_prefix("listening on ")?.parse().ok());
        let address = address.ok_or_else(|| Trouble::new(format!("learn where {name} listens")))?;
        Ok(Self { address, _process: process })
    }

    /// A plan of GETs to it.
    pub(crate) fn plan(&self) -> LoadPlan {
        let target =
            Target { scheme: Scheme::Http, authority: self.address.to_string(), address: self.address };
        LoadPlan { workload: RequestMix::gets("/").workload(), ..LoadPlan::new(target) }
    }
}

// === impl StallingServer ===

impl StallingServer {
    /// Starts one that stands still for `stall` after every `run`.
    pub(crate) async fn start(run: Duration, stall: Duration) -> Result<Self> {
        let directory =
            tempfile::tempdir().map_err(|error| Trouble::caused("make a temporary directory", error))?;
        let (run, stall) = (format_duration(run), format_duration(stall));
        let diary = directory.path().join("diary");
        let diary = diary.to_str().ok_or_else(|| Trouble::new("name the diary in UTF-8"))?;
        let arguments = ["--run", &run, "--stall", &stall, "--diary", diary];
        let server = SmallServer::start("testkit-stall", &arguments).await?;
        Ok(Self { directory, server })
    }

    /// A plan of GETs to it.
    pub(crate) fn plan(&self) -> LoadPlan {
        self.server.plan()
    }

    /// When it stood still.
    pub(crate) fn stalls(&self) -> Result<Vec<Stall>> {
        let diary: PathBuf = self.directory.path().join("diary");
        read_stalls(&diary).map_err(|error| Trouble::caused("read the diary of the stalling server", error))
    }
}
