//! Remedies: what can be done about findings, and doing it as a transaction.

mod edit;
mod python;
mod shape;
mod source;

pub use python::{Project, for_python};
pub use shape::{Change, Class, Remedy};
