//! Rows of a feed, from wherever they are written.
//!
//! What is wrong with them is told by their numbers, never by their values: feeds hold passwords.

use std::collections::BTreeMap;

use serde_json::{Map, Value};
use thiserror::Error;

use crate::scenario::read::limits::{COLUMNS_MAX, FEED_BYTES_MAX, ROWS_MAX};

/// The columns of a feed and its rows, each as long as the columns; at least one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Rows {
    pub(crate) columns: Vec<String>,
    pub(crate) rows: Vec<Vec<String>>,
}

/// Why rows could not be read.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub(crate) enum ReadRowsError {
    #[error("not readable: {reason}")]
    File {
        /// What the operating system said.
        reason: String,
    },
    #[error("longer than {FEED_BYTES_MAX} bytes")]
    TooLong,
    #[error("line {line} holds bytes that are not UTF-8")]
    NotText {
        /// Its number, from 1.
        line: usize,
    },
    #[error("line {line}: {problem}")]
    Quote {
        /// Its number, from 1.
        line: usize,
        problem: &'static str,
    },
    #[error("line {line} has {values} values, the header {columns}")]
    Width {
        /// Its number, from 1.
        line: usize,
        values: usize,
        columns: usize,
    },
    #[error("{place} is not a JSON object")]
    NotObject {
        /// `line 3` or `row 3`.
        place: String,
    },
    #[error("{place} has other keys than the first one")]
    Keys {
        /// `line 3` or `row 3`.
        place: String,
    },
    #[error("column {number} of the header has no name")]
    ColumnNameless {
        /// From 1.
        number: usize,
    },
    #[error("the column `{name}` is there twice")]
    ColumnTwice { name: String },
    #[error("{count} columns, more than {COLUMNS_MAX}")]
    ColumnsTooMany { count: usize },
    #[error("no row")]
    Empty,
    #[error("more than {ROWS_MAX} rows")]
    RowsTooMany,
}

// === impl Rows ===

impl Rows {
    /// Rows that are still to come.
    pub(crate) fn of(columns: Vec<String>) -> Result<Self, ReadRowsError> {
        if columns.len() > COLUMNS_MAX {
            return Err(ReadRowsError::ColumnsTooMany { count: columns.len() });
        }
        let mut numbers = BTreeMap::new();
        for (index, name) in columns.iter().enumerate() {
            if name.is_empty() {
                return Err(ReadRowsError::ColumnNameless { number: index + 1 });
            }
            if numbers.insert(name, index).is_some() {
                return Err(ReadRowsError::ColumnTwice { name: name.clone() });
            }
        }
        Ok(Self { columns, rows: Vec::new() })
    }

    pub(crate) fn push(&mut self, row: Vec<String>) -> Result<(), ReadRowsError> {
        if self.rows.len() == ROWS_MAX {
            return Err(ReadRowsError::RowsTooMany);
        }
        self.rows.push(row);
        Ok(())
    }

    pub(crate) fn finish(self) -> Result<Self, ReadRowsError> {
        if self.rows.is_empty() { Err(ReadRowsError::Empty) } else { Ok(self) }
    }

    /// One JSON object per line; empty lines count for nothing.
    pub(crate) fn from_json_lines(text: &str) -> Result<Self, ReadRowsError> {
        let lines = text.lines().enumerate().filter(|(_, line)| !line.trim().is_empty());
        Self::from_objects(lines.map(|(index, line)| {
            let place = format!("line {}", index + 1);
            (place, serde_json::from_str(line).unwrap_or(Value::Null))
        }))
    }

    /// A list of objects.
    pub(crate) fn from_values(values: Vec<Value>) -> Result<Self, ReadRowsError> {
        let numbered = values.into_iter().enumerate();
        Self::from_objects(numbered.map(|(index, value)| (format!("row {}", index + 1), value)))
    }

    /// The first object's keys are the columns.
    fn from_objects(objects: impl Iterator<Item = (String, Value)>) -> Result<Self, ReadRowsError> {
        let mut rows: Option<Self> = None;
        for (place, value) in objects {
            let Value::Object(mut object) = value else { return Err(ReadRowsError::NotObject { place }) };
            let rows = match &mut rows {
                Some(rows) => rows,
                None => rows.insert(Self::of(object.keys().cloned().collect())?),
            };
            let row = rows.row_of(&mut object).ok_or(ReadRowsError::Keys { place })?;
            rows.push(row)?;
        }
        rows.ok_or(ReadRowsError::Empty)
    }

    fn row_of(&self, object: &mut Map<String, Value>) -> Option<Vec<String>> {
        let same_number = object.len() == self.columns.len();
        let values = self.columns.iter().map(|column| object.remove(column).map(text_of));
        values.collect::<Option<_>>().filter(|_| same_number)
    }
}

/// A text as it is, nothing for null, and everything else as JSON.
fn text_of(value: Value) -> String {
    match value {
        Value::String(text) => text,
        Value::Null => String::new(),
        other => other.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::{COLUMNS_MAX, ReadRowsError, Rows};

    #[test]
    fn objects_become_rows() {
        let text = "{\"b\":1.5,\"a\":\"x\"}\r\n\n{\"a\":null,\"b\":[1,\"y\"]}\n";
        let rows = Rows::from_json_lines(text).unwrap();
        assert_eq!(rows.columns, ["a", "b"]);
        assert_eq!(rows.rows, [["x", "1.5"], ["", "[1,\"y\"]"]]);
        assert_eq!(Rows::from_values(vec![json!({ "a": true })]).unwrap().rows, [["true"]]);
    }

    #[test]
    fn wrong_objects_are_named_by_number() {
        let lines = |text: &str| Rows::from_json_lines(text).unwrap_err().to_string();
        assert_eq!(lines("{\"a\":1}\n\n{\"b\":\"hunter2\"}"), "line 3 has other keys than the first one");
        assert_eq!(lines("{\"a\":1}\n{\"a\":1,\"b\":2}"), "line 2 has other keys than the first one");
        assert_eq!(lines("{\"a\":1}\nhunter2"), "line 2 is not a JSON object");
        assert_eq!(lines("\n"), "no row");
        let values = |value| Rows::from_values(vec![value]).unwrap_err().to_string();
        assert_eq!(values(json!([])), "row 1 is not a JSON object");
        assert_eq!(values(json!({ "": 1 })), "column 1 of the header has no name");
    }

    #[test]
    fn columns_are_bounded_and_differ() {
        let names = |count: usize| (0..count).map(|number| number.to_string()).collect();
        assert!(Rows::of(names(COLUMNS_MAX)).is_ok());
        let count = COLUMNS_MAX + 1;
        assert_eq!(Rows::of(names(count)), Err(ReadRowsError::ColumnsTooMany { count }));
        let twice = Rows::of(vec!["a".into(), "a".into()]).unwrap_err();
        assert_eq!(twice.to_string(), "the column `a` is there twice");
    }
}
