//! Which versions an advisory is about: the evaluation that the OSV schema prescribes.
//!
//! A range is a list of events. Walked in the order of versions, `introduced` opens it, `fixed` closes it at its version,
//! `last_affected` behind its version; `limit` cuts the whole. `introduced: 0` is before every version, also before `0.dev0`.
//! Events of one version keep the order in which the record has them.
//!
//! A range that cannot be evaluated exactly is an error for whoever builds the index, not a range that hits nothing.

use serde::{Deserialize, Serialize};

use super::{ParseVersionError, Version};
use crate::dependencies::Ecosystem;

/// What happens at a version, as records write it.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Event {
    /// From here on; `0` is before everything.
    Introduced(String),
    /// No longer from here on.
    Fixed(String),
    /// No longer behind here.
    LastAffected(String),
    /// Nothing is said of this version and what follows; `*` is behind everything.
    Limit(String),
}

/// A range whose every event was understood.
#[derive(Clone, Debug)]
pub struct Range {
    edges: Vec<Edge>,
    /// Only versions below one of them; empty: no limit.
    limits: Vec<Version>,
}

#[derive(Clone, Debug)]
struct Edge {
    kind: Kind,
    /// None is before every version.
    at: Option<Version>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    Introduced,
    Fixed,
    LastAffected,
}

/// Events that are no range.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
pub enum ParseRangeError {
    /// Nothing opens it.
    #[error("read range: no `introduced` event")]
    NeverOpened,
    /// A version of it has no place in the order.
    #[error("read range: the version of an event")]
    Version(#[from] ParseVersionError),
}

// === impl Event ===

impl Event {
    /// The version at which it happens.
    #[must_use]
    pub fn version(&self) -> &str {
        let (Self::Introduced(version)
        | Self::Fixed(version)
        | Self::LastAffected(version)
        | Self::Limit(version)) = self;
        version
    }
}

// === impl Range ===

impl Range {
    /// Understands the events of a range.
    ///
    /// # Errors
    /// A version does not follow its registry's rules, or nothing opens the range.
    pub fn parse(ecosystem: Ecosystem, events: &[Event]) -> Result<Self, ParseRangeError> {
        let mut range = Self { edges: Vec::with_capacity(events.len()), limits: Vec::new() };
        for event in events {
            let (kind, text) = match event {
                Event::Introduced(text) => (Kind::Introduced, text),
                Event::Fixed(text) => (Kind::Fixed, text),
                Event::LastAffected(text) => (Kind::LastAffected, text),
                Event::Limit(text) => {
                    if text != "*" {
                        range.limits.push(Version::parse(ecosystem, text)?);
                    }
                    continue;
                }
            };
            // `0.0.0-0` is how RustSec's export spells it: no version of a crate is before it.
            let first = kind == Kind::Introduced && matches!(text.as_str(), "0" | "0.0.0-0");
            let at = if first { None } else { Some(Version::parse(ecosystem, text)?) };
            range.edges.push(Edge { kind, at });
        }
        if !range.edges.iter().any(|edge| edge.kind == Kind::Introduced) {
            return Err(ParseRangeError::NeverOpened);
        }
        range.edges.sort_by(|one, other| one.at.cmp(&other.at));
        Ok(range)
    }

    /// Whether a version lies in it.
    #[must_use]
    pub fn contains(&self, version: &Version) -> bool {
        let within_limits = self.limits.is_empty() || self.limits.iter().any(|limit| version < limit);
        let last = self.edges.iter().rev().find(|edge| edge.passed_by(version));
        within_limits && last.is_some_and(|edge| edge.kind == Kind::Introduced)
    }

    /// Whether it goes on for ever behind some version.
    #[must_use]
    pub fn open_ended(&self) -> bool {
        self.limits.is_empty() && self.edges.last().is_some_and(|edge| edge.kind == Kind::Introduced)
    }

    /// Whether it holds every version there can be.
    #[must_use]
    pub fn unbounded(&self) -> bool {
        let only_opens = self.edges.iter().all(|edge| edge.kind == Kind::Introduced);
        self.limits.is_empty() && only_opens && self.edges.first().is_some_and(|edge| edge.at.is_none())
    }
}

// === impl Edge ===

impl Edge {
    /// Whether a walk up to a version has this event behind it.
    fn passed_by(&self, version: &Version) -> bool {
        self.at.as_ref().is_none_or(|at| match self.kind {
            Kind::Introduced | Kind::Fixed => version >= at,
            Kind::LastAffected => version > at,
        })
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn range(text: &str) -> Result<Range, ParseRangeError> {
        let events: Vec<_> = text
            .split_whitespace()
            .map(|word| {
                let (kind, version) = word.split_at(1);
                let version = version.to_owned();
                match kind {
                    "i" => Event::Introduced(version),
                    "f" => Event::Fixed(version),
                    "a" => Event::LastAffected(version),
                    _ => Event::Limit(version),
                }
            })
            .collect();
        Range::parse(Ecosystem::PyPi, &events)
    }

    fn holds(text: &str, version: &str) -> bool {
        range(text).unwrap().contains(&Version::parse(Ecosystem::PyPi, version).unwrap())
    }

    #[test]
    fn edges_are_exact() {
        assert!(holds("i0 f2.0", "0.dev0") && holds("i0 f2.0", "2.0rc1") && !holds("i0 f2.0", "2.0"));
        assert!(
            holds("i1.0 a2.0", "2.0") && !holds("i1.0 a2.0", "2.0.post1") && !holds("i1.0 a2.0", "1.0rc1")
        );
        assert!(holds("i0", "999"));
    }

    #[test]
    fn order_of_events_is_free() {
        for text in ["i1 f2 i3 f4", "f4 i3 f2 i1", "i3 f4 i1 f2"] {
            let hit: Vec<_> = ["0.9", "1", "2", "2.5", "3", "4"].map(|version| holds(text, version)).into();
            assert_eq!(hit, [false, true, false, false, true, false], "{text}");
        }
    }

    #[test]
    fn equal_versions_keep_their_order() {
        assert!(holds("i0 f2 i2 f3", "2"));
        assert!(!holds("i2 f2", "2") && !holds("i2 f2", "3"));
    }

    #[test]
    fn limits_cut_the_range() {
        assert!(holds("i0 l3", "2.9") && !holds("i0 l3", "3") && holds("i0 l*", "3"));
        assert!(!range("i0 l3").unwrap().open_ended() && range("i0 l*").unwrap().unbounded());
    }

    #[test]
    fn open_ends_are_known() {
        assert!(range("i0").unwrap().unbounded() && range("i1").unwrap().open_ended());
        assert!(!range("i1").unwrap().unbounded() && !range("i0 f1").unwrap().open_ended());
        assert!(range("i0 f1 i2").unwrap().open_ended() && !range("i0 f1 i2").unwrap().unbounded());
    }

    #[test]
    fn unreadable_events_are_errors() {
        assert_eq!(range("f2").unwrap_err(), ParseRangeError::NeverOpened);
        assert_eq!(range("").unwrap_err(), ParseRangeError::NeverOpened);
        assert!(matches!(range("i0 f2.x.1"), Err(ParseRangeError::Version(_))));
    }

    proptest! {
        /// The same as a direct reading of the definition: which intervals, and is it in one of them.
        #[test]
        fn equals_the_union_of_intervals(mut marks in prop::collection::vec(0_u8..40, 1..8), probe in 0_u8..40) {
            marks.sort_unstable();
            marks.dedup();
            let letter = |index: usize| if index.is_multiple_of(2) { 'i' } else { 'f' };
            let text: Vec<_> = marks.iter().enumerate().map(|(index, mark)| format!("{}1.{mark}", letter(index))).collect();
            let inside = marks.chunks(2).any(|pair| match *pair {
                [from, to] => from <= probe && probe < to,
                [from] => from <= probe,
                _ => false,
            });
            prop_assert_eq!(holds(&text.join(" "), &format!("1.{probe}")), inside);
        }
    }
}
