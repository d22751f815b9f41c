//! One audit of one directory: every part of this crate, over a tree that is walked once, and one [`Report`](crate::report::Report) of it.
//!
//! Parts do not know each other: each gives findings and what it could not read. Here they are put together: whose code a finding is
//! in, whether anything leads there, what the baseline accepts, what a package that is never imported is worth, and what other scanners say of the same tree.

mod code;
mod flows;
mod graph;
mod history;
mod known;
mod mend;
mod others;
mod packages;
mod progress;
mod proofs;
mod replayed;
mod run;
mod settings;
mod standing;
mod unlisted;

pub use graph::ImportGraph;
pub use mend::remedies;
pub use progress::Progress;
pub use proofs::{Replayed, ReplayedClaim, replay_claims};
pub use replayed::{ReplayedReport, replayed};
pub use run::audit;
pub use settings::{HistoryOf, Settings};
