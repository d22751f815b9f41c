//! Victims on this machine, and how an effect is seen on them: by the kernel's own words, never by those of `shield`.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

use rustix::fs::statvfs;

/// Processor time that shows that a thread is busy: more than a thread needs to begin.
const BUSY_NS: u64 = 3_000_000;
/// A process with more memory of its own than this is the one that takes memory.
const SMALL_BYTES: u64 = 4 << 20;

/// An effect, and where it is looked for.
#[derive(Debug)]
pub(super) enum Look {
    /// The process is stopped.
    Stopped(u32),
    /// The process is gone.
    Gone(u32),
    /// The process may open `few` files and no more, not as many as before.
    Descriptors { pid: u32, few: u64, before: u64 },
    /// The offset file of the process says `offset`, not what it said before.
    Clock { file: PathBuf, offset: String, before: &'static str },
    /// No block is free.
    DiskFull(PathBuf),
    /// A process that the guard started keeps a processor busy.
    Processor,
    /// A process that the guard started holds so many bytes.
    Memory(u64),
}

/// The processes that the guard started, also those that it left.
#[derive(Debug, Default)]
pub(super) struct Children {
    known: BTreeSet<u32>,
}

// === impl Look ===

impl Look {
    /// Whether the effect is there.
    pub(super) fn present(&self, children: &Children) -> bool {
        match self {
            Self::Stopped(pid) => state(*pid) == Some('T'),
            Self::Gone(pid) => matches!(state(*pid), None | Some('Z' | 'X')),
            Self::Descriptors { pid, few, .. } => soft_limit(*pid) == Some(*few),
            Self::Clock { file, offset, .. } => holds(file, offset),
            Self::DiskFull(path) => statvfs(path).is_ok_and(|disk| disk.f_bavail == 0),
            Self::Processor => children.running().any(|pid| own_bytes(pid) < SMALL_BYTES && busy(pid)),
            Self::Memory(bytes) => children.running().any(|pid| own_bytes(pid) >= *bytes),
        }
    }

    /// Whether everything is as it was before; a process that is gone stays gone.
    pub(super) fn undone(&self, children: &Children) -> bool {
        match self {
            Self::Stopped(pid) => matches!(state(*pid), Some('S' | 'R')),
            Self::Gone(_) => true,
            Self::Descriptors { pid, before, .. } => soft_limit(*pid) == Some(*before),
            Self::Clock { file, before, .. } => holds(file, before),
            Self::DiskFull(path) => fs::read_dir(path).is_ok_and(|mut entries| entries.next().is_none()),
            Self::Processor | Self::Memory(_) => children.running().next().is_none(),
        }
    }
}

// === impl Children ===

impl Children {
    /// Learns of those that were started meanwhile.
    pub(super) fn learn(&mut self, guard: u32) {
        self.known.extend(children(guard));
    }

    /// Those that run.
    pub(super) fn running(&self) -> impl Iterator<Item = u32> {
        self.known.iter().copied().filter(|pid| !matches!(state(*pid), None | Some('Z' | 'X')))
    }
}

fn holds(file: &Path, content: &str) -> bool {
    fs::read_to_string(file).is_ok_and(|held| held == content)
}

/// Processes that any thread of `pid` started.
pub(super) fn children(pid: u32) -> Vec<u32> {
    let threads = fs::read_dir(format!("/proc/{pid}/task")).into_iter().flatten().flatten();
    let lists = threads.filter_map(|thread| fs::read_to_string(thread.path().join("children")).ok());
    lists
        .flat_map(|list| list.split(' ').filter_map(|child| child.parse().ok()).collect::<Vec<_>>())
        .collect()
}

/// The letter after the name; none for a process that is not there.
fn state(pid: u32) -> Option<char> {
    let stat = fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
    stat.rsplit_once(") ")?.1.chars().next()
}

/// How many files the process may open.
pub(super) fn soft_limit(pid: u32) -> Option<u64> {
    let limits = fs::read_to_string(format!("/proc/{pid}/limits")).ok()?;
    limits
        .lines()
        .find_map(|line| line.strip_prefix("Max open files")?.split_whitespace().next()?.parse().ok())
}

/// The highest descriptor that the process has open.
pub(super) fn highest_descriptor(pid: u32) -> Option<u64> {
    let entries = fs::read_dir(Path::new("/proc").join(pid.to_string()).join("fd")).ok()?;
    entries.flatten().filter_map(|entry| entry.file_name().to_str()?.parse().ok()).max()
}

/// Memory that the process shares with nobody.
fn own_bytes(pid: u32) -> u64 {
    let status = fs::read_to_string(format!("/proc/{pid}/status")).unwrap_or_default();
    let kibibytes = status.lines().find_map(|line| line.strip_prefix("RssAnon:")?.trim().strip_suffix(" kB"));
    kibibytes.and_then(|number| number.trim().parse::<u64>().ok()).unwrap_or(0) * 1024
}

/// Whether a thread besides the first has used the processor for more than a moment.
fn busy(pid: u32) -> bool {
    let threads = fs::read_dir(format!("/proc/{pid}/task")).into_iter().flatten().flatten();
    let others = threads.filter(|thread| thread.file_name().to_str() != Some(&pid.to_string()));
    let used = |path: PathBuf| -> Option<u64> {
        fs::read_to_string(path.join("schedstat")).ok()?.split(' ').next()?.parse().ok()
    };
    others.filter_map(|thread| used(thread.path())).any(|used_ns| used_ns >= BUSY_NS)
}
