//! Settings with positions: reads a TOML document and collects *every* mistake in it.
//!
//! A person who edits `shield.toml` should need one run to learn all that is wrong with it. Deriving `Deserialize` stops
//! at the first error and forgets where a value stood, so settings are read by hand through [`Table`]: each getter
//! knows what it accepts, records a [`Mistake`] with line, key and value when it gets something else, and goes on.
//!
//! Guarantees: no text makes it panic; a key or table nobody asked for is a mistake; a value is withheld only together
//! with a mistake, so that an empty list of mistakes means that every getter delivered. Refuses: documents over
//! [`DOCUMENT_BYTES_MAX`], and names nested deeper than any real setting.

mod depth;
mod free;
mod mistake;
mod reader;
mod setting;
mod suggest;
mod table;
#[cfg(test)]
mod tests;
mod units;
mod values;

pub use mistake::{Mistake, Mistakes};
pub use reader::{DOCUMENT_BYTES_MAX, Reader};
pub use setting::{Refusal, Setting};
pub use table::Table;
pub use units::{ParseRatioError, ParseSizeError, Ratio, duration_text, format_size, parse_size};
