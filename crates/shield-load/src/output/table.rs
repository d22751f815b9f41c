//! Tables of a page, bounded: a document stays small, whatever a run brought.

use crate::output::escape::{NAME_BYTES_MAX, SENTENCE_BYTES_MAX, escaped_within};
use crate::output::figures::count;

/// Most rows of a table, and entries of a list.
pub(super) const ROWS_MAX: usize = 60;

/// A table under way.
#[derive(Debug)]
pub(super) struct Table {
    caption: &'static str,
    heads: &'static [&'static str],
    rows: Vec<Vec<Cell>>,
    left_out: usize,
}

/// What a cell holds. The first one of a row is its head.
#[derive(Debug)]
pub(super) enum Cell {
    /// Words, from wherever.
    Text(String),
    /// A figure, which belongs at the right.
    Figure(String),
    /// What went well.
    Good(&'static str),
    /// What did not.
    Bad(&'static str),
}

// === impl Table ===

impl Table {
    /// The first [`ROWS_MAX`] rows of these.
    pub(super) fn new<Row>(
        caption: &'static str,
        heads: &'static [&'static str],
        rows: impl ExactSizeIterator<Item = Row>,
        cells: impl Fn(Row) -> Vec<Cell>,
    ) -> Self {
        let left_out = rows.len().saturating_sub(ROWS_MAX);
        Self { caption, heads, rows: rows.take(ROWS_MAX).map(cells).collect(), left_out }
    }

    /// As HTML; nothing when there is no row.
    pub(super) fn html(&self) -> String {
        if self.rows.is_empty() {
            return String::new();
        }
        // A head stands over its column as the figures in it do.
        let first = self.rows.first().into_iter().flatten();
        let heads = self.heads.iter().zip(first).map(|(head, cell)| match cell {
            Cell::Figure(_) => format!(r#"<th scope="col" class="figure">{head}</th>"#),
            _ => format!(r#"<th scope="col">{head}</th>"#),
        });
        let rows = self.rows.iter().map(|row| {
            let cells = row.iter().enumerate().map(|(index, cell)| cell.html(index));
            format!("<tr>{}</tr>", cells.collect::<String>())
        });
        format!(
            r#"<div class="scroll" role="region" aria-label="{caption}" tabindex="0"><table><caption>{caption}</caption><thead><tr>{heads}</tr></thead><tbody>{rows}</tbody></table></div>{more}"#,
            caption = self.caption,
            heads = heads.collect::<String>(),
            rows = rows.collect::<String>(),
            more = more(self.left_out),
        )
    }
}

// === impl Cell ===

impl Cell {
    fn html(&self, index: usize) -> String {
        let (class, text) = match self {
            Self::Text(text) => ("", escaped_within(text, NAME_BYTES_MAX)),
            Self::Figure(text) => (r#" class="figure""#, escaped_within(text, NAME_BYTES_MAX)),
            Self::Good(text) => (r#" class="good""#, (*text).to_owned()),
            Self::Bad(text) => (r#" class="bad""#, (*text).to_owned()),
        };
        if index == 0 {
            format!(r#"<th scope="row"{class}>{text}</th>"#)
        } else {
            format!("<td{class}>{text}</td>")
        }
    }
}

/// A list of sentences under a title; nothing when there is none.
pub(super) fn list(title: &str, class: &str, sentences: &[String]) -> String {
    if sentences.is_empty() {
        return String::new();
    }
    let entries = sentences.iter().take(ROWS_MAX);
    let entries =
        entries.map(|sentence| format!("<li>{}</li>", escaped_within(sentence, SENTENCE_BYTES_MAX)));
    format!(
        r#"<div class="{class}"><h3>{title}</h3><ul>{}</ul>{}</div>"#,
        entries.collect::<String>(),
        more(sentences.len().saturating_sub(ROWS_MAX))
    )
}

fn more(left_out: usize) -> String {
    match left_out {
        0 => String::new(),
        _ => format!(r#"<p class="more">{} more are in the JSON document.</p>"#, count(left_out as u64)),
    }
}
