//! LinkShield as a process of its own.

use std::{net::SocketAddr, process::Stdio};

use tempfile::TempDir;
use tokio::{
    io::{AsyncBufReadExt, BufReader},
    process::{Child, Command},
};

use super::{Result, Trouble, build_linkshield};

/// A running LinkShield with an empty database; killed when this is dropped.
pub(crate) struct LinkShield {
    pub(crate) address: SocketAddr,
    _process: Child,
    _data: TempDir,
}

// === impl LinkShield ===

impl LinkShield {
    /// Starts one, in release mode, that believes what this machine says of its clients, and limits nobody as a whole.
    pub(crate) async fn start() -> Result<Self> {
        let program = build_linkshield().await?;
        let data =
            tempfile::tempdir().map_err(|error| Trouble::caused("make a temporary directory", error))?;
        let mut command = Command::new(program);
        command.args([
            "serve",
            "--port",
            "0",
            "--log",
            "error",
            "--trusted-proxies",
            "127.0.0.0/8",
            "--data",
        ]);
        command.arg(data.path());
        command.args(["--address-limit", "100000000", "--anonymous-limit", "100000000"]);
        command.stdin(Stdio::null()).stdout(Stdio::piped()).kill_on_drop(true);
        let mut process = command.spawn().map_err(|error| Trouble::caused("start LinkShield", error))?;
        let stdout = process.stdout.take().expect("its standard output is a pipe");
        let line = BufReader::new(stdout).lines().next_line().await;
        let address = line.ok().flatten().and_then(|line| line.rsplit("http://").next()?.parse().ok());
        let address = address.ok_or_else(|| Trouble::new("learn where LinkShield listens"))?;
        Ok(Self { address, _process: process, _data: data })
    }
}
