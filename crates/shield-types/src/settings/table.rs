//! A table of the document, present or not.

use toml::{
    Spanned,
    de::{DeTable, DeValue},
};

use super::{
    mistake::Mistake,
    reader::{Place, Reader, Shape, join},
    setting::{Refusal, Setting, State},
};

/// A table of the document. One that is not written reads as empty, so that its keys get their defaults.
#[derive(Clone)]
pub struct Table<'r> {
    pub(crate) reader: &'r Reader<'r>,
    entries: Entries<'r>,
    /// Path with positions, for people: `stage.smoke.request[0]`.
    pub(crate) path: String,
    /// Path without positions: `stage.smoke.request[]`.
    pattern: String,
    /// Start of the table's header; of the nearest table that is written when this one is not.
    pub(crate) offset: usize,
}

/// What stands where a table belongs.
#[derive(Clone)]
enum Entries<'r> {
    /// Nothing: every key has its default or is missing.
    Absent,
    /// A table.
    Written(&'r DeTable<'r>),
    /// Something else, which is recorded; nothing more is said of the keys that it should have.
    Unreadable,
}

/// Why a getter does not take a value.
pub(crate) enum Wrong {
    /// The value itself.
    Value {
        problem: String,
        /// Said instead of what the getter accepts as a whole.
        accepted: Option<String>,
        suggestion: Option<String>,
    },
    /// Something in it, which is recorded already.
    Recorded,
}

// === impl Wrong ===

impl From<String> for Wrong {
    fn from(problem: String) -> Self {
        Self::Value { problem, accepted: None, suggestion: None }
    }
}

impl From<&str> for Wrong {
    fn from(problem: &str) -> Self {
        problem.to_owned().into()
    }
}

impl From<Refusal> for Wrong {
    fn from(refusal: Refusal) -> Self {
        Self::Value { problem: refusal.problem, accepted: Some(refusal.accepted), suggestion: None }
    }
}

// === impl Table ===

impl<'r> Table<'r> {
    pub(crate) fn root(reader: &'r Reader<'r>, entries: &'r DeTable<'r>) -> Self {
        Self {
            reader,
            entries: Entries::Written(entries),
            path: String::new(),
            pattern: String::new(),
            offset: 0,
        }
    }

    /// True when the table stands in the document.
    pub fn present(&self) -> bool {
        matches!(self.entries, Entries::Written(_))
    }

    /// The table under `key`; anything else there is a mistake.
    pub fn table(&self, key: &'static str) -> Table<'r> {
        self.ask(key, Shape::Table);
        let (entries, offset) = match self.entry(key) {
            None => (self.entries.of_missing_key(), self.offset),
            Some(value) => match value.get_ref() {
                DeValue::Table(entries) => (Entries::Written(entries), value.span().start),
                _ => {
                    let accepted = format!("a table, written as [{}]", join(&self.path, key));
                    self.record_element(key, value, "not a table".into(), &accepted);
                    (Entries::Unreadable, value.span().start)
                }
            },
        };
        Table {
            reader: self.reader,
            entries,
            path: join(&self.path, key),
            pattern: join(&self.pattern, key),
            offset,
        }
    }

    /// The tables under `key`, written as `[[…]]`; anything else there is a mistake. None when it is absent.
    pub fn tables(&self, key: &'static str) -> Vec<Table<'r>> {
        self.ask(key, Shape::Tables);
        let accepted = format!("one [[{}]] for each", join(&self.path, key));
        let Some(value) = self.entry(key) else {
            return Vec::new();
        };
        let DeValue::Array(elements) = value.get_ref() else {
            self.record_element(key, value, "not a list of tables".into(), &accepted);
            return Vec::new();
        };
        let mut tables = Vec::with_capacity(elements.len());
        for (index, element) in elements.iter().enumerate() {
            match element.get_ref() {
                DeValue::Table(entries) => tables.push(Table {
                    reader: self.reader,
                    entries: Entries::Written(entries),
                    path: format!("{}[{index}]", join(&self.path, key)),
                    pattern: format!("{}[]", join(&self.pattern, key)),
                    offset: element.span().start,
                }),
                _ => self.record_element(key, element, "not a table".into(), &accepted),
            }
        }
        tables
    }

    /// Records a mistake when `key` is given at all: it is known, and refused.
    pub fn refuse(&self, key: &'static str, problem: &str, accepted: &str) {
        self.ask(key, Shape::Refused);
        if let Some(value) = self.entry(key) {
            self.record_element(key, value, problem.into(), accepted);
        }
    }

    /// Calls `convert` on the value under `key`; `accepted` says what it takes.
    pub(crate) fn get<T>(
        &self,
        key: &'static str,
        accepted: String,
        convert: impl FnOnce(&DeValue<'_>) -> Result<T, Wrong>,
    ) -> Setting<'r, T> {
        self.ask(key, Shape::Leaf);
        let path = join(&self.path, key);
        let Some(value) = self.entry(key) else {
            let (line, column) = self.reader.position(self.offset);
            let place = Place { line, column, key: path, value: None };
            let state = match self.entries {
                Entries::Unreadable => State::Wrong,
                Entries::Written(_) | Entries::Absent => State::Absent,
            };
            return Setting { reader: self.reader, place, accepted, state };
        };
        let place = self.reader.place(path, value);
        let state = match convert(value.get_ref()) {
            Ok(converted) => State::Good(converted),
            Err(wrong) => {
                self.record_wrong(&place, wrong, &accepted);
                State::Wrong
            }
        };
        Setting { reader: self.reader, place, accepted, state }
    }

    /// Records what is wrong with the value under `key`, or with an element of it, where that stands.
    pub(crate) fn record_element(
        &self,
        key: &str,
        value: &Spanned<DeValue<'_>>,
        wrong: Wrong,
        accepted: &str,
    ) {
        self.record_wrong(&self.reader.place(join(&self.path, key), value), wrong, accepted);
    }

    fn record_wrong(&self, place: &Place, wrong: Wrong, accepted: &str) {
        if let Wrong::Value { problem, accepted: instead, suggestion } = wrong {
            self.reader.record(Mistake {
                line: place.line,
                column: place.column,
                key: place.key.clone(),
                value: place.value.clone(),
                problem,
                accepted: instead.unwrap_or_else(|| accepted.to_owned()),
                suggestion,
            });
        }
    }

    fn ask(&self, key: &str, shape: Shape) {
        self.reader.ask(join(&self.pattern, key), shape);
    }

    /// The value under `key`. After a syntax error the parser puts in values that were never written: those are no values.
    fn entry(&self, key: &str) -> Option<&'r Spanned<DeValue<'r>>> {
        match self.entries {
            Entries::Written(entries) => {
                entries.get(key).filter(|value| value.get_ref().is_table() || !value.span().is_empty())
            }
            Entries::Absent | Entries::Unreadable => None,
        }
    }
}

// === impl Entries ===

impl Entries<'_> {
    /// What a table is that the table with these entries does not have.
    fn of_missing_key(&self) -> Self {
        match self {
            Self::Unreadable => Self::Unreadable,
            Self::Written(_) | Self::Absent => Self::Absent,
        }
    }
}
