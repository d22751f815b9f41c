//! The evidence of releases: what happened in production, signed and appended to the log.
//!
//! The control plane records it, not the command that asked: a release ends, and is recorded, also when nobody waits for it
//! any more. An append waits for the lock that it shares with pipelines, and for the disk, so a task of its own does it. What
//! could not be recorded (disk full, damaged log) is recorded as soon as it can be, also by the next control plane.

mod recorder;
mod statements;
mod writer;

pub(crate) use recorder::{Recorder, RecorderNews, ToldEnd};
pub(crate) use statements::{EndedRelease, in_flight_at_swap};
pub(crate) use writer::check_log;
