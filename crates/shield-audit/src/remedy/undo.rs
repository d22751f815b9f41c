//! Taking back: what a crash interrupted, and what somebody no longer wants.

use std::path::Path;

use serde::Serialize;
use shield_types::chain;

use super::{
    ApplyError,
    journal::{Journal, JournalError, Journals, Noted, State},
    root::Root,
};

/// What was taken back.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Undone {
    /// The number of the record.
    pub record: u32,
    /// The files that are as they were before.
    pub restored: Vec<String>,
    /// Files that are not, and why: somebody changed them since. They are left alone.
    pub left: Vec<(String, String)>,
    /// What had been done to the files that are as they were.
    pub remedies: Vec<Noted>,
}

/// A record, in short.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Record {
    /// Its number.
    pub number: u32,
    /// How far it came.
    pub state: State,
    /// The files that it changed.
    pub files: Vec<String>,
    /// What was done.
    pub remedies: Vec<Noted>,
}

/// Ends what a crash interrupted: a transaction that was not done is taken back, one that was being taken back is finished. Nothing if none was.
///
/// # Errors
/// Where records cannot be read or written. Files that somebody changed since are said, and stop nothing.
pub fn recover(root: &Path, journals: &Path) -> Result<Vec<Undone>, ApplyError> {
    let (root, journals) = open(root, journals)?;
    recover_in(&root, &journals)
}

pub(super) fn recover_in(root: &Root, journals: &Journals) -> Result<Vec<Undone>, ApplyError> {
    let mut undone = Vec::new();
    // The newest first: it lies on top of the others.
    for number in journals.numbers()?.into_iter().rev() {
        let journal = journals.read(number)?;
        if matches!(journal.state, State::Applying | State::Reverting) {
            undone.push(undo(root, journals, number, journal)?);
        }
    }
    Ok(undone)
}

/// Takes back the newest transaction that is in the files; `None` if there is none. All files get exactly the bytes and permissions that they had,
/// but those that somebody changed since, be it only their permissions: the record keeps what they were, and the next call tries them again before it goes on to an
/// older transaction.
///
/// # Errors
/// Where records cannot be read or written, or an earlier transaction was interrupted.
pub fn revert(root: &Path, journals: &Path) -> Result<Option<Undone>, ApplyError> {
    let (root, journals) = open(root, journals)?;
    revert_in(&root, &journals)
}

pub(super) fn revert_in(root: &Root, journals: &Journals) -> Result<Option<Undone>, ApplyError> {
    let mut stuck = None;
    for number in journals.numbers()?.into_iter().rev() {
        let journal = journals.read(number)?;
        match journal.state {
            State::Applying | State::Reverting => return Err(ApplyError::Interrupted { record: number }),
            State::Reverted => {}
            State::Applied => return undo(root, journals, number, journal).map(Some),
            State::Left => {
                let undone = undo(root, journals, number, journal)?;
                if !undone.restored.is_empty() {
                    return Ok(Some(undone));
                }
                stuck = stuck.or(Some(undone));
            }
        }
    }
    Ok(stuck)
}

/// The newest transaction that is under way or was interrupted: files may hold changes that no test has judged. Nothing is waited for or written.
///
/// # Errors
/// Where a record cannot be read.
pub fn open_record(journals: &Path) -> Result<Option<u32>, JournalError> {
    let Some(journals) = Journals::look(journals)? else { return Ok(None) };
    for number in journals.numbers()?.into_iter().rev() {
        if matches!(journals.read(number)?.state, State::Applying | State::Reverting) {
            return Ok(Some(number));
        }
    }
    Ok(None)
}

/// Every record, the oldest first.
///
/// # Errors
/// Where one cannot be read.
pub fn records(journals: &Path) -> Result<Vec<Record>, JournalError> {
    let journals = Journals::open(journals)?;
    let read = |number: u32| {
        let Journal { state, files, remedies } = journals.read(number)?;
        Ok(Record { number, state, files: files.into_iter().map(|saved| saved.file).collect(), remedies })
    };
    journals.numbers()?.into_iter().map(read).collect()
}

fn open(root: &Path, journals: &Path) -> Result<(Root, Journals), ApplyError> {
    let journals = Journals::open(journals)?;
    let opened = Root::open(root).map_err(|source| ApplyError::Root { path: root.to_owned(), source })?;
    Ok((opened, journals))
}

fn undo(root: &Root, journals: &Journals, number: u32, mut journal: Journal) -> Result<Undone, ApplyError> {
    if matches!(journal.state, State::Applied | State::Left) {
        journal.state = State::Reverting;
        journals.write(number, &journal)?;
    }
    let mut undone =
        Undone { record: number, restored: Vec::new(), left: Vec::new(), remedies: journal.remedies.clone() };
    let mut left = Vec::new();
    for saved in std::mem::take(&mut journal.files) {
        match saved.restore(root) {
            Ok(()) => undone.restored.push(saved.file.clone()),
            Err(error) => {
                undone.left.push((saved.file.clone(), chain(&error)));
                left.push(saved);
            }
        }
    }
    // What is put back needs no record any more, and a record of nothing is small.
    journal.state = if left.is_empty() { State::Reverted } else { State::Left };
    let back = |noted: &Noted| !left.iter().any(|saved| saved.file == noted.file);
    undone.remedies.retain(back);
    journal.remedies.retain(|noted| !back(noted));
    journal.files = left;
    journals.write(number, &journal)?;
    Ok(undone)
}
