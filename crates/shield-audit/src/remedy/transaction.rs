//! Doing it: remedies applied all together or not, one by one, and taken back.
//!
//! Everything that can be judged without touching a file is judged first: what overlaps, what no longer parses, what would be found anew.
//! Then the record is written and synced, and only then are files replaced, each at once. Where behaviour may change, the tests run before
//! and after, and whoever makes them less green goes back alone. Until the record says that all is done, whoever finds it takes everything
//! back: at any moment each file has its old bytes or its new ones.

use std::{
    io,
    path::{Path, PathBuf},
};

use serde::Serialize;

use super::{
    Remedy,
    journal::{JournalError, Journals, State},
    rescan::Rescan,
    root::Root,
    selection::Transaction,
    suite::{TestRun, Tests},
};

/// What a transaction works with.
pub struct Work<'a> {
    /// The directory that remedies are about.
    pub root: &'a Path,
    /// The directory of records; it is made if it is not there. Not one that tests or scans look into.
    pub journals: &'a Path,
    /// Looks at changed files.
    pub rescan: &'a dyn Rescan,
    /// Runs the tests; without them nothing is applied that may change behaviour.
    pub tests: Option<&'a mut dyn Tests>,
    /// How often the tests may run after a change: what is not judged by then is taken back. Finding one bad remedy among n takes
    /// about twice log2 n runs.
    pub test_runs_max: u32,
}

/// What became of a remedy.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(tag = "outcome", rename_all = "kebab-case")]
pub enum Outcome {
    /// It is in the files.
    Applied,
    /// It is a proposal: a person decides.
    Proposed,
    /// It was not tried.
    Refused {
        /// Why.
        why: String,
    },
    /// It was tried, and is not in the files.
    Reverted {
        /// Why.
        why: String,
    },
}

/// What became of remedies.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Applied {
    /// The number of the record; none if no file was changed.
    pub record: Option<u32>,
    /// What became of each, in the order in which they were given.
    pub outcomes: Vec<Outcome>,
    /// What the tests said, if they ran.
    pub tests: Option<Tested>,
}

/// What tests said about a transaction.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Tested {
    /// With the files as they were.
    pub before: TestRun,
    /// With the files as they are, if something was kept.
    pub after: Option<TestRun>,
    /// How often they ran after a change.
    pub runs: u32,
}

/// Why no transaction took place, or it did not end.
#[derive(Debug, thiserror::Error)]
pub enum ApplyError {
    /// An earlier one did not end.
    #[error("apply remedies: number {record} was interrupted and must be recovered first")]
    Interrupted {
        /// Its record.
        record: u32,
    },
    /// The directory is not there.
    #[error("open `{}`", path.display())]
    Root {
        /// Which.
        path: PathBuf,
        /// What the operating system said.
        #[source]
        source: io::Error,
    },
    /// The record cannot be kept: without it nothing is changed; what was changed is taken back by [`super::recover`].
    #[error(transparent)]
    Journal(#[from] JournalError),
    /// Somebody wants no more. What was changed is not judged, and is taken back by [`super::recover`].
    #[error("apply remedies: the tests were ended before they had judged them")]
    Stopped,
}

/// Applies remedies to the files below a directory. Proposals are left alone.
///
/// # Errors
/// Where no record can be kept, an earlier transaction was interrupted, or this one is. What cannot be done to single files is an outcome.
pub fn apply(work: &mut Work<'_>, remedies: &[Remedy]) -> Result<Applied, ApplyError> {
    let journals = Journals::open(work.journals)?;
    let root =
        Root::open(work.root).map_err(|source| ApplyError::Root { path: work.root.to_owned(), source })?;
    apply_in(work, &journals, root, remedies)
}

pub(super) fn apply_in(
    work: &mut Work<'_>,
    journals: &Journals,
    root: Root,
    remedies: &[Remedy],
) -> Result<Applied, ApplyError> {
    let numbers = journals.numbers()?;
    for number in &numbers {
        if matches!(journals.read(*number)?.state, State::Applying | State::Reverting) {
            return Err(ApplyError::Interrupted { record: *number });
        }
    }
    let mut transaction = Transaction::new(root, remedies);
    let mut wanted = transaction.admit(work.tests.is_some());
    wanted = transaction.rescanned(work.rescan, wanted);
    let baseline = transaction.baseline(work, &mut wanted)?;
    if wanted.is_empty() {
        let tests = baseline.map(|before| Tested { before, after: None, runs: 0 });
        return Ok(Applied { record: None, outcomes: transaction.outcomes, tests });
    }
    journals.prune()?;
    let number = numbers.last().map_or(1, |last| last + 1);
    let mut journal = transaction.journal(&wanted);
    journals.write(number, &journal)?;
    let (kept, tests) = match baseline {
        None => (transaction.place(&wanted, &mut journal, (journals, number))?, None),
        Some(before) => {
            let (kept, tested) =
                transaction.tested(work, &wanted, before, &mut journal, (journals, number))?;
            (kept, Some(tested))
        }
    };
    for index in &kept {
        transaction.outcomes[*index] = Outcome::Applied;
    }
    let record = transaction.close(&kept, journal, (journals, number))?;
    Ok(Applied { record, outcomes: transaction.outcomes, tests })
}
