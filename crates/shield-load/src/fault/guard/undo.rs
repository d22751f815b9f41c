//! How faults that outlive their process are undone. Every undo may be repeated; of [`Undo::Start`], whose command says what
//! a second start does, whoever gave the command sees to that.

use std::io;
use std::os::unix::process::CommandExt;
use std::path::PathBuf;
use std::process::{Command, Stdio};

use rustix::process::Signal;
use serde::{Deserialize, Serialize};

use crate::fault::process::clock::{self, ClockError};
use crate::fault::process::descriptors::{self, LimitError};
use crate::fault::process::disk::{self, DiskError};
use crate::fault::process::identity::ProcessIdentity;
use crate::fault::process::signals::{self, SignalError};

/// What undoes a fault.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "undo", rename_all = "kebab-case")]
pub(crate) enum Undo {
    /// Let processes run on.
    Continue { processes: Vec<ProcessIdentity> },
    /// Remove a file.
    Remove { path: PathBuf },
    /// Give back descriptors.
    RestoreLimit { process: ProcessIdentity, soft: Option<u64> },
    /// Make an offset file what it was; `None` for none.
    RestoreFile { path: PathBuf, content: Option<String> },
    /// Start a program, once these processes are gone.
    Start { after: Vec<ProcessIdentity>, command: Vec<String>, directory: PathBuf },
}

/// A fault is still in effect.
#[derive(Debug, thiserror::Error)]
pub(crate) enum UndoError {
    #[error("let a process run on")]
    Continue(#[source] SignalError),
    #[error("free the disk")]
    Remove(#[source] DiskError),
    #[error("restore the limit of descriptors")]
    Limit(#[source] LimitError),
    #[error("restore the clock")]
    Clock(#[source] ClockError),
    #[error("start `{program}`: {process} has not ended yet")]
    NotEnded { program: String, process: ProcessIdentity },
    #[error("start `{program}`")]
    Start {
        program: String,
        #[source]
        source: io::Error,
    },
}

// === impl Undo ===

impl Undo {
    /// Does it.
    pub(crate) fn apply(&self) -> Result<(), UndoError> {
        match self {
            Self::Continue { processes } => {
                // One that cannot be reached must not keep the others stopped.
                let sent: Vec<_> = processes
                    .iter()
                    .map(|process| signals::send_unless_gone(*process, Signal::CONT))
                    .collect();
                sent.into_iter().collect::<Result<(), _>>().map_err(UndoError::Continue)
            }
            Self::Remove { path } => disk::remove(path).map_err(UndoError::Remove),
            Self::RestoreLimit { process, soft } => {
                descriptors::restore(*process, *soft).map_err(UndoError::Limit)
            }
            Self::RestoreFile { path, content } => {
                clock::write(path, content.as_deref()).map_err(UndoError::Clock)
            }
            Self::Start { after, command, directory } => start(after, command, directory),
        }
    }

    /// Whether both put the same thing back, which only one at a time can do: the other one would put back what it found.
    pub(crate) fn clashes(&self, other: &Self) -> bool {
        match (self, other) {
            (Self::RestoreLimit { process, .. }, Self::RestoreLimit { process: other, .. }) => {
                process == other
            }
            (Self::RestoreFile { path, .. }, Self::RestoreFile { path: other, .. }) => path == other,
            _ => false,
        }
    }

    /// Whether there is anything to undo after a reboot, which ends every process and loses no file.
    pub(crate) fn outlives_boot(&self) -> bool {
        matches!(self, Self::Remove { .. } | Self::RestoreFile { .. })
    }
}

fn start(after: &[ProcessIdentity], command: &[String], directory: &PathBuf) -> Result<(), UndoError> {
    let [program, arguments @ ..] = command else { return Ok(()) };
    if let Some(process) = after.iter().find(|process| process.alive()) {
        return Err(UndoError::NotEnded { program: program.clone(), process: *process });
    }
    let mut starting = Command::new(program);
    starting.args(arguments).current_dir(directory).process_group(0);
    starting.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
    // Nobody waits for it: it is to outlive the guard.
    starting.spawn().map(drop).map_err(|source| UndoError::Start { program: program.clone(), source })
}
