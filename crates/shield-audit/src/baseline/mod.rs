//! Findings that are accepted for a while: one a line, each with its reason and its end.

mod entry;
mod error;
mod file;
mod judge;
mod line;
mod pick;

pub use entry::{Entry, Terms, TermsError};
pub use error::{Mistake, MistakeKind, ParseBaselineError};
pub use file::Baseline;
pub use judge::{EXPIRED, Judged, STALE};
pub use pick::{FingerprintStart, Missed, ParseStartError, Pick, PickError, pick};
