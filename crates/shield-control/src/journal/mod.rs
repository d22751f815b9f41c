//! The journal: every event of an environment, on disk before it takes effect.
//!
//! A file is a header line, one snapshot frame, then one frame per event. State = replay(journal). A torn last frame is what
//! a crash leaves: it is dropped. Damage anywhere else makes the file untrustworthy: it is set aside, the caller rebuilds
//! the state from what runs, and the command that met the damage fails with the reason. A failed fsync is never retried on
//! the same file, since the kernel may have dropped the data; the next write starts a new file.

mod file;
mod frame;

pub use file::{AppendJournalError, JournalDamage, OpenJournalError};
pub(crate) use file::{Journal, Opened};
