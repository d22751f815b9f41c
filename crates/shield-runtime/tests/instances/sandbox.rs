//! A folder, a scope and ports for one test; whatever still runs under the scope dies with it.

use std::{
    fs,
    path::PathBuf,
    sync::atomic::{AtomicU32, Ordering},
    time::Duration,
};

use rustix::process::{Pid, Signal, kill_process_group};
use shield_runtime::{Identity, LaunchOrder, Ports, find};
use tempfile::TempDir;
use tokio::time::{Instant, sleep};

/// Far longer than anything takes; only a broken test waits this long.
pub(crate) const PATIENCE: Duration = Duration::from_secs(60);

static TESTS: AtomicU32 = AtomicU32::new(0);
static PORTS: std::sync::LazyLock<Ports> = std::sync::LazyLock::new(Ports::new);

pub(crate) struct Sandbox {
    folder: TempDir,
    pub(crate) scope: String,
}

impl Sandbox {
    pub(crate) fn new() -> Self {
        let number = TESTS.fetch_add(1, Ordering::Relaxed);
        Self {
            folder: tempfile::tempdir().unwrap(),
            scope: format!("test-{}-{number}-{}", std::process::id(), fastrand::u64(..)),
        }
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    pub(crate) fn log(&self) -> String {
        fs::read_to_string(self.path("instance.log")).unwrap_or_default()
    }

    /// An instance that runs `argv`.
    pub(crate) fn order(&self, argv: &[&str]) -> LaunchOrder {
        LaunchOrder {
            instance: "r7-0a0b0c0d.0.0".parse().unwrap(),
            scope: self.scope.clone(),
            argv: argv.iter().map(|word| (*word).to_owned()).collect(),
            env: [].into(),
            directory: self.folder.path().into(),
            address: PORTS.take([127, 0, 0, 1].into()).unwrap(),
            log: self.path("instance.log"),
        }
    }

    /// An instance that runs a shell script.
    pub(crate) fn script(&self, script: &str) -> LaunchOrder {
        self.order(&["sh", "-c", script])
    }

    /// An instance of the test program in a mode of its own.
    pub(crate) fn program(&self, mode: &[&str]) -> LaunchOrder {
        let argv: Vec<&str> = [PROGRAM].iter().chain(mode).copied().collect();
        self.order(&argv)
    }
}

impl Drop for Sandbox {
    fn drop(&mut self) {
        for found in find(&self.scope) {
            let _ = kill_process_group(Pid::from_raw(found.identity.pid).unwrap(), Signal::KILL);
        }
    }
}

pub(crate) const PROGRAM: &str = env!("CARGO_BIN_EXE_shield-runtime-instance");

/// Waits until `state` holds.
pub(crate) async fn eventually(what: &str, mut state: impl FnMut() -> bool) {
    let deadline = Instant::now() + PATIENCE;
    while !state() {
        assert!(Instant::now() < deadline, "never came: {what}");
        sleep(Duration::from_millis(10)).await;
    }
}

/// The fields of `/proc/<pid>/stat` after the name, or none when there is no such process.
pub(crate) fn stat(pid: i32) -> Vec<String> {
    let text = fs::read_to_string(format!("/proc/{pid}/stat")).unwrap_or_default();
    let fields = text.rsplit(')').next().unwrap_or_default();
    fields.split_whitespace().map(str::to_owned).collect()
}

/// Whether a process runs; zombies do not.
pub(crate) fn runs(pid: i32) -> bool {
    stat(pid).first().is_some_and(|state| state != "Z" && state != "X")
}

/// The identity of a process, read independently of the crate.
pub(crate) fn identity_of(pid: i32) -> Identity {
    let boot_id = fs::read_to_string("/proc/sys/kernel/random/boot_id").unwrap().trim().to_owned();
    Identity { boot_id, pid, start_ticks: stat(pid)[19].parse().unwrap() }
}

/// The numbers in the log's lines that start with `word`.
pub(crate) fn numbers(log: &str, word: &str) -> Vec<i32> {
    log.lines().filter_map(|line| line.strip_prefix(word)?.trim().parse().ok()).collect()
}
