//! Takes values as text, and notes each that is refused.

use std::ffi::OsStr;

use shield_data::PostgresAddressError;

use super::{ENVIRONMENT_VARIABLES, SettingProblem};
use crate::store::StorePlace;

/// Every mistake so far.
pub(super) struct Reader {
    pub(super) problems: Vec<SettingProblem>,
}

// === impl Reader ===

impl Reader {
    /// Begins with the variables that look like ours and that nothing reads.
    pub(super) fn new(variables: impl Iterator<Item = String>) -> Self {
        Self { problems: strangers(variables) }
    }

    pub(super) fn read<T>(
        &mut self,
        option: &'static str,
        value: &OsStr,
        accepted: &'static str,
        parse: impl FnOnce(&str) -> Option<T>,
    ) -> Option<T> {
        // Taken as the system gives it, so that text that is not UTF-8 is a mistake like any other.
        let parsed = value.to_str().and_then(parse);
        if parsed.is_none() {
            self.refuse(option, value.to_string_lossy().into_owned(), accepted);
        }
        parsed
    }

    /// The same for a value that may hold a password: a mistake in it is told without it.
    pub(super) fn read_secret<T>(
        &mut self,
        option: &'static str,
        value: &OsStr,
        accepted: &'static str,
        parse: impl FnOnce(&str) -> Option<T>,
    ) -> Option<T> {
        let parsed = value.to_str().and_then(parse);
        if parsed.is_none() {
            self.refuse(option, "[redacted]".to_owned(), accepted);
        }
        parsed
    }

    /// The place of the database, whose password is in it: each mistake is told without it.
    pub(super) fn database(&mut self, value: &OsStr) -> Option<StorePlace> {
        let place = value.to_str().map(str::parse);
        match place {
            Some(Ok(place)) => return Some(place),
            Some(Err(PostgresAddressError { mistakes })) => {
                self.problems.extend(mistakes.into_iter().map(SettingProblem::Database));
            }
            None => self.refuse("database", "[redacted]".to_owned(), "text in UTF-8"),
        }
        None
    }

    fn refuse(&mut self, option: &'static str, value: String, accepted: &'static str) {
        let variable = format!("LINKSHIELD_{}", option.replace('-', "_").to_ascii_uppercase());
        self.problems.push(SettingProblem::Value { option, variable, value, accepted });
    }
}

fn strangers(variables: impl Iterator<Item = String>) -> Vec<SettingProblem> {
    let ours = variables.filter(|name| name.starts_with("LINKSHIELD_"));
    let unread = ours.filter(|name| !ENVIRONMENT_VARIABLES.contains(&name.as_str()));
    let mut unread: Vec<String> = unread.collect();
    unread.sort();
    let problem = |variable: String| SettingProblem::Variable { closest: closest(&variable), variable };
    unread.into_iter().map(problem).collect()
}

/// The variable that shares the most letter pairs with `name`.
fn closest(name: &str) -> &'static str {
    let pairs = |text: &str| text.as_bytes().windows(2).map(<[u8]>::to_vec).collect::<Vec<_>>();
    let wanted = pairs(name);
    let shared = |known: &str| pairs(known).iter().filter(|pair| wanted.contains(pair)).count() * 2;
    let likeness = |known: &&str| shared(known) as i64 - known.len() as i64;
    ENVIRONMENT_VARIABLES.into_iter().max_by_key(likeness).unwrap_or(ENVIRONMENT_VARIABLES[0])
}
