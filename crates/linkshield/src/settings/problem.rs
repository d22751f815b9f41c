//! What is said of mistakes.

use shield_data::PostgresAddressMistake;
use thiserror::Error;

/// All mistakes in the settings.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[error("{} not accepted", count(problems.len()))]
pub struct SettingsError {
    /// One entry per mistake, never empty.
    pub problems: Vec<SettingProblem>,
}

/// One mistake in the settings.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum SettingProblem {
    /// A value outside of what is accepted.
    #[error("`--{option}` ({variable}) is `{value}`, accepted is {accepted}")]
    Value {
        /// Name of the option.
        option: &'static str,
        /// Its environment variable.
        variable: String,
        /// What was given.
        value: String,
        /// What would have been accepted.
        accepted: &'static str,
    },
    /// A mistake in where the database is.
    #[error("`--database` (LINKSHIELD_DATABASE) is neither `sqlite` nor an address of PostgreSQL: {0}")]
    Database(PostgresAddressMistake),
    /// A variable with our prefix that nothing reads.
    #[error("environment variable `{variable}` is read by nothing, the closest one is `{closest}`")]
    Variable {
        /// Its name.
        variable: String,
        /// The most similar name that is read.
        closest: &'static str,
    },
}

fn count(problems: usize) -> String {
    if problems == 1 { "1 setting was".to_owned() } else { format!("{problems} settings were") }
}
