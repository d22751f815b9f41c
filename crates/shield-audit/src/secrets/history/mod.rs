//! Secrets in everything that was ever committed.

mod error;
mod git;
mod objects;
mod report;
mod scan;
mod walk;

pub use error::HistoryError;
pub use report::{HistoricSecret, History, HistoryProgress, Origin, UnreadHistory, UnreadReason};
pub use scan::scan_history;
