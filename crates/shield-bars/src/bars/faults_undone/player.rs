//! `shield load`, and its guard, as the bar sees them.

use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::Duration;

use shield_testkit::{ProcessGuard, wait_for};

use super::local::children;
use crate::harness::{Result, Trouble};

/// Longest wait for the guard.
const START_LIMIT: Duration = Duration::from_secs(20);

/// A run under way, with its guard. Both are killed when this is dropped.
pub(super) struct Player {
    pub(super) shield: ProcessGuard,
    pub(super) guard: ProcessGuard,
}

/// Where a run of `shield load` keeps what it needs.
#[derive(Clone, Debug)]
pub(super) struct Place {
    pub(super) program: PathBuf,
    /// The load file, its log and the undo journals are in here.
    pub(super) directory: PathBuf,
}

// === impl Player ===

impl Player {
    /// Starts `shield load` of a file with faults, and waits until it has started its guard.
    pub(super) async fn start(place: &Place, text: &str) -> Result<Self> {
        let shield = place.load("load.toml", text)?;
        let is_guard = |pid: &u32| {
            fs::read(format!("/proc/{pid}/cmdline")).is_ok_and(|line| line.ends_with(b"\0fault-guard\0"))
        };
        let pid = shield.pid();
        let found = || async { children(pid).into_iter().find(is_guard) };
        let guard = wait_for("the guard", START_LIMIT, found).await;
        let guard = guard.map_err(|error| Trouble::caused(place.complaint("start a guard"), error))?;
        let guard = ProcessGuard::of_pid(guard).map_err(|error| Trouble::caused("watch the guard", error))?;
        Ok(Self { shield, guard })
    }
}

// === impl Place ===

impl Place {
    /// Starts `shield load` of this text. What it says goes to the log.
    pub(super) fn load(&self, name: &str, text: &str) -> Result<ProcessGuard> {
        let failed = |error| Trouble::caused("start `shield load`", error);
        fs::write(self.directory.join(name), text).map_err(failed)?;
        let log = File::options().create(true).append(true).open(self.log()).map_err(failed)?;
        let mut command = Command::new(&self.program);
        command.args(["load", name]).current_dir(&self.directory).env("XDG_STATE_HOME", &self.directory);
        command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(log);
        let child = command.spawn().map_err(failed)?;
        ProcessGuard::of_child(child).map_err(|error| Trouble::caused("watch `shield load`", error))
    }

    /// Whether a guard's undo journal is there.
    pub(super) fn journal_is_left(&self) -> bool {
        let entries = fs::read_dir(self.directory.join("shield/faults")).into_iter().flatten().flatten();
        entries
            .into_iter()
            .any(|entry| Path::new(&entry.file_name()).extension().is_some_and(|it| it == "undo"))
    }

    /// What was to be done, and what `shield load` said.
    pub(super) fn complaint(&self, what: &str) -> String {
        format!("{what}; `shield load` said: {}", fs::read_to_string(self.log()).unwrap_or_default().trim())
    }

    fn log(&self) -> PathBuf {
        self.directory.join("shield.log")
    }
}
