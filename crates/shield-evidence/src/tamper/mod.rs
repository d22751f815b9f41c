//! The instrument of the bar `ship.evidence-tamper`: changes copies of a log and counts what [`crate::verify`] misses.
//!
//! [`run`] takes a good log and its trusted checkpoint, makes `count` seeded random changes, each on a fresh copy
//! (edits, insertions and removals of bytes and lines in both files and the public key, cuts, also back to an older
//! signed checkpoint, missing files, and two forgeries by somebody who knows the format), and reports every change
//! that gave no finding. Equal seeds make equal changes (only the forger's key is new each time). Never touches the
//! original; never copies the private key.

mod change;
mod random;
mod run;

pub use change::Kind;
pub use run::{TamperError, TamperReport, run};
