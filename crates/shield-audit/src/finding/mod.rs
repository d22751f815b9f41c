//! What an audit finds: the one form in which every part of it, and every foreign scanner, says something.

mod fingerprint;
mod rule;
mod severity;
mod shape;
mod wording;

pub use fingerprint::{Fingerprint, ParseFingerprintError, number_alike};
pub use rule::{Cwe, Rule};
pub use severity::{Confidence, Severity};
pub use shape::{Finding, Place, Span, Step};
pub use wording::Wording;
