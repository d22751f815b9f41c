//! Few file descriptors: the soft limit of a running process, lowered and restored.
//!
//! `prlimit` takes a pid. The process is held by a pidfd meanwhile and looked at again after the call: if it is still there,
//! its pid meant it all the time. Only the end of the process and the reuse of its pid between two system calls would go
//! unnoticed until then, and that is reported.

use std::io;

use rustix::process::{Pid, Resource, Rlimit, prlimit};

use crate::fault::process::identity::{ProcessIdentity, TargetError};
use crate::fault::process::procfs;

/// A limit was not changed.
#[derive(Debug, thiserror::Error)]
pub(crate) enum LimitError {
    #[error("change the limit of a process")]
    Target(#[source] TargetError),
    #[error("read the limits of {process}")]
    Unreadable { process: ProcessIdentity },
    #[error("lower the limit of {process} to `{wanted}` open files: it is `{soft}` already")]
    LowerAlready { process: ProcessIdentity, wanted: u64, soft: u64 },
    #[error("change the limit of {process}")]
    Refused {
        process: ProcessIdentity,
        #[source]
        source: io::Error,
    },
}

/// The soft limit of open files; `None` for no limit.
pub(crate) fn soft_limit(process: ProcessIdentity) -> Result<Option<u64>, LimitError> {
    process.open().map_err(LimitError::Target)?;
    Ok(limits(process)?.0)
}

/// Lets `process` open `spare` more descriptors than it has.
pub(crate) fn lower(process: ProcessIdentity, spare: u32) -> Result<(), LimitError> {
    let highest = procfs::highest_descriptor(process.pid).ok_or(LimitError::Unreadable { process })?;
    let wanted = highest + 1 + u64::from(spare);
    match limits(process)?.0 {
        Some(soft) if soft <= wanted => Err(LimitError::LowerAlready { process, wanted, soft }),
        _ => set_soft(process, Some(wanted)),
    }
}

/// Sets the soft limit back; content if the process has ended.
pub(crate) fn restore(process: ProcessIdentity, soft: Option<u64>) -> Result<(), LimitError> {
    if !process.alive() {
        return Ok(());
    }
    match set_soft(process, soft) {
        Err(LimitError::Target(TargetError::Gone { .. })) => Ok(()),
        other => other,
    }
}

fn set_soft(process: ProcessIdentity, soft: Option<u64>) -> Result<(), LimitError> {
    let _held = process.open().map_err(LimitError::Target)?;
    let (_, maximum) = limits(process)?;
    let limit = Rlimit { current: soft, maximum };
    let outcome = prlimit(Pid::from_raw(process.pid), Resource::Nofile, limit);
    // A limit that was set on a process that has ended meanwhile is no success to build on.
    process.open().map_err(LimitError::Target)?;
    outcome.map(drop).map_err(|error| LimitError::Refused { process, source: error.into() })
}

fn limits(process: ProcessIdentity) -> Result<(Option<u64>, Option<u64>), LimitError> {
    procfs::open_files_limits(process.pid).ok_or(LimitError::Unreadable { process })
}
