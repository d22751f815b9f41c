//! The program that the guard and its children are: one executable, told by its first line what it is to be.

use std::fs::File;
use std::io;
use std::os::fd::OwnedFd;
use std::os::unix::net::UnixStream;
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};

use serde::{Deserialize, Serialize};

use crate::fault::guard::lines;
use crate::fault::plan::model::PlannedProxy;

/// How to start a process that calls [`crate::guard_main`] and nothing else: `shield fault-guard`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct GuardProgram {
    /// The executable.
    pub program: PathBuf,
    /// Its arguments.
    pub arguments: Vec<String>,
}

/// What such a process is. Its first line.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "role", rename_all = "kebab-case")]
pub(crate) enum Role {
    /// The guard.
    Guard { program: GuardProgram, journals: PathBuf, seed: u64, proxies: Vec<PlannedProxy> },
    /// A child of it that keeps the processor busy.
    Cpu { guard: u32, workers: u32, nice: i32, share_percent: u8 },
    /// A child of it that holds memory.
    Memory { guard: u32, bytes: u64 },
}

// === impl GuardProgram ===

impl GuardProgram {
    /// Starts it; both its standard input and its standard output are the socket, so that nothing it says can block on a
    /// reader that is gone for longer than it wants. What it has to say to people goes to `log`, or where this process's own
    /// goes.
    pub(crate) fn start(&self, role: &Role, log: Option<File>) -> io::Result<(Child, UnixStream)> {
        let (ours, theirs) = UnixStream::pair()?;
        let mut command = Command::new(&self.program);
        command.args(&self.arguments).stdin(OwnedFd::from(theirs.try_clone()?)).stdout(OwnedFd::from(theirs));
        command.stderr(log.map_or_else(Stdio::inherit, Stdio::from));
        let child = command.spawn()?;
        lines::write(&ours, role)?;
        Ok((child, ours))
    }
}
