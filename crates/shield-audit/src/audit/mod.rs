//! One audit of one directory: every part of this crate, over a tree that is walked once, and one [`Report`](crate::report::Report) of it.
//!
//! Parts do not know each other: each gives findings and what it could not read. Here they are put together: whose code a finding is
//! in, whether anything leads there, what the baseline accepts, and what a package that is never imported is worth.

mod code;
mod flows;
mod graph;
mod history;
mod kept;
#[cfg(test)]
mod kept_tests;
mod mend;
mod packages;
mod progress;
mod run;
mod settings;
mod standing;

pub use graph::ImportGraph;
pub use mend::remedies;
pub use progress::Progress;
pub use run::audit;
pub use settings::{HistoryOf, Settings};
