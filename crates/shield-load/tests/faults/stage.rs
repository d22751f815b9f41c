//! What the tests share: victims, a process that makes faults, and looks at what is in effect.

use std::fs;
use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::{ChildStdin, ChildStdout, Command, Stdio};
use std::sync::mpsc::{Receiver, channel};
use std::thread;
use std::time::{Duration, Instant};

use serde_json::Value;
use shield_load::{
    Fault, FaultEvent, FaultPlan, FaultRunner, GuardProgram, PlannedFault, PreparedFaults, ProcessIdentity,
    ProcessTarget,
};
use shield_testkit::ProcessGuard;
use shield_testkit::wait_for_sync;
use tempfile::TempDir;

/// Longest wait for anything.
pub(crate) const LIMIT: Duration = Duration::from_secs(60);
const PROGRAM: &str = env!("CARGO_BIN_EXE_fault-process");

/// A plan of these faults, all from the start and for an hour.
pub(crate) fn plan(faults: Vec<Fault>) -> FaultPlan {
    let planned = |(index, fault)| PlannedFault {
        name: format!("fault {index}"),
        at: Duration::ZERO,
        lasts: Duration::from_secs(3600),
        spread: Duration::ZERO,
        fault,
        found_by: None,
    };
    FaultPlan { seed: 1, proxies: Vec::new(), faults: faults.into_iter().enumerate().map(planned).collect() }
}

/// Makes the faults of a plan in this process; its guard keeps its journal in `journals`.
pub(crate) fn run(plan: &FaultPlan, journals: &Path) -> FaultRunner {
    PreparedFaults::start(plan, &program(), journals).unwrap().run(Instant::now())
}

pub(crate) fn program() -> GuardProgram {
    GuardProgram { program: PROGRAM.into(), arguments: Vec::new() }
}

/// Waits until every fault has begun or failed.
pub(crate) fn settled(runner: &FaultRunner) -> Vec<FaultEvent> {
    wait_until("every fault to begin or fail", || {
        let events = runner.events();
        let settled = events.iter().all(|event| event.began_s.is_some() || event.failed.is_some());
        settled.then_some(events)
    })
}

pub(crate) fn wait_until<T>(what: &str, look: impl FnMut() -> Option<T>) -> T {
    wait_for_sync(what, LIMIT, look).unwrap()
}

/// A process that sleeps.
pub(crate) fn victim() -> ProcessGuard {
    ProcessGuard::of_child(Command::new("sleep").arg("600").spawn().unwrap()).unwrap()
}

pub(crate) fn identity(pid: u32) -> ProcessIdentity {
    ProcessIdentity::of(pid.cast_signed()).unwrap()
}

pub(crate) fn target(process: &ProcessGuard) -> ProcessTarget {
    ProcessTarget::process(identity(process.pid()))
}

/// The state letter in `/proc/<pid>/stat`; `None` if there is no such process.
pub(crate) fn state(pid: u32) -> Option<char> {
    let stat = fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
    stat.rsplit(") ").next()?.chars().next()
}

pub(crate) fn stopped(pid: u32) -> bool {
    state(pid) == Some('T')
}

/// The soft limit of open files.
pub(crate) fn limit(pid: u32) -> u64 {
    let limits = fs::read_to_string(format!("/proc/{pid}/limits")).unwrap();
    let line = limits.lines().find_map(|line| line.strip_prefix("Max open files")).unwrap();
    line.split_whitespace().next().unwrap().parse().unwrap()
}

/// Processes whose parent is `pid`.
pub(crate) fn children(pid: u32) -> Vec<u32> {
    let entries = fs::read_dir("/proc").unwrap().flatten();
    let pids = entries.filter_map(|entry| entry.file_name().to_str()?.parse::<u32>().ok());
    let parent = |pid: u32| {
        let stat = fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
        stat.rsplit(") ").next()?.split(' ').nth(1)?.parse::<u32>().ok()
    };
    pids.filter(|child| parent(*child) == Some(pid)).collect()
}

/// Files in a directory with this ending.
pub(crate) fn files(directory: &Path, part: &str) -> Vec<PathBuf> {
    let entries = fs::read_dir(directory).unwrap().flatten().map(|entry| entry.path());
    entries.filter(|path| path.to_string_lossy().contains(part)).collect()
}

/// The mount point of the filesystem that `path` lies on.
pub(crate) fn filesystem(path: &Path) -> PathBuf {
    use std::os::unix::fs::MetadataExt;
    let device = |path: &Path| fs::metadata(path).unwrap().dev();
    let path = fs::canonicalize(path).unwrap();
    path.ancestors().take_while(|above| device(above) == device(&path)).last().unwrap().to_owned()
}

/// What a process says, line by line.
fn lines(stdout: ChildStdout) -> Receiver<String> {
    let (sender, receiver) = channel();
    thread::spawn(move || {
        let lines = BufReader::new(stdout).lines().map_while(Result::ok);
        lines.for_each(|line| drop(sender.send(line)));
    });
    receiver
}

/// Another process that makes faults.
pub(crate) struct Player {
    pub(crate) process: ProcessGuard,
    pub(crate) guard: ProcessGuard,
    lines: Receiver<String>,
    _stdin: ChildStdin,
    directory: TempDir,
}

// === impl Player ===

impl Player {
    pub(crate) fn start(plan: &FaultPlan) -> Self {
        let directory = tempfile::tempdir().unwrap();
        let file = directory.path().join("plan.json");
        fs::write(&file, serde_json::to_vec(plan).unwrap()).unwrap();
        let mut command = Command::new(PROGRAM);
        command.arg(file).arg(directory.path()).stdin(Stdio::piped()).stdout(Stdio::piped());
        let mut child = command.spawn().unwrap();
        let stdin = child.stdin.take().unwrap();
        let lines = lines(child.stdout.take().unwrap());
        let process = ProcessGuard::of_child(child).unwrap();
        let first: Value = serde_json::from_str(&lines.recv_timeout(LIMIT).unwrap()).unwrap();
        let guard = u32::try_from(first["guard"].as_u64().unwrap()).unwrap();
        let guard = ProcessGuard::of_pid(guard).unwrap();
        Self { process, guard, lines, _stdin: stdin, directory }
    }

    /// Reads events until every fault is in effect.
    pub(crate) fn wait_until_begun(&self) -> Vec<FaultEvent> {
        loop {
            let line = self.lines.recv_timeout(LIMIT).unwrap();
            let events: Vec<FaultEvent> = serde_json::from_str(&line).unwrap();
            if events.iter().all(|event| event.began_s.is_some()) {
                return events;
            }
            let failed: Vec<_> = events.iter().filter_map(|event| event.failed.as_ref()).collect();
            assert!(failed.is_empty(), "{failed:?}");
        }
    }

    pub(crate) fn journals(&self) -> &Path {
        self.directory.path()
    }
}
