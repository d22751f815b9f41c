//! Remedies: what can be done about findings, and doing it as a transaction.
//!
//! A [`Remedy`] belongs to one finding and is of one [`Class`]: A keeps the meaning, B may change behaviour, C is a proposal. [`for_python`] and
//! its like make them, as replaced ranges of bytes. [`apply`] brings them into the files, with proof, and [`revert`] takes them back.

mod blame;
mod dependencies;
mod edit;
mod execution;
mod journal;
mod minimum;
mod owners;
mod packaging;
#[cfg(test)]
mod project_tests;
mod python;
mod repairs;
mod rescan;
mod root;
mod schedule;
mod selection;
mod settle;
mod shape;
mod source;
mod stop;
mod suite;
mod transaction;
#[cfg(test)]
mod transaction_tests;
mod undo;

pub use blame::GitBlame;
pub use dependencies::for_dependencies;
pub use journal::{JournalError, Noted, State};
pub use minimum::python_minimum;
pub use owners::{Blame, CodeOwners, OWNER_FILES, Owner};
pub use packaging::Packaging;
pub use python::{Project, for_python};
pub use repairs::Imports;
pub use rescan::{PythonRescan, Rescan, Scan};
pub use schedule::{Due, Schedule, Task, Terms};
pub use shape::{Change, Class, Remedy};
pub use stop::{AtWork, Stop};
pub use suite::{TestCommand, TestError, TestRun, Tests};
pub use transaction::{Applied, ApplyError, Outcome, Tested, Work, apply};
pub use undo::{Record, Undone, open_record, records, recover, revert};
