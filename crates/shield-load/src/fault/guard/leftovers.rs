//! What a guard that was killed left behind.
//!
//! Killed together with `shield`, a guard takes its children and proxies with it: pressure on processor and memory and faults
//! of the network end at once. Stopped processes, full disks, lowered limits and skewed clocks stay, and are undone from the
//! journal: call [`undo_leftovers`] before anything else is done to the same environment.

use std::io;
use std::path::{Path, PathBuf};

use crate::fault::guard::journal::DeadJournal;
use crate::fault::guard::undo::{Undo, UndoError};

/// What the journals of dead guards said.
#[derive(Debug, Default)]
pub struct Leftovers {
    /// Faults that were undone.
    pub undone: usize,
    /// Faults that could not be undone, each with the reason; their journals stay.
    pub failed: Vec<String>,
}

/// The journals could not be read.
#[derive(Debug, thiserror::Error)]
#[error("read the undo journals in `{}`", directory.display())]
pub struct UndoLeftoversError {
    /// Where they are.
    pub directory: PathBuf,
    #[source]
    source: io::Error,
}

/// Undoes what dead guards that kept their journals in `directory` left. Guards that live are left alone.
pub fn undo_leftovers(directory: &Path) -> Result<Leftovers, UndoLeftoversError> {
    let failed = |source| UndoLeftoversError { directory: directory.to_owned(), source };
    let (journals, unread) = DeadJournal::all(directory).map_err(failed)?;
    let mut leftovers = Leftovers { undone: 0, failed: unread };
    for journal in journals {
        let outcomes: Vec<Result<(), UndoError>> = journal.undos.iter().map(Undo::apply).collect();
        let whole = outcomes.iter().all(Result::is_ok);
        for outcome in outcomes {
            match outcome {
                Ok(()) => leftovers.undone += 1,
                Err(error) => leftovers.failed.push(crate::fault::chain(&error)),
            }
        }
        if whole {
            journal.remove().map_err(failed)?;
        }
    }
    Ok(leftovers)
}
