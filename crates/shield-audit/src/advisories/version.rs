//! Versions, ordered as their registry orders them.
//!
//! Python's follow PEP 440, all others semantic versioning. What a builder added behind a plus says nothing about which code it
//! is (`torch 2.0.1+cu118` is `2.0.1`), so it takes no part in any comparison. A version that does not follow its registry's rules
//! has no place in an order and is an error here, never a guess.

use std::{cmp::Ordering, str::FromStr as _};

use crate::dependencies::Ecosystem;

/// A version that can be compared with others of its registry.
#[derive(Clone, Debug)]
pub struct Version(Order);

#[derive(Clone, Debug)]
enum Order {
    Python(pep440_rs::Version),
    Semantic(semver::Version),
}

/// Text that is no version in its registry.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
#[error("parse version `{text}` of {ecosystem}: {reason}")]
pub struct ParseVersionError {
    /// The text, cut at 80 characters.
    pub text: String,
    /// Whose rules.
    pub ecosystem: Ecosystem,
    /// What is wrong with it.
    pub reason: String,
}

// === impl Version ===

impl Version {
    /// Reads a version by its registry's rules: PEP 440, or semantic versioning with an optional `v` and missing parts as zero
    /// (`v1.2`).
    ///
    /// # Errors
    /// The text does not follow them.
    pub fn parse(ecosystem: Ecosystem, text: &str) -> Result<Self, ParseVersionError> {
        let text = text.trim();
        let order = match ecosystem {
            Ecosystem::PyPi => pep440_rs::Version::from_str(text)
                .map(|version| Order::Python(version.without_local()))
                .map_err(|error| error.to_string()),
            Ecosystem::CratesIo | Ecosystem::Go | Ecosystem::Npm => semantic(text).map(Order::Semantic),
        };
        order.map(Self).map_err(|reason| ParseVersionError {
            text: text.chars().take(80).collect(),
            ecosystem,
            reason,
        })
    }

    /// Its text in the one form that equal versions share: `v1.0.0+cu118` and `1` of Python are both `1`.
    #[must_use]
    pub fn canonical(&self) -> String {
        match &self.0 {
            Order::Python(version) => {
                let release = version.release();
                let kept = release.iter().rposition(|number| *number != 0).map_or(1, |last| last + 1);
                version.clone().with_release(&release[..kept.min(release.len())]).to_string()
            }
            Order::Semantic(version) => {
                let mut version = version.clone();
                version.build = semver::BuildMetadata::EMPTY;
                version.to_string()
            }
        }
    }

    /// Whether its registry calls it a pre-release.
    #[must_use]
    pub fn prerelease(&self) -> bool {
        match &self.0 {
            Order::Python(version) => version.any_prerelease(),
            Order::Semantic(version) => !version.pre.is_empty(),
        }
    }
}

impl PartialEq for Version {
    fn eq(&self, other: &Self) -> bool {
        self.cmp(other).is_eq()
    }
}

impl Eq for Version {}

impl PartialOrd for Version {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for Version {
    fn cmp(&self, other: &Self) -> Ordering {
        match (&self.0, &other.0) {
            (Order::Python(one), Order::Python(other)) => one.cmp(other),
            (Order::Semantic(one), Order::Semantic(other)) => one.cmp_precedence(other),
            // Versions of two registries are never compared; an order all the same keeps sorting total.
            (Order::Python(_), Order::Semantic(_)) => Ordering::Less,
            (Order::Semantic(_), Order::Python(_)) => Ordering::Greater,
        }
    }
}

fn semantic(text: &str) -> Result<semver::Version, String> {
    let text = text.strip_prefix('=').unwrap_or(text);
    let text = text.strip_prefix('v').unwrap_or(text);
    let error = match semver::Version::parse(text) {
        Ok(version) => return Ok(version),
        Err(error) => error.to_string(),
    };
    let numbers_end = text.find(['-', '+']).unwrap_or(text.len());
    let (numbers, rest) = text.split_at(numbers_end);
    let padding = match numbers.matches('.').count() {
        0 => ".0.0",
        1 => ".0",
        _ => return Err(error),
    };
    semver::Version::parse(&format!("{numbers}{padding}{rest}")).map_err(|_| error)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn of(ecosystem: Ecosystem, text: &str) -> Version {
        Version::parse(ecosystem, text).unwrap()
    }

    #[test]
    fn python_order_is_pep440() {
        let ascending = ["1.0.dev1", "1.0a1", "1.0b2", "1.0rc1", "1.0", "1.0.post1", "1.0.1", "1!0.1"];
        let versions: Vec<_> = ascending.iter().map(|text| of(Ecosystem::PyPi, text)).collect();
        assert!(versions.is_sorted_by(|one, other| one < other));
        assert_eq!(of(Ecosystem::PyPi, "1.0"), of(Ecosystem::PyPi, "v1.0.0+cu118"));
    }

    #[test]
    fn builds_are_one_version() {
        assert_eq!(of(Ecosystem::Go, "v2.0.0+incompatible"), of(Ecosystem::Go, "2.0.0"));
        assert_eq!(of(Ecosystem::Npm, "1.2"), of(Ecosystem::Npm, "1.2.0"));
        assert!(of(Ecosystem::CratesIo, "1.0.0-rc.1") < of(Ecosystem::CratesIo, "1.0.0"));
        assert!(of(Ecosystem::Npm, "1-rc.1").prerelease());
    }

    #[test]
    fn equal_versions_share_their_text() {
        for (one, other) in [("1.0.0", "v1"), ("1.0.0rc1+local", "1.0RC1"), ("0.0", "0"), ("1!2.0", "1!2")] {
            assert_eq!(of(Ecosystem::PyPi, one).canonical(), of(Ecosystem::PyPi, other).canonical());
        }
        assert_ne!(of(Ecosystem::PyPi, "1.0").canonical(), of(Ecosystem::PyPi, "10").canonical());
        assert_eq!(of(Ecosystem::Go, "v1.0.0+incompatible").canonical(), "1.0.0");
    }

    #[test]
    fn other_text_is_an_error() {
        for text in ["", "latest", "1.0_final_x", "1..0", "☃"] {
            for ecosystem in Ecosystem::ALL {
                assert!(Version::parse(ecosystem, text).is_err(), "{ecosystem} {text}");
            }
        }
        assert!(Version::parse(Ecosystem::CratesIo, "1.2.3.4").is_err());
    }

    proptest! {
        #[test]
        fn numbers_order_as_numbers(one in prop::array::uniform3(0_u64..30), other in prop::array::uniform3(0_u64..30)) {
            for ecosystem in Ecosystem::ALL {
                let version = |[major, minor, patch]: [u64; 3]| of(ecosystem, &format!("{major}.{minor}.{patch}"));
                prop_assert_eq!(version(one).cmp(&version(other)), one.cmp(&other));
            }
        }

        #[test]
        fn canonical_text_is_the_same_version(text in "[0-9]{1,2}(\\.[0-9]){0,3}(a1|rc2)?(\\.post1)?(\\.dev3)?") {
            let version = of(Ecosystem::PyPi, &text);
            let again = of(Ecosystem::PyPi, &version.canonical());
            prop_assert_eq!(&again, &version);
            prop_assert_eq!(again.canonical(), version.canonical());
        }

        #[test]
        fn any_text_is_answered(text in ".{0,30}") {
            for ecosystem in Ecosystem::ALL {
                let _ = Version::parse(ecosystem, &text);
            }
        }
    }
}
