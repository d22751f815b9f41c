//! Which scanners are to be heard.

use std::{fmt, path::PathBuf, str::FromStr};

use serde::{Deserialize, Deserializer, Serialize, Serializer, de::Error as _};

use super::{Allowed, Tool, tools};

/// What other scanners are asked.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Others {
    /// Which are run.
    pub wanted: Vec<Wanted>,
    /// What they may do.
    pub allowed: Allowed,
    /// What they said elsewhere.
    pub imports: Vec<Import>,
}

/// A scanner that is asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Wanted {
    /// Every one that is installed.
    Installed,
    /// The one of this name; that it is not installed is a gap.
    Named(&'static str),
}

/// A file with what a scanner said.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Import {
    /// Whose output it is; none: SARIF, or what is in it says so.
    pub tool: Option<&'static str>,
    /// The file.
    pub file: PathBuf,
}

/// Text that names no scanner.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("find a scanner named `{text}`: there are {}", Wanted::listed())]
pub struct ParseWantedError {
    /// What was given.
    pub text: String,
}

/// Means every scanner that is installed.
const INSTALLED: &str = "installed";

// === impl Others ===

impl Others {
    /// Whether nobody is asked.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.wanted.is_empty() && self.imports.is_empty()
    }
}

// === impl Wanted ===

impl Wanted {
    /// What can be asked for, for people.
    #[must_use]
    pub fn listed() -> String {
        let mut names: Vec<_> = tools().map(|tool| tool.name).collect();
        names.sort_unstable();
        format!("{INSTALLED}, {}", names.join(", "))
    }

    const fn name(self) -> &'static str {
        match self {
            Self::Installed => INSTALLED,
            Self::Named(name) => name,
        }
    }
}

impl fmt::Display for Wanted {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.pad(self.name())
    }
}

impl FromStr for Wanted {
    type Err = ParseWantedError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        match Tool::named(text) {
            _ if text == INSTALLED => Ok(Self::Installed),
            Some(tool) => Ok(Self::Named(tool.name)),
            None => Err(ParseWantedError { text: text.to_owned() }),
        }
    }
}

impl Serialize for Wanted {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.name())
    }
}

impl<'de> Deserialize<'de> for Wanted {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer)?.parse().map_err(D::Error::custom)
    }
}

// === impl Import ===

impl From<&str> for Import {
    /// `FILE`, or `SCANNER=FILE`. What stands before a `=` and is no scanner is a part of the name.
    fn from(text: &str) -> Self {
        let split = text.split_once('=').and_then(|(name, file)| Some((Tool::named(name)?.name, file)));
        match split {
            Some((tool, file)) => Self { tool: Some(tool), file: PathBuf::from(file) },
            None => Self { tool: None, file: PathBuf::from(text) },
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn scanners_are_named() {
        assert_eq!("installed".parse(), Ok(Wanted::Installed));
        assert_eq!("cargo-audit".parse(), Ok(Wanted::Named("cargo-audit")));
        let error = "Bandit".parse::<Wanted>().unwrap_err().to_string();
        assert!(
            error.starts_with("find a scanner named `Bandit`: there are installed, bandit, black,"),
            "{error}"
        );
        for wanted in [Wanted::Installed, Wanted::Named("ruff")] {
            let text = serde_json::to_string(&wanted).unwrap();
            assert_eq!(serde_json::from_str::<Wanted>(&text).unwrap(), wanted);
        }
    }

    #[test]
    fn files_may_say_whose_they_are() {
        for (text, tool, file) in [
            ("out.sarif", None, "out.sarif"),
            ("flake8=lint.txt", Some("flake8"), "lint.txt"),
            ("a=b.json", None, "a=b.json"),
            ("ruff=a=b.json", Some("ruff"), "a=b.json"),
        ] {
            assert_eq!(Import::from(text), Import { tool, file: PathBuf::from(file) }, "{text}");
        }
    }
}
