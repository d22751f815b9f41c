//! All advisories in one file, found by package.

mod build;
mod file;
mod source;
mod summary;

pub use build::Builder;
pub use file::{Index, LookUpError, OpenIndexError};
pub use source::{ReadSourceError, read_archive, read_source};
pub use summary::{Coverage, Quarantined, Summary};
