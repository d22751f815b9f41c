//! What is known to be wrong with versions of packages: an offline index of OSV and RustSec advisories, and its evaluation.

mod advisory;
mod groups;
mod index;
mod osv;
mod range;
mod rustsec;
mod severity;
mod version;

pub use advisory::{Advisory, Hit, Kind};
pub use index::{
    Builder, Coverage, Index, LookUpError, OpenIndexError, Quarantined, ReadSourceError, Summary, read_source,
};
pub use range::{Event, ParseRangeError, Range};
pub use version::{ParseVersionError, Version};
