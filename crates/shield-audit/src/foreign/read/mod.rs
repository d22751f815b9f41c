//! Outputs of scanners, by their forms.

mod lines;
mod path;
mod rating;
mod sarif;
mod table;
#[cfg(test)]
mod tests;
mod whose;

use std::path::Path;

use serde_json::Value;

pub(super) use lines::{Lines, Says};
pub(super) use rating::Rating;
pub(super) use table::{Gaps, Mark, Rows, Table, Topic};
pub(super) use whose::read as read_import;

use super::{Output, Tool};
use crate::finding::Span;

/// What a scanner writes.
#[derive(Debug)]
pub(super) enum Form {
    /// One JSON document.
    Json(Table),
    /// One JSON document, with lines of text before and behind it.
    JsonWithin(Table),
    /// One JSON document in each line; read as an array of them.
    JsonLines(Table),
    /// A line of text for each finding.
    Lines(&'static [Lines]),
}

/// An output that is not what the tool writes.
#[derive(Debug, thiserror::Error)]
pub enum ReadOutputError {
    /// It is no JSON.
    #[error("read the output of `{tool}`: it is no JSON")]
    Json {
        /// Whose.
        tool: String,
        /// What is wrong with it.
        source: serde_json::Error,
    },
    /// It is JSON, of another form.
    #[error("read the output of `{tool}`: no `{expected}` in it")]
    Form {
        /// Whose.
        tool: String,
        /// What should be there.
        expected: &'static str,
    },
    /// It is neither SARIF nor what one of the known tools alone writes.
    #[error("tell whose output it is: it is no SARIF, and what is in it says no more")]
    Whose,
    /// A text of which no line is understood.
    #[error("read the output of `{tool}`: no line of it is understood, the first is `{line}`")]
    Text {
        /// Whose.
        tool: String,
        /// Its first line, cut.
        line: String,
    },
}

// === impl Tool ===

impl Tool {
    /// Reads an output of this tool in the form that [`super::Runner`] asks it for. Paths below `root` become relative to it.
    ///
    /// # Errors
    /// An output that is something else. A part that is not understood is named in [`Output::unread`] instead.
    pub fn read(&self, bytes: &[u8], root: &Path) -> Result<Output, ReadOutputError> {
        let json = |source| ReadOutputError::Json { tool: self.name.to_owned(), source };
        match &self.form {
            Form::Json(table) => {
                let value: Value = serde_json::from_slice(bytes).map_err(json)?;
                table.read(self.name, &value, root)
            }
            Form::JsonWithin(table) => {
                let starts = |byte: &u8| matches!(byte, b'{' | b'[');
                let start = bytes.iter().position(starts).unwrap_or_default();
                // What follows the document is not looked at.
                let mut values = serde_json::Deserializer::from_slice(&bytes[start..]).into_iter::<Value>();
                let value = values.next().transpose().map_err(json)?;
                table.read(self.name, &value.unwrap_or_default(), root)
            }
            Form::JsonLines(table) => {
                let values: Result<Vec<Value>, _> =
                    serde_json::Deserializer::from_slice(bytes).into_iter().collect();
                table.read(self.name, &Value::Array(values.map_err(json)?), root)
            }
            Form::Lines(forms) => lines::read(self.name, forms, &String::from_utf8_lossy(bytes), root),
        }
    }
}

/// Reads SARIF 2.1.0 of any tool; each run says whose it is.
///
/// # Errors
/// A text that is no SARIF.
pub fn read_sarif(bytes: &[u8], root: &Path) -> Result<Output, ReadOutputError> {
    let value = serde_json::from_slice(bytes)
        .map_err(|source| ReadOutputError::Json { tool: "SARIF".to_owned(), source })?;
    sarif::read(&value, root)
}

/// A place from what a tool says of lines and columns, both from 1; what it leaves out follows from the rest.
fn span(
    line: Option<u32>,
    column: Option<u32>,
    end_line: Option<u32>,
    end_column: Option<u32>,
) -> Option<Span> {
    let line = line.filter(|line| *line > 0)?;
    let column = column.unwrap_or(1).max(1);
    let end_line = end_line.unwrap_or(line).max(line);
    let least = if end_line == line { column } else { 1 };
    Some(Span { line, column, end_line, end_column: end_column.unwrap_or(least).max(least) })
}
