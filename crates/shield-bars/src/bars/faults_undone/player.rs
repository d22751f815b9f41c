//! The process that makes the faults, as the bar sees it.

use std::net::SocketAddr;
use std::path::Path;
use std::process::Stdio;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use serde_json::Value;
use shield_load::{FaultEvent, FaultPlan, ScheduledFault};
use shield_testkit::ProcessGuard;
use tokio::fs;
use tokio::io::{AsyncBufReadExt, BufReader, Lines};
use tokio::process::{Child, ChildStdout, Command};
use tokio::task::JoinHandle;
use tokio::time::timeout;

use crate::harness::{Result, Trouble};

/// Longest wait for its first line.
const START_LIMIT: Duration = Duration::from_secs(20);

/// The running process; killed when this is dropped.
pub(super) struct Player {
    pub(super) process: ProcessGuard,
    pub(super) guard: ProcessGuard,
    pub(super) schedule: Vec<ScheduledFault>,
    pub(super) proxy: SocketAddr,
    events: Arc<Mutex<Vec<FaultEvent>>>,
    reader: JoinHandle<()>,
    _child: Child,
}

// === impl Player ===

impl Player {
    pub(super) async fn start(program: &Path, plan: &FaultPlan, journals: &Path) -> Result<Self> {
        let file = journals.with_extension("json");
        let text = serde_json::to_vec(plan).map_err(|error| Trouble::caused("write a plan", error))?;
        fs::write(&file, text).await.map_err(|error| Trouble::caused("write a plan", error))?;
        let mut command = Command::new(program);
        command.arg(file).arg(journals).stdin(Stdio::piped()).stdout(Stdio::piped()).kill_on_drop(true);
        let mut child = command.spawn().map_err(|error| Trouble::caused("start who makes faults", error))?;
        let stdout = child.stdout.take().expect("its standard output is a pipe");
        let mut lines = BufReader::new(stdout).lines();
        let first = timeout(START_LIMIT, lines.next_line()).await.ok().and_then(|line| line.ok().flatten());
        let first: Option<Value> = first.and_then(|line| serde_json::from_str(&line).ok());
        let strange = || Trouble::new("understand what the maker of faults says first");
        let mut first = first.ok_or_else(strange)?;
        let guard = first["guard"].as_u64().and_then(|pid| u32::try_from(pid).ok()).ok_or_else(strange)?;
        let proxy = first["proxies"][0][1].as_str().and_then(|address| address.parse().ok());
        let schedule = serde_json::from_value(first["schedule"].take()).map_err(|_| strange())?;
        let opened =
            |pid| ProcessGuard::of_pid(pid).map_err(|error| Trouble::caused("watch a process", error));
        let events = Arc::default();
        let reader = tokio::spawn(read(lines, Arc::clone(&events)));
        Ok(Self {
            process: opened(child.id().ok_or_else(strange)?)?,
            guard: opened(guard)?,
            schedule,
            proxy: proxy.ok_or_else(strange)?,
            events,
            reader,
            _child: child,
        })
    }

    /// What it said last became of the faults.
    pub(super) fn events(&self) -> Vec<FaultEvent> {
        self.events.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

impl Drop for Player {
    fn drop(&mut self) {
        self.reader.abort();
    }
}

async fn read(mut lines: Lines<BufReader<ChildStdout>>, events: Arc<Mutex<Vec<FaultEvent>>>) {
    while let Ok(Some(line)) = lines.next_line().await {
        // The last line of a killed process may be half a one.
        if let Ok(told) = serde_json::from_str(&line) {
            *events.lock().unwrap_or_else(PoisonError::into_inner) = told;
        }
    }
}
