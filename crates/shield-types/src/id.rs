//! One type per thing that has a name.

use std::{fmt, str::FromStr};

use serde::{Deserialize, Deserializer, Serialize, Serializer, de};

/// Longest accepted name, in bytes: names become file names, labels and parts of host names.
const NAME_BYTES_MAX: usize = 63;

/// A name that is not 1-63 of `a-z`, `0-9`, `-`, starting with a letter.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
#[error("parse name `{text}`: expected 1 to 63 of a-z, 0-9 and `-`, starting with a letter")]
pub struct ParseNameError {
    /// What was given, cut at 80 characters.
    pub text: String,
}

fn parse_name(text: &str) -> Result<String, ParseNameError> {
    let starts_with_letter = text.starts_with(|first: char| first.is_ascii_lowercase());
    let only_allowed = text.bytes().all(|byte| matches!(byte, b'a'..=b'z' | b'0'..=b'9' | b'-'));
    if starts_with_letter && only_allowed && text.len() <= NAME_BYTES_MAX {
        Ok(text.to_owned())
    } else {
        Err(ParseNameError { text: text.chars().take(80).collect() })
    }
}

macro_rules! name {
    ($(#[$doc:meta])* $name:ident) => {
        $(#[$doc])*
        #[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub struct $name(String);

        impl $name {
            /// The text of the name.
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl FromStr for $name {
            type Err = ParseNameError;

            fn from_str(text: &str) -> Result<Self, Self::Err> {
                parse_name(text).map(Self)
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
                formatter.pad(&self.0)
            }
        }

        impl fmt::Debug for $name {
            fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
                fmt::Debug::fmt(&self.0, formatter)
            }
        }

        impl Serialize for $name {
            fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                serializer.serialize_str(&self.0)
            }
        }

        impl<'de> Deserialize<'de> for $name {
            fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                String::deserialize(deserializer)?.parse().map_err(de::Error::custom)
            }
        }
    };
}

name! {
    /// A backend described by one `shield.toml`.
    ServiceName
}

name! {
    /// Where a service runs: `staging`, `production`.
    EnvironmentName
}

name! {
    /// One artifact and one resolved configuration on its way into an environment: `r<number>-<artifact digest>`.
    ///
    /// The number counts the releases of an environment, so ids of one environment never repeat.
    ReleaseId
}

impl ReleaseId {
    /// The id of release `number` of an environment, with the start of its artifact's digest for people.
    pub fn new(number: u64, artifact: crate::ArtifactDigest) -> Self {
        Self(format!("r{number}-{}", &artifact.0.hex()[..8]))
    }

    /// The number in `r<number>-<digest>`; 0 for other names.
    pub fn number(&self) -> u64 {
        let digits = self.0.strip_prefix('r').and_then(|rest| rest.split('-').next());
        digits.and_then(|digits| digits.parse().ok()).unwrap_or(0)
    }
}

/// One running copy of a release: `<release>.<slot>.<attempt>`.
///
/// `slot` is 0 to instances - 1; `attempt` counts the processes that filled the slot, so a restarted instance is a new one.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct InstanceId {
    release: ReleaseId,
    slot: u16,
    attempt: u32,
}

impl InstanceId {
    /// The id of the `attempt`-th process in `slot` of `release`.
    pub fn new(release: ReleaseId, slot: u16, attempt: u32) -> Self {
        Self { release, slot, attempt }
    }

    /// The release this is a copy of.
    pub fn release(&self) -> &ReleaseId {
        &self.release
    }

    /// The place in the pool, from 0.
    pub fn slot(&self) -> u16 {
        self.slot
    }

    /// Which process of the slot, from 0.
    pub fn attempt(&self) -> u32 {
        self.attempt
    }

    /// The process that takes over the slot when this one is gone.
    pub fn successor(&self) -> Self {
        Self { attempt: self.attempt.saturating_add(1), ..self.clone() }
    }
}

impl FromStr for InstanceId {
    type Err = ParseNameError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let mistake = || ParseNameError { text: text.chars().take(80).collect() };
        let mut parts = text.split('.');
        let (Some(release), Some(slot), Some(attempt), None) =
            (parts.next(), parts.next(), parts.next(), parts.next())
        else {
            return Err(mistake());
        };
        let slot = slot.parse().map_err(|_| mistake())?;
        let attempt = attempt.parse().map_err(|_| mistake())?;
        Ok(Self { release: release.parse()?, slot, attempt })
    }
}

impl fmt::Display for InstanceId {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{}.{}.{}", self.release, self.slot, self.attempt)
    }
}

impl fmt::Debug for InstanceId {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, formatter)
    }
}

impl Serialize for InstanceId {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for InstanceId {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer)?.parse().map_err(de::Error::custom)
    }
}

/// Number of a route table; a table with a lower or equal number never replaces one with a higher.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Generation(pub u64);

impl Generation {
    /// The generation after this one.
    #[must_use]
    pub fn next(self) -> Self {
        Self(self.0.saturating_add(1))
    }
}

impl fmt::Display for Generation {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(&self.0, formatter)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_reject_path_parts() {
        for text in ["", "a/b", "..", "1a", "A", "a b", "é", &"a".repeat(64)] {
            assert!(text.parse::<ServiceName>().is_err(), "{text:?}");
        }
        assert!("link-shield2".parse::<ServiceName>().is_ok());
    }

    #[test]
    fn instance_id_round_trips() {
        let id: InstanceId = "r12-9f3a1c00.3.7".parse().unwrap();
        assert_eq!((id.slot(), id.attempt(), id.release().as_str()), (3, 7, "r12-9f3a1c00"));
        assert_eq!(id.to_string(), "r12-9f3a1c00.3.7");
        assert_eq!(id.successor().to_string(), "r12-9f3a1c00.3.8");
    }
}
