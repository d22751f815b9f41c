//! The document: text, positions, mistakes, and which keys were asked for.

use std::{
    cell::{Cell, RefCell},
    collections::{BTreeMap, BTreeSet},
    ops::Range,
};

use toml::{
    Spanned,
    de::{DeTable, DeValue, Error as SyntaxError},
};

use super::{
    depth::too_deep,
    mistake::{Mistake, Mistakes},
    suggest::nearest,
    table::Table,
};

/// Largest document that is read: a hundred times a long `shield.toml`.
pub const DOCUMENT_BYTES_MAX: usize = 256 * 1024;

/// Longest value quoted in a mistake.
const QUOTED_CHARS_MAX: usize = 60;

/// Most syntax errors that are reported: a file with more is not TOML.
const SYNTAX_ERRORS_MAX: usize = 100;

/// What a key was asked for as.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Shape {
    /// A value, or a table whose keys are free.
    Leaf,
    /// A table with known keys.
    Table,
    /// An array of such tables.
    Tables,
    /// A key that is known and refused.
    Refused,
}

/// Where a value stands and how it reads there.
#[derive(Clone, Debug)]
pub(crate) struct Place {
    pub(crate) line: usize,
    pub(crate) column: usize,
    pub(crate) key: String,
    pub(crate) value: Option<String>,
}

/// Reads one document through [`Table`]s and collects what is wrong with it.
pub struct Reader<'t> {
    file: String,
    text: &'t str,
    /// Offset of each line's first byte.
    line_starts: Vec<usize>,
    root: Spanned<DeTable<'t>>,
    mistakes: RefCell<Vec<Mistake>>,
    /// Every key a getter was called for, by its path without positions (`stage.smoke.request[].path`).
    asked: RefCell<BTreeMap<String, Shape>>,
    /// Lines with a syntax error: what the parser salvaged from them is not judged.
    broken_lines: BTreeSet<usize>,
    /// First line of a broken table header: what follows may belong to another table.
    trusted_until: Cell<usize>,
    /// Parts of keys under which values may be secrets.
    secret: &'static [&'static str],
}

// === impl Reader ===

impl<'t> Reader<'t> {
    /// Parses `text`; `file` is the name that mistakes quote. Syntax errors are recorded, not returned.
    pub fn new(text: &'t str, file: &str) -> Self {
        let mut reader = Self {
            file: file.to_owned(),
            text,
            line_starts: [0].into_iter().chain(text.match_indices('\n').map(|(at, _)| at + 1)).collect(),
            root: Spanned::new(0..0, DeTable::new()),
            mistakes: RefCell::default(),
            asked: RefCell::default(),
            broken_lines: BTreeSet::new(),
            trusted_until: Cell::new(usize::MAX),
            secret: &[],
        };
        if text.len() > DOCUMENT_BYTES_MAX {
            reader.distrust(0, format!("larger than {DOCUMENT_BYTES_MAX} bytes"));
        } else if let Some(at) = too_deep(text) {
            reader.distrust(at, "a name of more than 33 parts".to_owned());
        } else {
            let (root, errors) = DeTable::parse_recoverable(text);
            reader.root = root;
            errors.iter().take(SYNTAX_ERRORS_MAX).for_each(|error| reader.record_syntax_error(error));
        }
        reader
    }

    /// Mistakes under keys one of whose parts is one of `parts` do not show the value: a log of a build that failed is read by
    /// more people than the file.
    #[must_use]
    pub fn hiding(mut self, parts: &'static [&'static str]) -> Self {
        self.secret = parts;
        self
    }

    /// The document itself.
    pub fn root(&self) -> Table<'_> {
        Table::root(self, self.root.get_ref())
    }

    /// All mistakes, or none. Keys that no getter was called for are mistakes too.
    pub fn finish(self) -> Result<(), Mistakes> {
        self.check_table(self.root.get_ref(), "", "");
        let list = self.mistakes.into_inner();
        if list.is_empty() { Ok(()) } else { Err(Mistakes::new(&self.file, list)) }
    }

    /// The mistakes so far, for a document that is not read any further.
    pub fn stop(self) -> Mistakes {
        Mistakes::new(&self.file, self.mistakes.into_inner())
    }

    /// Every key that was asked for and may be given, sorted; tables themselves are left out.
    pub fn known_keys(&self) -> Vec<String> {
        let asked = self.asked.borrow();
        asked.iter().filter(|(_, shape)| **shape == Shape::Leaf).map(|(path, _)| path.clone()).collect()
    }

    pub(crate) fn ask(&self, path: String, shape: Shape) {
        self.asked.borrow_mut().insert(path, shape);
    }

    pub(crate) fn record(&self, mistake: Mistake) {
        if mistake.line < self.trusted_until.get() && !self.broken_lines.contains(&mistake.line) {
            self.mistakes.borrow_mut().push(mistake);
        }
    }

    /// A key is missing; not said of a document with syntax errors, where it may only be unreadable.
    pub(crate) fn record_missing(&self, place: &Place, accepted: &str) {
        if self.broken_lines.is_empty() {
            self.mistakes.borrow_mut().push(Mistake {
                line: place.line,
                column: place.column,
                key: place.key.clone(),
                value: None,
                problem: "missing".to_owned(),
                accepted: accepted.to_owned(),
                suggestion: None,
            });
        }
    }

    /// Where `value` stands, for the key `key`, with its text; a table under a header has none.
    pub(crate) fn place(&self, key: String, value: &Spanned<DeValue<'_>>) -> Place {
        let (line, column) = self.position(value.span().start);
        let written = self.quoted(value.span());
        let header = match value.get_ref() {
            DeValue::Table(_) => !written.starts_with('{'),
            DeValue::Array(elements) => {
                written.starts_with("[[") && elements.first().is_some_and(|first| first.get_ref().is_table())
            }
            _ => false,
        };
        let secret = key.split(['.', '[']).any(|part| self.secret.contains(&part));
        Place { line, column, key, value: (!header && !secret).then_some(written) }
    }

    /// Line and column (in characters) of a byte offset, both from 1.
    pub(crate) fn position(&self, offset: usize) -> (usize, usize) {
        let line = self.line_starts.partition_point(|start| *start <= offset);
        let before = self.text.get(self.line_starts[line - 1]..offset).unwrap_or_default();
        (line, before.chars().count() + 1)
    }

    /// The text of `span`, cut to one short line.
    fn quoted(&self, span: Range<usize>) -> String {
        let written = self.text.get(span).unwrap_or_default();
        let line = written.lines().next().unwrap_or_default();
        let mut quoted: String = line.chars().take(QUOTED_CHARS_MAX).collect();
        if quoted.len() < written.len() {
            quoted.push('…');
        }
        quoted
    }

    /// Nothing of the document is judged any further.
    fn distrust(&mut self, offset: usize, problem: String) {
        self.push_syntax_mistake(offset, problem);
        self.trusted_until.set(0);
    }

    fn record_syntax_error(&mut self, error: &SyntaxError) {
        let span = error.span().unwrap_or(0..0);
        let twice = error.message() == "duplicate key";
        let problem = match twice {
            true => format!("`{}` is given twice", self.quoted(span.clone())),
            false => error.message().to_owned(),
        };
        let line = self.push_syntax_mistake(span.start, problem);
        let header = self.text[self.line_starts[line - 1]..].trim_start_matches([' ', '\t']).starts_with('[');
        if header && !twice {
            self.trusted_until.set(self.trusted_until.get().min(line));
        }
    }

    fn push_syntax_mistake(&mut self, offset: usize, problem: String) -> usize {
        let (line, column) = self.position(offset);
        self.broken_lines.insert(line);
        self.mistakes.get_mut().push(Mistake {
            line,
            column,
            key: String::new(),
            value: None,
            problem,
            accepted: String::new(),
            suggestion: None,
        });
        line
    }

    /// Records the keys of `table` that nobody asked for; `pattern` is its path without positions, `path` with them.
    fn check_table(&self, table: &DeTable<'_>, pattern: &str, path: &str) {
        for (key, value) in table {
            let name = key.get_ref().as_ref();
            let (pattern_key, path_key) = (join(pattern, name), join(path, name));
            let shape = self.asked.borrow().get(&pattern_key).copied();
            match (shape, value.get_ref()) {
                (None, _) => self.record_unknown(key.span(), pattern, name, path_key),
                (Some(Shape::Table), DeValue::Table(inner)) => {
                    self.check_table(inner, &pattern_key, &path_key)
                }
                (Some(Shape::Tables), DeValue::Array(array)) => {
                    for (index, element) in array.iter().enumerate() {
                        if let DeValue::Table(inner) = element.get_ref() {
                            self.check_table(
                                inner,
                                &format!("{pattern_key}[]"),
                                &format!("{path_key}[{index}]"),
                            );
                        }
                    }
                }
                (Some(_), _) => {}
            }
        }
    }

    fn record_unknown(&self, span: Range<usize>, pattern: &str, name: &str, path: String) {
        let (line, column) = self.position(span.start);
        let siblings = self.siblings(pattern);
        let suggestion = nearest(name, siblings.iter().map(String::as_str))
            .map(str::to_owned)
            .or_else(|| self.same_name_elsewhere(name));
        let accepted = match siblings.is_empty() {
            true => String::new(),
            false => format!("one of {}", siblings.join(", ")),
        };
        let problem = "not a known key".to_owned();
        self.record(Mistake { line, column, key: path, value: None, problem, accepted, suggestion });
    }

    /// The names that may stand in the table `pattern`, sorted.
    fn siblings(&self, pattern: &str) -> Vec<String> {
        let asked = self.asked.borrow();
        let prefix = join(pattern, "");
        asked
            .iter()
            .filter(|(_, shape)| **shape != Shape::Refused)
            .filter_map(|(path, _)| path.strip_prefix(&prefix))
            .filter(|name| !name.contains(['.', '[']))
            .map(str::to_owned)
            .collect()
    }

    /// The path of a key that has this name in another table.
    fn same_name_elsewhere(&self, name: &str) -> Option<String> {
        let asked = self.asked.borrow();
        let suffix = format!(".{name}");
        asked
            .iter()
            .find(|(path, shape)| **shape != Shape::Refused && path.ends_with(&suffix))
            .map(|(path, _)| path.replace("[]", ""))
    }
}

/// The path of `name` inside `path`.
pub(crate) fn join(path: &str, name: &str) -> String {
    if path.is_empty() { name.to_owned() } else { format!("{path}.{name}") }
}
