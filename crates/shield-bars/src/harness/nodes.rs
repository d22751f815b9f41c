//! Several LinkShields on one database, as processes of their own.

use std::{net::SocketAddr, path::PathBuf, process::Stdio, time::Duration};

use tempfile::TempDir;
use tokio::{
    io::{AsyncBufReadExt, BufReader},
    process::{Child, Command},
    time::timeout,
};

use super::{HttpClient, Result, Trouble, build_linkshield};

/// Longest start of a node.
const START_LIMIT: Duration = Duration::from_secs(60);

/// What nodes have in common.
#[derive(Clone, Debug)]
pub(crate) struct NodeSettings {
    /// `postgres://…`.
    pub(crate) database: String,
    /// `redis://…` and the like.
    pub(crate) redis: Option<String>,
    /// Further options.
    pub(crate) options: Vec<String>,
}

/// A running node; killed when this is dropped.
#[derive(Debug)]
pub(crate) struct Node {
    pub(crate) address: SocketAddr,
    data: PathBuf,
    _process: Child,
}

/// Nodes that share a database and a master key.
#[derive(Debug)]
pub(crate) struct Nodes {
    pub(crate) nodes: Vec<Node>,
    program: PathBuf,
    settings: NodeSettings,
    directory: TempDir,
}

// === impl Nodes ===

impl Nodes {
    /// Starts so many.
    pub(crate) async fn start(count: usize, settings: NodeSettings) -> Result<Self> {
        let directory =
            tempfile::tempdir().map_err(|error| Trouble::caused("make a temporary directory", error))?;
        let program = build_linkshield().await?;
        let mut nodes = Self { nodes: Vec::new(), program, settings, directory };
        for number in 0..count {
            let node = nodes.start_one(number).await?;
            nodes.nodes.push(node);
        }
        Ok(nodes)
    }

    /// A client of each.
    pub(crate) fn clients(&self) -> Vec<HttpClient> {
        self.nodes.iter().map(|node| HttpClient::new(node.address)).collect()
    }

    /// Makes somebody who registered the first administrator.
    pub(crate) async fn make_admin(&self, email: &str) -> Result<()> {
        let mut command = Command::new(&self.program);
        command.args(["make-admin", email, "--database", &self.settings.database]);
        let finished = super::run(command, START_LIMIT).await?;
        match finished.succeeded() {
            true => Ok(()),
            false => Err(Trouble::new(format!("make an administrator: {}", finished.reason()))),
        }
    }

    async fn start_one(&self, number: usize) -> Result<Node> {
        let data = self.directory.path().join(format!("node-{number}"));
        let master_key = self.directory.path().join("master.key");
        let log = std::fs::File::create(self.directory.path().join(format!("node-{number}.log")))
            .map_err(|error| Trouble::caused("make a node's log", error))?;
        let mut command = Command::new(&self.program);
        command.arg("serve").args(["--port", "0", "--trusted-proxies", "127.0.0.0/8"]);
        command.args(["--database", &self.settings.database]).arg("--data").arg(&data);
        command.arg("--master-key").arg(master_key);
        if let Some(redis) = &self.settings.redis {
            command.args(["--redis", redis]);
        }
        command.args(&self.settings.options).stdout(Stdio::piped()).stderr(log).kill_on_drop(true);
        let mut process = command.spawn().map_err(|error| Trouble::caused("start LinkShield", error))?;
        let stdout = process.stdout.take().expect("its standard output is a pipe");
        let mut lines = BufReader::new(stdout).lines();
        let announced = async {
            while let Ok(Some(line)) = lines.next_line().await {
                if let Some(address) = line.strip_prefix("LinkShield listens on http://") {
                    return address.parse().ok();
                }
            }
            None
        };
        let address = timeout(START_LIMIT, announced).await.ok().flatten();
        let address = address.ok_or_else(|| self.not_started(number))?;
        // Whatever else it prints must not fill the pipe.
        tokio::spawn(async move { while let Ok(Some(_)) = lines.next_line().await {} });
        Ok(Node { address, data, _process: process })
    }

    fn not_started(&self, number: usize) -> Trouble {
        let log = std::fs::read_to_string(self.directory.path().join(format!("node-{number}.log")));
        Trouble::new(format!("start node {number}: {}", log.unwrap_or_default()))
    }
}

// === impl Node ===

impl Node {
    /// Every letter that it wrote.
    pub(crate) fn letters(&self) -> Result<Vec<String>> {
        let failed = |error| Trouble::caused(format!("read letters of `{}`", self.data.display()), error);
        let entries = std::fs::read_dir(self.data.join("mail")).map_err(failed)?;
        let paths = entries.filter_map(|entry| Some(entry.ok()?.path()));
        let letters = paths.filter(|path| path.extension().is_some_and(|extension| extension == "eml"));
        letters.map(|path| std::fs::read_to_string(path).map_err(failed)).collect()
    }
}
