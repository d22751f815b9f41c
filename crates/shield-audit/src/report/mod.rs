//! What an audit says, for whoever reads it.
//!
//! [`Report`] is all of it; each function writes it down in one form: [`text`] for a terminal, [`markdown`] for a pull request,
//! [`html`] for a browser, [`json`] for programs, [`sarif`] for places that collect findings, [`cyclonedx`] and [`spdx()`] for what the
//! project is made of, [`vex`] for what its vulnerabilities mean here. What was not looked at is in every form of the audit, and the
//! same report gives the same bytes.

mod bill;
mod claims;
mod coverage;
mod escape;
mod funnel;
mod html;
mod json;
mod markdown;
pub mod replay;
#[cfg(test)]
mod sample;
mod sarif;
mod scanners;
mod shape;
pub mod text;
mod vex;
mod words;

pub use bill::{cyclonedx, spdx};
pub use claims::claims;
pub use coverage::{Coverage, Gap, HistoryRead, ParsePartError, Part};
pub use funnel::Funnel;
pub use html::html;
pub use json::{SCHEMA, document, json};
pub use markdown::markdown;
pub use sarif::sarif;
pub use scanners::Scanner;
pub use shape::{Accepted, Criteria, Found, Outcome, Report, Standing};
pub use vex::vex;
