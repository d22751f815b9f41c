//! Which ids were applied, in one bit per request.
//!
//! An id is `PREFIX-LANE-NUMBER`: the lane is one sequence of requests of one client, the number counts from 0 within
//! it. A set of numbers is a bitmap, so 10^8 requests take 25 MB, not gigabytes of strings.

/// The ids that a run posted.
#[derive(Clone, Debug, Default)]
pub struct PostedIds {
    pub(crate) prefix: String,
    pub(crate) lanes: Vec<LaneIds>,
}

/// The ids of one lane.
#[derive(Clone, Debug, Default)]
pub(crate) struct LaneIds {
    /// Answered 2xx.
    pub(crate) applied: NumberSet,
    /// Sent, without such an answer.
    pub(crate) unknown: NumberSet,
}

/// A set of small numbers.
#[derive(Clone, Debug, Default)]
pub(crate) struct NumberSet {
    words: Vec<u64>,
}

// === impl PostedIds ===

impl PostedIds {
    /// How many were applied.
    #[must_use]
    pub fn applied_count(&self) -> u64 {
        self.lanes.iter().map(|lane| lane.applied.count()).sum()
    }

    /// How many may have been applied or not.
    #[must_use]
    pub fn unknown_count(&self) -> u64 {
        self.lanes.iter().map(|lane| lane.unknown.count()).sum()
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
        let ids_of =
            move |(lane, ids)| set(ids).iter().map(move |number| id_text(&self.prefix, lane, number));
        (0_u32..).zip(&self.lanes).flat_map(ids_of)
    }

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
        let ids = PostedIds { prefix: "r".into(), lanes: vec![LaneIds::default(), lane] };
        assert_eq!(ids.applied().collect::<Vec<_>>(), ["r-1-0", "r-1-64"]);
        assert_eq!(ids.unknown().collect::<Vec<_>>(), ["r-1-7"]);
        assert_eq!((ids.applied_count(), ids.unknown_count()), (2, 1));
        assert!(ids.is_applied("r-1-64") && ids.is_unknown("r-1-7"));
        for other in ["r-1-07", "r-0-0", "r-9-0", "x-1-0", "r-1", "r-1-", "r-1-99999999999999999999"] {
            assert!(!ids.is_applied(other) && !ids.is_unknown(other), "{other}");
        }
    }
}
