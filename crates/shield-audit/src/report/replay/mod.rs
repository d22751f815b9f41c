//! What became of a foreign report, for whoever reads it.
//!
//! Each form says of every claim how its entries narrow down, how many have which verdict (the sum is the number of entries), and
//! names what is real. [`json`] has every entry with its reason.

mod json;
mod markdown;
#[cfg(test)]
mod tests;
mod text;
mod words;

pub use super::html::replay as html;
pub use json::{SCHEMA, json};
pub use markdown::markdown;
pub use text::text;
pub(super) use words::{Row, counts, headline, listed, real, sentence, stages, unread};
