//! Where the keys of a JSON text are: parsers that keep numbers and text do not keep lines.

use std::collections::HashMap;

use crate::{dependencies::lines::Lines, finding::Place};

/// The first line that begins with each key.
pub(in crate::dependencies) struct KeyLines<'a>(HashMap<&'a str, usize>);

// === impl KeyLines ===

impl<'a> KeyLines<'a> {
    /// Of a text that has its keys on lines of their own, as tools write it.
    pub(in crate::dependencies) fn of(text: &'a str) -> Self {
        let mut places = HashMap::new();
        let mut at = 0;
        for line in text.split_inclusive('\n') {
            let content = line.trim_start();
            let key = content.strip_prefix('"').and_then(|rest| rest.split_once("\":"));
            if let Some((key, _)) = key {
                places.entry(key).or_insert(at + line.len() - content.len());
            }
            at += line.len();
        }
        Self(places)
    }

    /// The place of a key, with its quotes; of the whole file if it has no line of its own.
    pub(in crate::dependencies) fn place(&self, lines: &Lines<'_>, key: &str) -> Place {
        self.0.get(key).map_or_else(|| lines.whole(), |at| lines.place(*at..at + key.len() + 2))
    }
}
