//! Every setting of `linkshield serve`: option, environment variable, default, what is accepted.
//!
//! An option beats its variable, which beats the default. Values are taken as text first, so that *all* mistakes are
//! reported at once, each with its key, the value and what would be accepted; nothing falls back silently. A variable
//! that starts with `LINKSHIELD_` but is none of these is a mistake too: a misspelt setting must not go unnoticed.

mod arguments;
mod parse;
mod problem;
mod reader;
mod resolve;
#[cfg(test)]
mod tests;
mod values;

pub use arguments::{ENVIRONMENT_VARIABLES, RawSettings};
pub use problem::{SettingProblem, SettingsError};
pub use resolve::EVENTS_FILE;
pub use values::{Environment, Settings};
