//! Comma-separated values (RFC 4180), with a header.
//!
//! Lines end with LF or CRLF, also without one at the end of the file. A quoted value may hold commas, line ends and doubled
//! quotes. An empty line counts for nothing; a line with another number of values than the header is an error, since a row
//! that slipped by one column would log in as somebody else.

use crate::scenario::read::rows::{ReadRowsError, Rows};

/// Cuts a text into records.
struct Records<'t> {
    rest: &'t str,
    /// Number of the line that `rest` begins in.
    line: usize,
}

/// A record, and the line that it begins in.
struct Record {
    line: usize,
    values: Vec<String>,
}

/// What follows a value.
enum End {
    Value,
    Record,
}

/// The rows of a text; a byte order mark in front is dropped.
pub(crate) fn rows(text: &str) -> Result<Rows, ReadRowsError> {
    let mut records = Records { rest: text.strip_prefix('\u{feff}').unwrap_or(text), line: 1 };
    let header = records.next().transpose()?.ok_or(ReadRowsError::Empty)?;
    let names = header.values.iter().map(|name| name.trim().to_owned());
    let mut rows = Rows::of(names.collect())?;
    for record in records {
        let Record { line, values } = record?;
        if values.len() != rows.columns.len() {
            let columns = rows.columns.len();
            return Err(ReadRowsError::Width { line, values: values.len(), columns });
        }
        rows.push(values)?;
    }
    rows.finish()
}

// === impl Records ===

impl Iterator for Records<'_> {
    type Item = Result<Record, ReadRowsError>;

    fn next(&mut self) -> Option<Self::Item> {
        while self.line_end() {}
        if self.rest.is_empty() {
            return None;
        }
        Some(self.record())
    }
}

impl Records<'_> {
    fn record(&mut self) -> Result<Record, ReadRowsError> {
        let mut record = Record { line: self.line, values: Vec::new() };
        loop {
            let value = if self.take("\"") { self.quoted()? } else { self.plain()? };
            record.values.push(value);
            match self.end()? {
                End::Value => {}
                End::Record => return Ok(record),
            }
        }
    }

    fn take(&mut self, wanted: &str) -> bool {
        let stripped = self.rest.strip_prefix(wanted);
        self.rest = stripped.unwrap_or(self.rest);
        stripped.is_some()
    }

    fn line_end(&mut self) -> bool {
        let taken = self.take("\n") || self.take("\r\n");
        self.line += usize::from(taken);
        taken
    }

    fn end(&mut self) -> Result<End, ReadRowsError> {
        if self.take(",") {
            return Ok(End::Value);
        }
        if self.line_end() || self.rest.is_empty() {
            return Ok(End::Record);
        }
        Err(self.error("something follows a quoted value"))
    }

    /// To the next comma or line end.
    fn plain(&mut self) -> Result<String, ReadRowsError> {
        let end = self.rest.find([',', '\n']).unwrap_or(self.rest.len());
        let ends_line = self.rest[end..].starts_with('\n');
        let end = if ends_line && self.rest[..end].ends_with('\r') { end - 1 } else { end };
        let (value, rest) = self.rest.split_at(end);
        if value.contains('"') {
            return Err(self.error("a quote stands inside of a value that is not quoted"));
        }
        self.rest = rest;
        Ok(value.to_owned())
    }

    /// What follows a quote, to the one that ends it.
    fn quoted(&mut self) -> Result<String, ReadRowsError> {
        let mut value = String::new();
        loop {
            let end = self.rest.find('"').ok_or_else(|| self.error("a quote is not closed"))?;
            let (text, rest) = self.rest.split_at(end);
            value.push_str(text);
            self.line += text.matches('\n').count();
            self.rest = &rest[1..];
            if !self.take("\"") {
                return Ok(value);
            }
            value.push('"');
        }
    }

    fn error(&self, problem: &'static str) -> ReadRowsError {
        ReadRowsError::Quote { line: self.line, problem }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::rows;

    fn read(text: &str) -> Vec<Vec<String>> {
        rows(text).unwrap().rows
    }

    #[test]
    fn reads_header_and_rows() {
        let rows = rows("\u{feff}email, password\r\na@x,s\r\n\r\nb@x,\"p,\"\"q\"\"\r\nr\"\r\n").unwrap();
        assert_eq!(rows.columns, ["email", "password"]);
        assert_eq!(rows.rows, [["a@x", "s"], ["b@x", "p,\"q\"\r\nr"]]);
    }

    #[test]
    fn last_line_needs_no_end() {
        assert_eq!(read("a,b\n1,"), [["1", ""]]);
        assert_eq!(read("a\n\"\""), [[""]]);
        assert_eq!(read("a\nx\ry"), [["x\ry"]]);
    }

    #[test]
    fn wrong_lines_are_named_by_number() {
        for (text, problem) in [
            ("a,b\n\"x\ny\",1\nhunter2", "line 4 has 1 values, the header 2"),
            ("a\nx\"y", "line 2: a quote stands inside of a value that is not quoted"),
            ("a\n\"x\" y", "line 2: something follows a quoted value"),
            ("a\n\"x\ny", "line 2: a quote is not closed"),
            ("a,,b\n1,2,3", "column 2 of the header has no name"),
            ("a,a\n1,2", "the column `a` is there twice"),
            ("a,b\r\n", "no row"),
            ("", "no row"),
        ] {
            assert_eq!(rows(text).unwrap_err().to_string(), problem, "{text:?}");
        }
    }

    fn quoted(value: &str) -> String {
        format!("\"{}\"", value.replace('"', "\"\""))
    }

    proptest! {
        #[test]
        fn what_was_written_is_read(
            table in prop::collection::vec(prop::collection::vec("[ab,\"\r\né ]{0,6}", 3), 1..6),
            end in prop::sample::select(vec!["\n", "\r\n"]),
        ) {
            let line = |row: &Vec<String>| row.iter().map(|value| quoted(value)).collect::<Vec<_>>().join(",");
            let lines: Vec<String> = table.iter().map(line).collect();
            let text = format!("x,y,z{end}{}", lines.join(end));
            prop_assert_eq!(read(&text), table);
        }

        #[test]
        fn any_text_is_judged(text in "[a,\"\r\n\u{feff}é]{0,40}") {
            if let Ok(rows) = rows(&text) {
                prop_assert!(rows.rows.iter().all(|row| row.len() == rows.columns.len()));
            }
        }
    }
}
