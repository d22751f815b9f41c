//! One advisory about one package, and whether it is about a version.

use serde::{Deserialize, Serialize};

use super::{Event, ParseRangeError, Range, Version};
use crate::{dependencies::Ecosystem, finding::Severity};

/// What an advisory says of a package.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Kind {
    /// Something worth knowing.
    Notice,
    /// Nobody looks after it.
    Unmaintained,
    /// Safe code can make it misbehave; no attack is known.
    Unsound,
    /// It can be attacked.
    Vulnerable,
    /// It is the attack.
    Malicious,
}

/// What one record says about one package. Its ranges were understood when the index was built.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Advisory {
    /// The record: `PYSEC-2021-76`.
    pub id: String,
    /// The one name of what is wrong, shared by every record that is about the same: its CVE if it has one.
    #[serde(default)]
    pub vulnerability: String,
    /// All other names of it, in order.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub aliases: Vec<String>,
    /// What it says.
    pub kind: Kind,
    /// In one line; empty if the record has none.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub summary: String,
    /// When the record was changed last, as it says.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub modified: String,
    /// When it was taken back.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub withdrawn: Option<String>,
    /// How bad, if the record says.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub severity: Option<Severity>,
    /// CVSS vectors as the record has them.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub vectors: Vec<String>,
    /// Affected are versions in one of these.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub ranges: Vec<Vec<Event>>,
    /// And these: sorted, in [`Version::canonical`] form, or as written if they have none.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub versions: Vec<String>,
    /// The functions or modules that are affected: none known is all.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub symbols: Vec<String>,
}

/// How an advisory names a version.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Hit {
    /// In a range, and in the list of versions or there is none.
    Agreed,
    /// In the list, outside of every range.
    OnlyListed,
    /// In a range, but left out of the list.
    OnlyRange,
}

/// A version that advisories are asked about, understood once for all of them.
#[derive(Clone, Debug)]
pub struct Sought {
    /// In the form that lists have.
    text: String,
    /// Its place in the order; none if its registry has no place for it.
    version: Option<Version>,
}

/// An advisory with its ranges understood.
#[derive(Debug)]
pub struct Reading<'a> {
    advisory: &'a Advisory,
    ranges: Vec<Range>,
}

// === impl Advisory ===

impl Advisory {
    /// Understands its ranges.
    ///
    /// # Errors
    /// One cannot be: the index was not made by [`super::Builder`].
    pub fn read(&self, ecosystem: Ecosystem) -> Result<Reading<'_>, ParseRangeError> {
        let ranges =
            self.ranges.iter().map(|events| Range::parse(ecosystem, events)).collect::<Result<_, _>>()?;
        Ok(Reading { advisory: self, ranges })
    }

    /// The versions that its ranges call fixed, in the order of versions.
    #[must_use]
    pub fn fixed_versions(&self, ecosystem: Ecosystem) -> Vec<(Version, &str)> {
        let mut fixed: Vec<_> = self
            .ranges
            .iter()
            .flatten()
            .filter_map(|event| match event {
                Event::Fixed(text) => Some((Version::parse(ecosystem, text).ok()?, text.as_str())),
                _ => None,
            })
            .collect();
        fixed.sort();
        fixed.dedup_by(|one, other| one.0 == other.0);
        fixed
    }
}

// === impl Sought ===

impl Sought {
    /// A version as written somewhere.
    #[must_use]
    pub fn new(ecosystem: Ecosystem, written: &str) -> Self {
        match Version::parse(ecosystem, written) {
            Ok(version) => Self { text: version.canonical(), version: Some(version) },
            Err(_) => Self { text: written.to_owned(), version: None },
        }
    }

    /// Its place in the order of versions.
    #[must_use]
    pub const fn version(&self) -> Option<&Version> {
        self.version.as_ref()
    }
}

// === impl Reading ===

impl<'a> Reading<'a> {
    /// What was read.
    #[must_use]
    pub const fn advisory(&self) -> &'a Advisory {
        self.advisory
    }

    /// Whether it is about a version. By the OSV schema both the list and the ranges count; where they disagree, the answer
    /// says so. A version without an order can only be listed.
    #[must_use]
    pub fn hits(&self, sought: &Sought) -> Option<Hit> {
        let versions = &self.advisory.versions;
        let listed = versions.binary_search(&sought.text).is_ok();
        let in_range = sought
            .version
            .as_ref()
            .is_some_and(|version| self.ranges.iter().any(|range| range.contains(version)));
        match (listed, in_range) {
            (true, true) => Some(Hit::Agreed),
            (false, true) if versions.is_empty() => Some(Hit::Agreed),
            (false, true) => Some(Hit::OnlyRange),
            (true, false) if self.ranges.is_empty() => Some(Hit::Agreed),
            (true, false) => Some(Hit::OnlyListed),
            (false, false) => None,
        }
    }

    /// Whether a range of it holds every version there can be: nothing fixed, no last one, no limit.
    #[must_use]
    pub fn unbounded(&self) -> bool {
        self.ranges.iter().any(Range::unbounded)
    }
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;

    /// An advisory of Python with one range, for tests.
    pub(in crate::advisories) fn advisory(id: &str, events: &[Event], versions: &[&str]) -> Advisory {
        Advisory {
            id: id.to_owned(),
            vulnerability: id.to_owned(),
            aliases: Vec::new(),
            kind: Kind::Vulnerable,
            summary: String::new(),
            modified: String::new(),
            withdrawn: None,
            severity: None,
            vectors: Vec::new(),
            ranges: if events.is_empty() { Vec::new() } else { vec![events.to_vec()] },
            versions: versions.iter().map(|&text| text.to_owned()).collect(),
            symbols: Vec::new(),
        }
    }

    fn hit(advisory: &Advisory, text: &str) -> Option<Hit> {
        advisory.read(Ecosystem::PyPi).unwrap().hits(&Sought::new(Ecosystem::PyPi, text))
    }

    #[test]
    fn lists_and_ranges_both_count() {
        let events = [Event::Introduced("1".into()), Event::Fixed("2".into())];
        let both = advisory("A", &events, &["0.9", "1.1"]);
        assert_eq!(hit(&both, "1.1.0"), Some(Hit::Agreed));
        assert_eq!(hit(&both, "1.2"), Some(Hit::OnlyRange));
        assert_eq!(hit(&both, "0.9"), Some(Hit::OnlyListed));
        assert_eq!(hit(&both, "2"), None);
        assert_eq!(hit(&advisory("A", &events, &[]), "1.5+cu118"), Some(Hit::Agreed));
    }

    #[test]
    fn versions_without_order_are_still_listed() {
        let listed = advisory("A", &[], &["1.0-final-x"]);
        assert_eq!(hit(&listed, "1.0-final-x"), Some(Hit::Agreed));
        assert_eq!(hit(&listed, "1.0-final-y"), None);
    }

    #[test]
    fn fixed_versions_are_ordered() {
        let events = ["2", "1.10", "1.9"].map(|text| Event::Fixed(text.to_owned()));
        let advisory = advisory("A", &events, &[]);
        let texts: Vec<_> =
            advisory.fixed_versions(Ecosystem::PyPi).into_iter().map(|(_, text)| text).collect();
        assert_eq!(texts, ["1.9", "1.10", "2"]);
    }
}
