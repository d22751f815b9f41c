//! Instances as real processes.
#![expect(clippy::unwrap_used, reason = "a panic is a test's failure")]

mod process;
mod sandbox;
mod start;
