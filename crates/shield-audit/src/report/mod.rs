//! What an audit says, for whoever reads it.
//!
//! [`Report`] is all of it; the other modules write it down: [`text`] for a terminal. What was not looked at is in every form.

mod coverage;
mod funnel;
mod shape;
pub mod text;

pub use coverage::{Coverage, Gap, HistoryRead, ParsePartError, Part};
pub use funnel::Funnel;
pub use shape::{Accepted, Criteria, Found, Outcome, Report, Standing};
