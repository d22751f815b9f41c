//! What an audit says, for whoever reads it.
//!
//! [`Report`] is all of it; the other modules write it down: [`text`] for a terminal. What was not looked at is in every form.

mod coverage;
mod funnel;
mod shape;
pub mod text;

pub use coverage::{Coverage, Gap, HistoryRead};
pub use funnel::Funnel;
pub use shape::{Accepted, Found, Outcome, Report, Standing};
