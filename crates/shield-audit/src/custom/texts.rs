//! Lines of any file that match a regular expression: Dockerfiles, YAML, settings, SQL.

use regex::Regex;
use shield_types::settings::{Refusal, Table};

use super::{
    condition, head,
    paths::Paths,
    read::{self, Draft, Shared, Subject},
    words::{self, Words},
};
use crate::{
    configuration::hits::{self, Hit},
    finding::{Confidence, Rule},
    python::FileReport,
    tree::{Skipped, decode},
};

/// One rule.
#[derive(Clone, Debug)]
pub(super) struct Text {
    rule: &'static Rule,
    confidence: Confidence,
    paths: Paths,
    pub(super) words: Vec<String>,
    matches: Regex,
    /// A line that matches this too is left alone.
    unless: Option<Regex>,
}

/// All of them, ready to look at files.
#[derive(Debug, Default)]
pub(crate) struct Texts {
    all: Vec<Text>,
    words: Words,
}

/// Reads every `[[text]]`.
pub(super) fn read<'r>(root: &Table<'r>, draft: &mut Draft<'r>, shared: &mut Shared) {
    for table in &root.tables("text") {
        let rule = head::read(table, &mut shared.ids, &draft.file);
        let confidence = head::confidence(table).take();
        let paths = Paths::read(table);
        let words = words::read(table);
        let matches = condition::regex(table, "matches").required().take();
        let unless = condition::regex(table, "unless").optional().take();
        let examples = read::examples(table);
        if paths.as_ref().is_some_and(|paths| !paths.is_limited()) {
            table.mistaken(Refusal::new(
                "about every file",
                "include: patterns as in .gitignore, such as [\"Dockerfile\", \"*.yaml\"]",
            ));
            continue;
        }
        let (Some(rule), Some(confidence), Some(paths), Some(words), Some(matches), Some(unless)) =
            (rule, confidence, paths, words, matches, unless)
        else {
            continue;
        };
        draft.rules.push(rule);
        draft.texts.push(Text { rule, confidence, paths, words, matches, unless });
        draft.add_examples(examples, Subject::Text(draft.texts.len() - 1), rule.id.to_owned());
    }
}

// === impl Texts ===

impl Texts {
    pub(super) fn of(all: Vec<Text>) -> Self {
        let words = Words::of(all.iter().map(|text| text.words.as_slice()));
        Self { all, words }
    }

    /// Looks at a file as it lies on disk.
    pub(crate) fn file(&self, path: &str, bytes: &[u8]) -> FileReport {
        if self.all.is_empty() {
            return FileReport::default();
        }
        let text = match decode(bytes) {
            Ok(text) => text,
            // Of a file that nobody asked for, nothing is missing.
            Err(_) if !self.all.iter().any(|text| text.paths.has(path)) => return FileReport::default(),
            Err(reason) => {
                return FileReport {
                    skipped: vec![Skipped { path: path.to_owned(), reason }],
                    ..FileReport::default()
                };
            }
        };
        let text = &text.characters;
        let wanted = self.words.of_text(text).into_iter().map(|at| &self.all[at]);
        let hits = wanted.filter(|one| one.paths.has(path)).flat_map(|one| one.look(text)).collect();
        hits::report(path, text, hits, None)
    }
}

// === impl Text ===

impl Text {
    /// What it finds, whatever the file is called.
    pub(super) fn look(&self, text: &str) -> Vec<Hit> {
        let mut hits = Vec::new();
        let mut start = 0;
        for line in text.split_inclusive('\n') {
            let content = line.trim_end_matches(['\n', '\r']);
            let found = self.matches.find(content);
            let left_alone = || self.unless.as_ref().is_some_and(|unless| unless.is_match(content));
            if let Some(found) = found.filter(|found| !found.is_empty() && !left_alone()) {
                let range = start + found.start()..start + found.end();
                hits.push(Hit::of(self.rule, range, found.as_str()).confidence(self.confidence));
            }
            start += line.len();
        }
        hits
    }
}
