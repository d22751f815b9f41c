//! Running the checks over files.

use aho_corasick::AhoCorasick;

use super::{
    Language,
    check::Check,
    go, javascript,
    page::{self, Code},
    rust, scan, source,
    third_party::is_third_party,
    trojan,
    unruled::interpreter,
};
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

/// The language of a file that is code as a whole, by its name or by the interpreter that its first line names.
fn language(path: &str, bytes: &[u8]) -> Option<Language> {
    // Declarations hold no code.
    let declares = [".d.ts", ".d.mts", ".d.cts"].iter().any(|ending| path.ends_with(ending));
    let by_first_line = || match interpreter(bytes)? {
        "node" | "nodejs" => Some(Language::JavaScript),
        "bun" | "deno" | "ts-node" | "tsx" => Some(Language::TypeScript),
        _ => None,
    };
    Language::of(path).or_else(by_first_line).filter(|_| !declares)
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
        let language = language(path, bytes);
        let page = language.is_none() && page::is_candidate(path);
        if language.is_none() && !page {
            return FileReport::default();
        }
        let text = match decode(bytes) {
            Ok(text) => text.characters,
            // A page without scripts may be in any encoding.
            Err(_) if page && !page::mentions_scripts(bytes) => return FileReport::default(),
            Err(reason) => return skipping(path, reason),
        };
        let text = text.strip_prefix('\u{feff}').unwrap_or(&text);
        match language {
            Some(language) => {
                let whole = Code::whole(text, language);
                self.text(path, text, &whole, Vec::new())
            }
            None => self.page(path, text),
        }
    }

    /// Looks at the scripts of a page, and at what it puts between them.
    fn page(&self, path: &str, page: &str) -> FileReport {
        let raw = page::raw_markup(path, page);
        match page::scripts(path, page) {
            None => hits::report(path, page, raw, None),
            Some(scripts) => self.text(path, page, &scripts, raw),
        }
    }

    /// Looks at the code of a file in which something was found already.
    fn text(&self, path: &str, file: &str, code: &Code<'_>, mut found: Vec<hits::Hit>) -> FileReport {
        let (text, language) = (code.text.as_ref(), code.language);
        found.extend(trojan::look(text));
        let active = self.active(text, language);
        let patterns = self.rules.patterns().looking_at(path, text, language);
        if active.is_empty() && patterns.is_empty() {
            return hits::report(path, file, found, None);
        }
        let tree = match source::parse_parts(text, &code.parts, language) {
            Ok(tree) => tree,
            Err(reason) => return hits::report(path, file, found, Some(reason)),
        };
        let scanned = scan::scan(&tree, text, language, &active);
        found.extend(scanned.hits);
        if language.is_test(path) || is_third_party(path, text, language) {
            found.iter_mut().for_each(|hit| hit.severity = Severity::Info);
        }
        // What a project does not want is not wanted in its tests either, unless it says so.
        let matched = Patterns::look(&patterns, &tree, text, language);
        found.extend(matched.hits);
        let mut report = hits::report(path, file, found, scanned.mistake);
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
