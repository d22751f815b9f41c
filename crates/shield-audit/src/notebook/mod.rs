//! Jupyter notebooks: their cells of code through the rules for Python, what they hand to a shell through those for commands.
//!
//! Cells are looked at as one program, since what one imports another calls; one that does not parse is named and looked at by
//! itself, so that it changes nothing for the others. A finding lies where the cell's line lies in the file. Outputs are no
//! code, and data is not followed from cell to cell: a notebook answers no requests.

mod document;
mod joined;
#[cfg(test)]
mod tests;

use document::Document;
use joined::Joined;

use crate::{
    configuration,
    python::{self, FileReport, Lines},
    tree::{Reason, Skipped, decode},
};

/// Whether a file of this name is a notebook.
#[must_use]
pub fn is_candidate(path: &str) -> bool {
    path.ends_with(".ipynb")
}

/// The language of a notebook that is not read here, if its file names another than Python.
#[must_use]
pub fn foreign_language(path: &str, bytes: &[u8]) -> Option<&'static str> {
    let text = str::from_utf8(bytes).ok().filter(|_| is_candidate(path))?;
    (!Document::parse(text).ok()?.is_python()).then_some("Jupyter Notebook without Python")
}

/// Looks at a notebook as it lies on disk.
#[must_use]
pub fn file(rules: &python::Audit, path: &str, bytes: &[u8]) -> FileReport {
    let text = match decode(bytes) {
        Ok(text) => text.characters,
        Err(reason) => return skipping(path, reason),
    };
    let text = text.strip_prefix('\u{feff}').unwrap_or(&text);
    match Document::parse(text) {
        Ok(document) if document.is_python() => Look { rules, path, lines: Lines::of(text) }.at(&document),
        Ok(_) => FileReport::default(),
        Err(error) => {
            let line = u32::try_from(error.line()).unwrap_or(u32::MAX);
            skipping(path, Reason::SyntaxError { line, message: error.to_string() })
        }
    }
}

fn skipping(path: &str, reason: Reason) -> FileReport {
    FileReport { skipped: vec![Skipped { path: path.to_owned(), reason }], ..FileReport::default() }
}

/// Who looks at a notebook.
struct Look<'a> {
    rules: &'a python::Audit,
    path: &'a str,
    /// Lines of the file.
    lines: Lines<'a>,
}

// === impl Look ===

impl Look<'_> {
    fn at(&self, document: &Document<'_>) -> FileReport {
        let cells = document.cells();
        let mut report = self.python(&Joined::of(cells.iter().map(|cell| &cell.python)));
        if !report.skipped.is_empty() {
            report = self.one_by_one(cells.iter().map(|cell| &cell.python));
        }
        let shell = Joined::of(cells.iter().map(|cell| &cell.shell));
        let commands = configuration::script(self.path, shell.text());
        add(&mut report, shell.relocated(commands, &self.lines));
        report
    }

    fn python(&self, code: &Joined) -> FileReport {
        if code.text().is_empty() {
            return FileReport::default();
        }
        code.relocated(self.rules.own_text(self.path, code.text()), &self.lines)
    }

    /// The cells that parse as one program, each other one by itself.
    fn one_by_one<'j>(&self, cells: impl Iterator<Item = &'j Joined>) -> FileReport {
        let mut report = FileReport::default();
        let mut sound = Vec::new();
        for cell in cells {
            let alone = self.python(cell);
            match alone.skipped.is_empty() {
                true => sound.push(cell),
                false => add(&mut report, alone),
            }
        }
        add(&mut report, self.python(&Joined::of(sound.into_iter())));
        report
    }
}

fn add(report: &mut FileReport, other: FileReport) {
    report.findings.extend(other.findings);
    report.suppressed.extend(other.suppressed);
    report.skipped.extend(other.skipped);
}
