//! Starting an edge process, and finding one that an earlier control plane started.

use std::{collections::BTreeMap, net::SocketAddr, path::PathBuf, time::Duration};

use shield_edge::EdgeClient;
use shield_runtime::{Found, LaunchError, LaunchOrder, Process, adopt, launch, marker};
use shield_types::InstanceId;
use tokio::time::{Instant, sleep};

use crate::layout::Layout;

/// Edge processes are instances of this name: `edge.0.<number>`.
pub(crate) const EDGE_NAME: &str = "edge";

/// Longest wait for a new edge to answer on its control socket.
const ANSWER_DEADLINE: Duration = Duration::from_secs(10);

/// A running edge.
pub(super) struct RunningEdge {
    /// Its number: a newer edge has a higher one.
    pub(super) number: u32,
    pub(super) client: EdgeClient,
    pub(super) process: Process,
    /// Calls in a row that failed.
    pub(super) failures: u32,
}

/// An edge could not be started.
#[derive(Debug, thiserror::Error)]
pub(super) enum StartEdgeError {
    #[error("start the edge process")]
    Launch {
        #[source]
        source: LaunchError,
    },
    #[error("start the edge process: it {exit} at once; its log is `{}`", log.display())]
    Exited { exit: String, log: PathBuf },
    #[error("reach the edge process on `{}` within {}", socket.display(), shield_types::format_duration(ANSWER_DEADLINE))]
    Silent { socket: PathBuf },
}

pub(super) fn edge_id(number: u32) -> InstanceId {
    InstanceId::new(EDGE_NAME.parse().expect("a constant name"), 0, number)
}

/// Starts edge `number` and waits until it answers. It routes nothing yet.
pub(super) async fn start_edge(
    layout: &Layout,
    binary: PathBuf,
    number: u32,
) -> Result<RunningEdge, StartEdgeError> {
    let socket = layout.edge_socket(number);
    let log = layout.logs().join("edge.log");
    // Gone only when somebody removed it: this process runs from it all the same, and what it forks can, too.
    let binary = if binary.exists() { binary } else { PathBuf::from("/proc/self/exe") };
    let argv = [binary.into_os_string(), "edge".into(), "--socket".into(), socket.clone().into()];
    let order = LaunchOrder {
        instance: edge_id(number),
        scope: layout.scope().to_owned(),
        argv: argv.iter().map(|word| word.to_string_lossy().into_owned()).collect(),
        env: BTreeMap::new(),
        directory: layout.root().to_owned(),
        address: SocketAddr::from(([127, 0, 0, 1], 0)),
        log: log.clone(),
    };
    let process = launch(&order).map_err(|source| StartEdgeError::Launch { source })?;
    let deadline = Instant::now() + ANSWER_DEADLINE;
    loop {
        if let Ok(client) = EdgeClient::connect(&socket).await {
            return Ok(RunningEdge { number, client, process, failures: 0 });
        }
        if !process.is_alive() {
            return Err(StartEdgeError::Exited { exit: process.exited().await.to_string(), log });
        }
        if Instant::now() >= deadline {
            process.kill_group();
            return Err(StartEdgeError::Silent { socket });
        }
        sleep(Duration::from_millis(10)).await;
    }
}

/// Takes over an edge that runs; `None` when it does not answer, and then it is killed.
pub(super) async fn adopt_edge(layout: &Layout, found: &Found) -> Option<RunningEdge> {
    let number = found.instance.attempt();
    let process = adopt(&found.identity, &marker(layout.scope(), &found.instance))?;
    match EdgeClient::connect(&layout.edge_socket(number)).await {
        Ok(client) => Some(RunningEdge { number, client, process, failures: 0 }),
        Err(error) => {
            tracing::warn!(edge = number, %error, "a running edge does not answer; it is killed");
            process.kill_group();
            None
        }
    }
}
