//! Columns for people.

use super::write::say;

/// Prints `rows` under `headings`, each column as wide as its widest cell, two spaces apart.
pub(super) fn print<const N: usize>(headings: [&str; N], rows: &[[String; N]]) {
    let width = |column: usize| {
        let cells = rows.iter().map(|row| row[column].chars().count());
        cells.chain([headings[column].len()]).max().unwrap_or(0)
    };
    let widths: [usize; N] = std::array::from_fn(width);
    let line = |cells: [&str; N]| {
        let padded = cells.iter().zip(widths).map(|(cell, width)| format!("{cell:width$}"));
        padded.collect::<Vec<_>>().join("  ").trim_end().to_owned()
    };
    say!("{}", line(headings));
    for row in rows {
        say!("{}", line(std::array::from_fn(|column| row[column].as_str())));
    }
}
