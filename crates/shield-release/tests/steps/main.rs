//! The machine step by step: every transition, every refusal, and every fault in every position.
#![expect(clippy::unwrap_used, reason = "a panic is a test's failure")]

mod downs;
mod failures;
mod happy;
mod plans;
mod rebuilds;
mod retirements;
mod rollbacks;
mod snapshots;
mod stages;
mod story;
mod supervision;
