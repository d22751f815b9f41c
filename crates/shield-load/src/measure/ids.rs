//! Which ids were applied, in one bit per request.
//!
//! An id is `PREFIX-LANE-NUMBER`: the lane is one sequence of requests of one client, the number counts from 0 within
//! it. A set of numbers is a bitmap, so 10^8 requests take 25 MB, not gigabytes of strings.

use serde::{Deserialize, Serialize};

/// The ids that a run posted; of a run on several workers, each with a prefix of its own, those of all.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct PostedIds {
    generators: Vec<GeneratorIds>,
}

/// The ids of one generator.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
struct GeneratorIds {
    prefix: String,
    lanes: Vec<LaneIds>,
}

/// The ids of one lane.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct LaneIds {
    /// Answered 2xx.
    pub(crate) applied: NumberSet,
    /// Sent, without such an answer.
    pub(crate) unknown: NumberSet,
}

/// A set of small numbers.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct NumberSet {
    words: Vec<u64>,
}

// === impl PostedIds ===

impl PostedIds {
    /// Those of one generator.
    pub(crate) fn of(prefix: String, lanes: Vec<LaneIds>) -> Self {
        Self { generators: vec![GeneratorIds { prefix, lanes }] }
    }

    /// Adds those of another generator, which has another prefix.
    pub(crate) fn merge(&mut self, other: Self) {
        self.generators.extend(other.generators);
    }

    /// Whether every generator began its ids like this.
    pub(crate) fn all_begin_with(&self, prefix: &str) -> bool {
        self.generators.iter().all(|generator| generator.prefix == prefix)
    }

    /// Whether a run of so many requests can have posted them: no lane numbered more than there were.
    pub(crate) fn fits(&self, offered: u64) -> bool {
        let words = offered / 64 + 1;
        self.lanes()
            .all(|lane| [&lane.applied, &lane.unknown].iter().all(|set| set.words.len() as u64 <= words))
    }

    /// How many were applied.
    #[must_use]
    pub fn applied_count(&self) -> u64 {
        self.lanes().map(|lane| lane.applied.count()).sum()
    }

    /// How many may have been applied or not.
    #[must_use]
    pub fn unknown_count(&self) -> u64 {
        self.lanes().map(|lane| lane.unknown.count()).sum()
    }

    /// Whether an id begins as this run's do.
    pub(crate) fn has_prefix_of(&self, id: &str) -> bool {
        let own = |generator: &GeneratorIds| {
            id.strip_prefix(&generator.prefix).is_some_and(|rest| rest.starts_with('-'))
        };
        self.generators.iter().any(own)
    }

    fn lanes(&self) -> impl Iterator<Item = &LaneIds> {
        self.generators.iter().flat_map(|generator| &generator.lanes)
    }

    /// The ids that were applied: their request was answered 2xx.
    pub fn applied(&self) -> impl Iterator<Item = String> {
        self.list(|lane| &lane.applied)
    }

    /// The ids of which nobody knows: their request was sent and failed.
    pub fn unknown(&self) -> impl Iterator<Item = String> {
        self.list(|lane| &lane.unknown)
    }

    /// Whether this id was applied.
    #[must_use]
    pub fn is_applied(&self, id: &str) -> bool {
        self.find(id).is_some_and(|(lane, number)| lane.applied.contains(number))
    }

    /// Whether this id may have been applied or not.
    #[must_use]
    pub fn is_unknown(&self, id: &str) -> bool {
        self.find(id).is_some_and(|(lane, number)| lane.unknown.contains(number))
    }

    fn list(&self, set: fn(&LaneIds) -> &NumberSet) -> impl Iterator<Item = String> {
        let lanes = self.generators.iter().flat_map(|generator| {
            (0_u32..).zip(&generator.lanes).map(|(lane, ids)| (generator.prefix.as_str(), lane, ids))
        });
        lanes.flat_map(move |(prefix, lane, ids)| {
            set(ids).iter().map(move |number| id_text(prefix, lane, number))
        })
    }

    fn find(&self, id: &str) -> Option<(&LaneIds, u64)> {
        self.generators.iter().find_map(|generator| generator.find(id))
    }
}

// === impl GeneratorIds ===

impl GeneratorIds {
    fn find(&self, id: &str) -> Option<(&LaneIds, u64)> {
        let (lane, number) = id.strip_prefix(&self.prefix)?.strip_prefix('-')?.split_once('-')?;
        let (lane, number): (u32, u64) = (lane.parse().ok()?, number.parse().ok()?);
        // `007` parses too, but was never sent.
        (id_text(&self.prefix, lane, number) == id).then_some(())?;
        Some((self.lanes.get(lane as usize)?, number))
    }
}

/// The text of an id.
pub(crate) fn id_text(prefix: &str, lane: u32, number: u64) -> String {
    format!("{prefix}-{lane}-{number}")
}

// === impl NumberSet ===

impl NumberSet {
    pub(crate) fn insert(&mut self, number: u64) {
        let word = (number / 64) as usize;
        if word >= self.words.len() {
            self.words.resize(word + 1, 0);
        }
        self.words[word] |= 1 << (number % 64);
    }

    fn contains(&self, number: u64) -> bool {
        let word = usize::try_from(number / 64).ok().and_then(|word| self.words.get(word));
        word.is_some_and(|word| word & (1 << (number % 64)) != 0)
    }

    fn count(&self) -> u64 {
        self.words.iter().map(|word| u64::from(word.count_ones())).sum()
    }

    fn iter(&self) -> impl Iterator<Item = u64> {
        (0..self.words.len() as u64 * 64).filter(|number| self.contains(*number))
    }
}

#[cfg(test)]
mod tests {
    use super::{LaneIds, PostedIds};

    #[test]
    fn finds_what_was_inserted() {
        let mut lane = LaneIds::default();
        lane.applied.insert(0);
        lane.applied.insert(64);
        lane.unknown.insert(7);
        let mut ids = PostedIds::of("r".into(), vec![LaneIds::default(), lane.clone()]);
        ids.merge(PostedIds::of("r2".into(), vec![lane]));
        assert_eq!(ids.applied().collect::<Vec<_>>(), ["r-1-0", "r-1-64", "r2-0-0", "r2-0-64"]);
        assert_eq!(ids.unknown().collect::<Vec<_>>(), ["r-1-7", "r2-0-7"]);
        assert_eq!((ids.applied_count(), ids.unknown_count()), (4, 2));
        assert!(ids.is_applied("r-1-64") && ids.is_unknown("r-1-7"));
        for other in ["r-1-07", "r-0-0", "r-9-0", "x-1-0", "r-1", "r-1-", "r-1-99999999999999999999"] {
            assert!(!ids.is_applied(other) && !ids.is_unknown(other), "{other}");
        }
    }
}
