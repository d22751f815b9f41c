//! Tables of a page, cut where they get too long.

use crate::report::{
    escape::{html as escaped, sentence, within},
    words::count,
};

/// So many rows are shown.
const ROWS_MAX: usize = 200;
/// Bytes that the rows of one table take at most.
const BYTES_MAX: usize = 120_000;
/// Longest text of a stranger in a cell, in characters.
const TEXT_MAX: usize = 300;

/// Text of a stranger.
pub(super) fn text(text: &str) -> String {
    escaped(&within(text, TEXT_MAX))
}

/// A name or a path of a stranger.
pub(super) fn code(text: &str) -> String {
    format!("<code>{}</code>", self::text(text))
}

/// A sentence in which backticks mark code, in at most so many characters.
pub(super) fn said(text: &str, characters_max: usize) -> String {
    sentence(&within(text, characters_max), escaped, |code| format!("<code>{}</code>", escaped(code)))
}

/// A table whose cells are HTML already. The first cell of a row names it. Nothing if it has no rows.
pub(super) fn table(heads: &[&str], rows: impl ExactSizeIterator<Item = Vec<String>>) -> String {
    let all = rows.len();
    let (mut body, mut written) = (String::new(), 0);
    for cells in rows.take(ROWS_MAX) {
        let mut cells = cells.into_iter();
        let first = cells.next().unwrap_or_default();
        // On a telephone a row is a card, and each of its cells says what it is.
        let rest = heads.iter().skip(1).zip(cells.by_ref());
        let rest: String =
            rest.map(|(head, cell)| format!(r#"<td data-head="{head}">{cell}</td>"#)).collect();
        let row = format!(r#"<tr><th scope="row">{first}</th>{rest}</tr>"#);
        if body.len() + row.len() > BYTES_MAX {
            break;
        }
        body.push_str(&row);
        written += 1;
    }
    if all == 0 {
        return String::new();
    }
    let heads: String = heads.iter().map(|head| format!(r#"<th scope="col">{head}</th>"#)).collect();
    let more = more(all - written);
    format!(
        r#"<div class="scroll"><table><thead><tr>{heads}</tr></thead><tbody>{body}</tbody></table></div>{more}"#
    )
}

/// How many are not shown; nothing if none.
pub(super) fn more(left_out: usize) -> String {
    match left_out {
        0 => String::new(),
        left_out => format!(r#"<p class="more">{} more are in the report as JSON.</p>"#, count(left_out)),
    }
}
