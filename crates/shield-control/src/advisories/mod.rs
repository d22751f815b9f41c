//! Brings the index of advisories up to date.
//!
//! An audit itself never asks the network for anything: what it knows is in one file, which this replaces as a whole when somebody
//! says so. It lives here rather than in `shield-audit` so that the crate that reads foreign code and data has no way to send any.

mod download;
mod error;
mod update;

pub use download::DownloadError;
pub use error::UpdateAdvisoriesError;
pub use update::{AdvisorySource, UpdateProgress, Updated, update_advisories};
