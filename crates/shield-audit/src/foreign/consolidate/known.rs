//! Which defects have which keys.

use std::collections::HashMap;

use super::{Consolidated, Sighting, keys::Key};
use crate::finding::Severity;

/// The defects of each key, in the order in which they came.
#[derive(Default)]
pub(super) struct Known {
    defects: HashMap<Key, Vec<usize>>,
    /// Up to where a rule of a tool has seen the defects of a key: every one is looked at once.
    seen: HashMap<(Key, String, String), usize>,
}

// === impl Known ===

impl Known {
    /// Says that a defect has these keys.
    pub(super) fn add(&mut self, keys: Vec<Key>, number: usize) {
        for key in keys {
            let defects = self.defects.entry(key).or_default();
            // One finding adds its keys once for each of its lines.
            if defects.last() != Some(&number) {
                defects.push(number);
            }
        }
    }

    /// The defect that a sighting with these keys is of, the nearest key first. What one rule of one tool says twice in a line is
    /// two defects.
    pub(super) fn find(&mut self, keys: &[Key], sighting: &Sighting, all: &[Consolidated]) -> Option<usize> {
        keys.iter().find_map(|key| {
            let defects = self.defects.get(key)?;
            if key.exact() {
                return defects.first().copied();
            }
            let who = (key.clone(), sighting.tool.clone(), sighting.rule.clone());
            let seen = self.seen.entry(who).or_default();
            while defects.get(*seen).is_some_and(|number| has_seen(&all[*number], sighting)) {
                *seen += 1;
            }
            defects.get(*seen).copied()
        })
    }
}

/// Whether the rule of the tool has seen a defect, however bad it called it.
fn has_seen(one: &Consolidated, sighting: &Sighting) -> bool {
    let least = Sighting { severity: Severity::Info, ..sighting.clone() };
    one.seen_by.range(least..).next().is_some_and(|by| by.tool == sighting.tool && by.rule == sighting.rule)
}
