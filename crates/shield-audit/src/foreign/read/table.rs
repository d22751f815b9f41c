//! JSON of any tool, by a table of where things are in it.
//!
//! A path leads from an entry to a value: names of members, numbers of elements, `*` for every element or member, `[name]` for
//! the first element in which that member is true, `..` to what the entry lies in, `@` for the name it has there, `=text` for
//! the text itself. Paths that say where entries are go from the document.

use std::path::Path;

use serde_json::Value;

use super::{Rating, ReadOutputError, path::relative, rating, span};
use crate::{
    finding::{Cwe, Place},
    foreign::{About, Observation, Output},
    imports::Unread,
};

/// How the document of a tool is read.
#[derive(Debug)]
pub(crate) struct Table {
    /// What tells it from any other document.
    pub(crate) mark: Mark,
    /// Its entries.
    pub(crate) rows: &'static [Rows],
    /// What it says it did not look at.
    pub(crate) gaps: &'static [Gaps],
}

/// What tells a document from any other.
#[derive(Debug)]
pub(crate) enum Mark {
    /// It is an array.
    Array,
    /// It is a table of anything.
    Object,
    /// One of these paths leads to something.
    Paths(&'static [&'static str]),
}

/// Entries of one kind, and where in them everything is: the first path that leads to something counts.
#[derive(Debug)]
pub(crate) struct Rows {
    /// Where they are.
    pub(crate) at: &'static str,
    /// Only those in which these paths lead to these texts.
    pub(crate) only: &'static [(&'static str, &'static str)],
    /// What they are about.
    pub(crate) topic: Topic,
    /// The rule; entries without one are named as not understood, unless `only` chooses among many kinds.
    pub(crate) rule: &'static [&'static str],
    /// The file.
    pub(crate) file: &'static [&'static str],
    /// Line, column, last line, column behind the last character.
    pub(crate) span: [&'static [&'static str]; 4],
    /// What the first column of a line is called.
    pub(crate) first_column: u32,
    /// In words.
    pub(crate) message: &'static [&'static str],
    /// How bad.
    pub(crate) rating: Rating,
    /// Numbers of weaknesses, alone or in a text such as `CWE-79: …`.
    pub(crate) cwe: &'static [&'static str],
}

/// What entries are about.
#[derive(Debug)]
pub(crate) enum Topic {
    /// Code.
    Code,
    /// Secrets.
    Secret,
    /// Packages.
    Package {
        /// Its name.
        package: &'static [&'static str],
        /// Its version.
        version: &'static [&'static str],
        /// Names of what is known against it; all of these count. Without any it is about code.
        names: &'static [&'static str],
    },
}

/// What a tool says it did not look at.
#[derive(Debug)]
pub(crate) struct Gaps {
    /// Where it says so.
    pub(crate) at: &'static str,
    /// Only entries in which these paths lead to these texts.
    pub(crate) only: &'static [(&'static str, &'static str)],
    /// What.
    pub(crate) what: &'static [&'static str],
    /// Why; an entry without it says nothing.
    pub(crate) why: &'static [&'static str],
}

/// An entry and all that it lies in: names and values, from the document on.
#[derive(Clone)]
struct Entry<'v>(Vec<(&'v str, &'v Value)>);

/// Whether a path leads from a document to something.
pub(super) fn leads(document: &Value, path: &str) -> bool {
    !Entry(vec![("", document)]).all(path).is_empty()
}

// === impl Table ===

impl Table {
    /// Reads a document.
    pub(super) fn read(&self, tool: &str, document: &Value, root: &Path) -> Result<Output, ReadOutputError> {
        let entry = Entry(vec![("", document)]);
        if let Err(expected) = self.mark.check(&entry) {
            return Err(ReadOutputError::Form { tool: tool.to_owned(), expected });
        }
        let mut output = Output::default();
        for rows in self.rows {
            for entry in entry.entries(rows.at).into_iter().filter(|entry| entry.is(rows.only)) {
                match rows.observation(tool, &entry, root) {
                    Some(observation) => output.observations.push(observation),
                    None if rows.only.is_empty() => output.unread.push(Unread {
                        path: format!("output of {tool}"),
                        reason: format!("an entry of `{}` has no rule", rows.at),
                    }),
                    None => {}
                }
            }
        }
        for gaps in self.gaps {
            for entry in entry.entries(gaps.at).into_iter().filter(|entry| entry.is(gaps.only)) {
                if let Some(why) = entry.first(gaps.why) {
                    let path = relative(&entry.first(gaps.what).unwrap_or_default(), root);
                    output.unread.push(Unread { path, reason: why.trim().chars().take(200).collect() });
                }
            }
        }
        Ok(output)
    }
}

// === impl Mark ===

impl Mark {
    /// What is missing, if something is.
    fn check(&self, document: &Entry<'_>) -> Result<(), &'static str> {
        let value = document.0.first().map(|(_, value)| *value);
        match self {
            Self::Array => value.is_some_and(Value::is_array).then_some(()).ok_or("[]"),
            Self::Object => value.is_some_and(Value::is_object).then_some(()).ok_or("{}"),
            Self::Paths(paths) => {
                let there = paths.iter().any(|path| !document.all(path).is_empty());
                there.then_some(()).ok_or(paths.first().copied().unwrap_or_default())
            }
        }
    }
}

// === impl Rows ===

impl Rows {
    /// An entry of code at the top of an array, of which nothing is said.
    pub(crate) const NONE: Self = Self {
        at: "*",
        only: &[],
        topic: Topic::Code,
        rule: &[],
        file: &[],
        span: [&[], &[], &[], &[]],
        first_column: 1,
        message: &[],
        rating: Rating::Always(crate::finding::Severity::Info),
        cwe: &[],
    };

    fn observation(&self, tool: &str, entry: &Entry<'_>, root: &Path) -> Option<Observation> {
        let number = |paths| entry.first(paths)?.parse::<u32>().ok();
        let column = |paths| number(paths).map(|column| column.saturating_add(1 - self.first_column));
        let [line, start, end_line, end] = self.span;
        let span = span(number(line), column(start), number(end_line), column(end));
        let severity = match self.rating {
            Rating::Always(severity) => severity,
            Rating::At(paths, otherwise) => {
                let said = paths.iter().find_map(|path| rating::severity(entry.all(path).first()?));
                said.unwrap_or(otherwise)
            }
        };
        let cwes = self.cwe.iter().flat_map(|path| entry.all(path)).filter_map(|text| weakness(&text));
        let observation = Observation {
            place: Place { file: relative(&entry.first(self.file).unwrap_or_default(), root), span },
            tool: tool.to_owned(),
            rule: entry.first(self.rule)?,
            severity,
            cwes: cwes.collect(),
            message: entry.first(self.message).unwrap_or_default(),
            about: self.topic.of(entry),
        };
        Some(observation.tidy())
    }
}

/// `327`, `CWE-327`, `CWE-327: Use of a Broken or Risky Cryptographic Algorithm`.
pub(super) fn weakness(text: &str) -> Option<Cwe> {
    let text = text.trim();
    let digits =
        text.get(..4).filter(|start| start.eq_ignore_ascii_case("CWE-")).map_or(text, |_| &text[4..]);
    let end = digits.find(|character: char| !character.is_ascii_digit()).unwrap_or(digits.len());
    digits[..end].parse().ok().map(Cwe)
}

// === impl Topic ===

impl Topic {
    fn of(&self, entry: &Entry<'_>) -> About {
        match self {
            Self::Code => About::Code,
            Self::Secret => About::Secret,
            Self::Package { package, version, names } => {
                let mut names: Vec<String> = names.iter().flat_map(|path| entry.all(path)).collect();
                names.sort_unstable();
                names.dedup();
                match entry.first(package) {
                    Some(package) if !names.is_empty() => {
                        About::package(&package, &entry.first(version).unwrap_or_default(), names)
                    }
                    _ => About::Code,
                }
            }
        }
    }
}

// === impl Entry ===

impl<'v> Entry<'v> {
    /// The entries below, by a path with `*`.
    fn entries(&self, path: &str) -> Vec<Self> {
        path.split('/').fold(vec![self.clone()], |entries, step| {
            entries.iter().flat_map(|entry| entry.step(step)).collect()
        })
    }

    /// One step of a path: nothing, one, or many.
    fn step(&self, step: &str) -> Vec<Self> {
        let Some((_, value)) = self.0.last() else { return Vec::new() };
        let below = |name: &'v str, value: &'v Value| {
            let mut levels = self.0.clone();
            levels.push((name, value));
            Self(levels)
        };
        match (step, *value) {
            ("..", _) => vec![Self(self.0[..self.0.len() - 1].to_vec())],
            ("*", Value::Array(values)) => values.iter().map(|value| below("", value)).collect(),
            ("*", Value::Object(members)) => members.iter().map(|(name, value)| below(name, value)).collect(),
            (step, Value::Array(values)) if step.starts_with('[') => {
                let member = step.trim_matches(['[', ']']);
                let chosen = values.iter().find(|value| value[member] == Value::Bool(true));
                chosen.map(|value| below("", value)).into_iter().collect()
            }
            (step, Value::Array(values)) => {
                let element = step.parse::<usize>().ok().and_then(|number| values.get(number));
                element.map(|value| below("", value)).into_iter().collect()
            }
            (step, Value::Object(members)) => {
                members.get_key_value(step).map(|(name, value)| below(name, value)).into_iter().collect()
            }
            _ => Vec::new(),
        }
    }

    /// Every text or number that a path leads to.
    fn all(&self, path: &str) -> Vec<String> {
        if let Some(text) = path.strip_prefix('=') {
            return vec![text.to_owned()];
        }
        let (way, name) = match path.strip_suffix('@') {
            Some(way) => (way.trim_end_matches('/'), true),
            None => (path, false),
        };
        let reached = if way.is_empty() { vec![self.clone()] } else { self.entries(way) };
        let last = reached.iter().filter_map(|entry| entry.0.last());
        last.filter_map(|(key, value)| if name { Some((*key).to_owned()) } else { text(value) }).collect()
    }

    fn first(&self, paths: &[&str]) -> Option<String> {
        paths.iter().find_map(|path| self.all(path).into_iter().find(|text| !text.is_empty()))
    }

    fn is(&self, only: &[(&str, &str)]) -> bool {
        only.iter().all(|(path, text)| self.all(path).first().map_or("", String::as_str) == *text)
    }
}

fn text(value: &Value) -> Option<String> {
    match value {
        Value::String(text) => Some(text.clone()),
        Value::Number(number) => Some(number.to_string()),
        Value::Bool(bool) => Some(bool.to_string()),
        // Some documents are marked by what is an array or a table, empty or not.
        Value::Array(_) | Value::Object(_) => Some(String::new()),
        Value::Null => None,
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn paths_lead_up_and_down() {
        let document =
            json!({"a": [{"n": 1, "b": {"x": [{"p": false, "v": 2}, {"p": true, "v": 3}]}}], "k": null});
        let entries = Entry(vec![("", &document)]).entries("a/*/b");
        let entry = &entries[0];
        assert_eq!(entry.all("x/[p]/v"), ["3"]);
        assert_eq!(entry.all("x/*/v"), ["2", "3"]);
        assert_eq!(entry.all("x/0/v"), ["2"]);
        assert_eq!(entry.all("../n"), ["1"]);
        assert_eq!(entry.all("@"), ["b"]);
        assert_eq!(entry.all("=text"), ["text"]);
        assert_eq!(entry.all("../../../k"), Vec::<String>::new());
        assert_eq!(entry.all("../../../../../../k/x/9"), Vec::<String>::new());
    }

    #[test]
    fn weaknesses_are_numbers() {
        for (text, number) in [
            ("CWE-79: x", Some(79)),
            ("327", Some(327)),
            ("cwe-1", Some(1)),
            ("CWE-", None),
            ("ü", None),
            ("", None),
        ] {
            assert_eq!(weakness(text), number.map(Cwe), "{text}");
        }
    }
}
