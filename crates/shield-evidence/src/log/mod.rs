//! The append-only log: one writer's view of the two files, several writers at once, and what a crash leaves.

mod error;
mod evidence_log;
mod journal;
mod walk;

pub use error::{AppendError, DamagedLog, OpenLogError, Repair};
pub use evidence_log::EvidenceLog;
pub(crate) use walk::{LogFiles, Position, WalkError, walk};
