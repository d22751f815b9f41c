//! Faults on real processes, and their undoing after real deaths.

#![expect(clippy::unwrap_used, reason = "a panic is a test's failure")]

mod deaths;
mod effects;
mod load;
mod network;
mod refusals;
mod stage;
