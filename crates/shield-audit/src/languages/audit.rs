//! Running the checks over files.

use aho_corasick::AhoCorasick;

use super::{Language, check::Check, go, javascript, rust, scan, source, trojan};
use crate::{
    configuration::hits,
    custom::{Patterns, Rules},
    finding::Severity,
    python::FileReport,
    tree::{Reason, Skipped, decode},
};

/// Checks, ready to look at files.
#[derive(Debug)]
pub struct Audit {
    checks: Vec<&'static Check>,
    words: AhoCorasick,
    /// Which check each word is of.
    means: Vec<usize>,
    /// What rule files add.
    rules: Rules,
}

/// Whether a file of this name is looked at here.
#[must_use]
pub fn is_candidate(path: &str) -> bool {
    // Declarations hold no code.
    Language::of(path).is_some() && ![".d.ts", ".d.mts", ".d.cts"].iter().any(|ending| path.ends_with(ending))
}

// === impl Audit ===

impl Default for Audit {
    fn default() -> Self {
        let checks = [javascript::CHECKS, go::CHECKS, rust::CHECKS].into_iter().flatten().copied().flatten();
        Self::of(checks.collect())
    }
}

impl Audit {
    pub(super) fn of(checks: Vec<&'static Check>) -> Self {
        let pairs =
            checks.iter().enumerate().flat_map(|(at, check)| check.words.iter().map(move |word| (at, *word)));
        let (means, words): (Vec<_>, Vec<_>) = pairs.unzip();
        let words = AhoCorasick::new(words).expect("there are far fewer words than an automaton can hold");
        Self { checks, words, means, rules: Rules::default() }
    }

    /// The same, with what rule files add.
    #[must_use]
    pub fn with(self, rules: &Rules) -> Self {
        Self { rules: rules.clone(), ..self }
    }

    /// Looks at a file as it lies on disk. Files in other languages have an empty report.
    #[must_use]
    pub fn file(&self, path: &str, bytes: &[u8]) -> FileReport {
        let Some(language) = Language::of(path).filter(|_| is_candidate(path)) else {
            return FileReport::default();
        };
        match decode(bytes) {
            Ok(text) => {
                let text = text.characters.strip_prefix('\u{feff}').unwrap_or(&text.characters);
                self.text(path, text, language)
            }
            Err(reason) => skipping(path, reason),
        }
    }

    fn text(&self, path: &str, text: &str, language: Language) -> FileReport {
        let mut found = trojan::look(text);
        let active = self.active(text, language);
        let patterns = self.rules.patterns().looking_at(path, text, language);
        if active.is_empty() && patterns.is_empty() {
            return hits::report(path, text, found, None);
        }
        let tree = match source::parse(text, language) {
            Ok(tree) => tree,
            Err(reason) => return hits::report(path, text, found, Some(reason)),
        };
        let scanned = scan::scan(&tree, text, language, &active);
        found.extend(scanned.hits);
        if language.is_test(path) {
            found.iter_mut().for_each(|hit| hit.severity = Severity::Info);
        }
        // What a project does not want is not wanted in its tests either, unless it says so.
        let matched = Patterns::look(&patterns, &tree, text, language);
        found.extend(matched.hits);
        let mut report = hits::report(path, text, found, scanned.mistake);
        report
            .skipped
            .extend(matched.cut.into_iter().map(|reason| Skipped { path: path.to_owned(), reason }));
        report
    }

    /// The checks that can find something in a text.
    fn active(&self, text: &str, language: Language) -> Vec<&'static Check> {
        let mut seen = vec![false; self.checks.len()];
        for found in self.words.find_overlapping_iter(text) {
            seen[self.means[found.pattern().as_usize()]] = true;
        }
        // A name may be spelt with escapes: then any word may be there.
        let spelt = language.shares_rules(Language::JavaScript) && text.contains("\\u");
        let checks = self
            .checks
            .iter()
            .zip(seen)
            .filter(|(check, seen)| check.language.shares_rules(language) && (*seen || spelt));
        checks.map(|(check, _)| *check).collect()
    }
}

fn skipping(path: &str, reason: Reason) -> FileReport {
    FileReport { skipped: vec![Skipped { path: path.to_owned(), reason }], ..FileReport::default() }
}
