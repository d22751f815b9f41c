//! What is known to be wrong with versions of packages: an offline index of OSV and RustSec advisories, and its evaluation.

mod advisory;
mod findings;
mod groups;
mod index;
mod matching;
mod osv;
mod range;
mod refused;
pub mod rules;
mod rustsec;
mod severity;
mod version;
pub mod vex;

pub use advisory::{Advisory, Hit, Kind, Reading, Sought};
pub(crate) use groups::{Group, Groups};
pub use index::{
    Builder, Coverage, Index, LookUpError, OpenIndexError, Quarantined, ReadSourceError, Summary,
    read_archive, read_source,
};
pub use matching::{Answer, Checked, Match, Unchecked, Withdrawn, match_packages};
pub use range::{Event, ParseRangeError, Range};
pub(crate) use severity::of_vector as severity_of_vector;
pub use version::{ParseVersionError, Version};
