//! Shapes of code in Rust, Go, JavaScript and TypeScript, as queries of tree-sitter.
//!
//! A query with many ways to match could take as long as it likes: the ways that are followed at once and the steps are bounded by the
//! length of the file, and a rule that was not looked for to the end is named.

use std::ops::ControlFlow;

use shield_types::settings::{Refusal, Table};
use tree_sitter::{Query, QueryCursor, QueryCursorOptions, QueryCursorState, StreamingIterator, Tree};

use super::{
    head,
    paths::Paths,
    read::{self, Draft, Shared, Subject},
    words::{self, Words},
};
use crate::{
    configuration::hits::Hit,
    finding::{Confidence, Rule},
    languages::Language,
    tree::Reason,
};

/// Longest query, in bytes.
const QUERY_BYTES_MAX: usize = 4_000;
/// The capture that says where a finding is.
const MATCH: &str = "match";
/// Ways of matching that are followed at once, as in editors: each is held against each other at every node.
const WAYS_MAX: u32 = 256;
/// A query gets a thousand steps, each of which is one way at one node, for so many bytes.
const BYTES_PER_THOUSAND_STEPS: usize = 32;
/// Thousands of steps that it gets for the beginning.
const BEGINNING: usize = 500;
/// What a query is.
const ACCEPTED: &str = "a query of tree-sitter, such as '(call_expression function: (identifier) @name (#eq? @name \"eval\")) @match'";

/// The languages by their words: the grammars that a query must fit, the first of which decides.
const LANGUAGES: [(&str, &[Language]); 4] = [
    ("rust", &[Language::Rust]),
    ("go", &[Language::Go]),
    ("javascript", &[Language::JavaScript, Language::TypeScript, Language::TypeScriptElements]),
    ("typescript", &[Language::TypeScript, Language::TypeScriptElements]),
];

/// One rule.
#[derive(Debug)]
pub(crate) struct Pattern {
    rule: &'static Rule,
    confidence: Confidence,
    paths: Paths,
    pub(super) words: Vec<String>,
    queries: Vec<(Language, Query)>,
}

/// All of them, ready to look at files.
#[derive(Debug, Default)]
pub(crate) struct Patterns {
    all: Vec<Pattern>,
    words: Words,
}

/// What a query finds in a file.
#[derive(Debug, Default)]
pub(crate) struct Matched {
    pub(crate) hits: Vec<Hit>,
    /// What was not looked for to the end.
    pub(crate) cut: Vec<Reason>,
}

/// Reads every `[[pattern]]`.
pub(super) fn read<'r>(root: &Table<'r>, draft: &mut Draft<'r>, shared: &mut Shared) {
    for table in &root.tables("pattern") {
        let rule = head::read(table, &mut shared.ids, &draft.file);
        let confidence = head::confidence(table).take();
        let paths = Paths::read(table);
        let words = words::read(table);
        let languages = table.enumeration("language", &LANGUAGES).required();
        let query = table.string("query", QUERY_BYTES_MAX, ACCEPTED).required();
        let examples = read::examples(table);
        let queries =
            languages.value().and_then(|languages| query.and_then(|text| compiled(&text, languages)).take());
        let (Some(rule), Some(confidence), Some(paths), Some(words), Some(queries)) =
            (rule, confidence, paths, words, queries)
        else {
            continue;
        };
        draft.rules.push(rule);
        draft.patterns.push(Pattern { rule, confidence, paths, words, queries });
        draft.add_examples(examples, Subject::Pattern(draft.patterns.len() - 1), rule.id.to_owned());
    }
}

/// The query for each grammar that knows its nodes.
fn compiled(text: &str, languages: &[Language]) -> Result<Vec<(Language, Query)>, Refusal> {
    let mut queries = Vec::new();
    for language in languages {
        match Query::new(&language.grammar(), text) {
            Ok(query) if query.capture_names().is_empty() => {
                return Err(Refusal::new("no capture, so that no place would be found", ACCEPTED));
            }
            Ok(query) => queries.push((*language, query)),
            Err(error) if queries.is_empty() => {
                let said: String =
                    error.message.lines().next().unwrap_or_default().chars().take(80).collect();
                let problem =
                    format!("not a query, in line {} column {}: {said}", error.row + 1, error.column + 1);
                return Err(Refusal::new(problem, ACCEPTED));
            }
            // What only JavaScript has is looked for there.
            Err(_) => {}
        }
    }
    Ok(queries)
}

// === impl Patterns ===

impl Patterns {
    pub(super) fn of(all: Vec<Pattern>) -> Self {
        let words = Words::of(all.iter().map(|pattern| pattern.words.as_slice()));
        Self { all, words }
    }

    /// Those that can find something in a file.
    pub(crate) fn looking_at(&self, path: &str, text: &str, language: Language) -> Vec<&Pattern> {
        let wanted = self.words.of_text(text).into_iter().filter_map(|at| self.all.get(at));
        wanted.filter(|pattern| pattern.query(language).is_some() && pattern.paths.has(path)).collect()
    }

    /// What some of them find in a tree.
    pub(crate) fn look(patterns: &[&Pattern], tree: &Tree, text: &str, language: Language) -> Matched {
        let mut matched = Matched::default();
        patterns.iter().for_each(|pattern| pattern.look(tree, text, language, &mut matched));
        matched
    }
}

// === impl Pattern ===

impl Pattern {
    fn query(&self, language: Language) -> Option<&Query> {
        self.queries.iter().find(|(own, _)| *own == language).map(|(_, query)| query)
    }

    /// The first language that it is for.
    pub(super) fn language(&self) -> Option<Language> {
        self.queries.first().map(|(language, _)| *language)
    }

    pub(super) fn look(&self, tree: &Tree, text: &str, language: Language, into: &mut Matched) {
        let Some(query) = self.query(language) else { return };
        let place = query.capture_index_for_name(MATCH).unwrap_or_default();
        let mut left = text.len() / BYTES_PER_THOUSAND_STEPS + BEGINNING;
        // It is asked after every thousand steps: the same file ends at the same one on every machine.
        let mut progress = |_: &QueryCursorState| {
            left = left.saturating_sub(1);
            if left == 0 { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
        };
        let mut cursor = QueryCursor::new();
        cursor.set_match_limit(WAYS_MAX);
        let options = QueryCursorOptions::new().progress_callback(&mut progress);
        let mut matches = cursor.matches_with_options(query, tree.root_node(), text.as_bytes(), options);
        while let Some(found) = matches.next() {
            for node in found.nodes_for_capture_index(place) {
                let written = text.get(node.byte_range()).unwrap_or_default();
                let hit = Hit::of(self.rule, node.byte_range(), written);
                into.hits.push(hit.confidence(self.confidence));
            }
        }
        drop(matches);
        if left == 0 || cursor.did_exceed_match_limit() {
            into.cut.push(Reason::NotSearched { rule: self.rule.id.to_owned() });
        }
    }
}
