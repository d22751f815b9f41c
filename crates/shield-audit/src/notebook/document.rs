//! What a notebook holds: the cells of versions 3 and 4 of its form.

use serde::Deserialize;
use serde_json::{Value, value::RawValue};

use super::joined::Joined;

/// Magics of a cell whose rest is Python all the same.
const PYTHON: [&str; 8] = ["capture", "prun", "pypy", "python", "python3", "time", "timeit", "debug"];

/// Magics of a cell that hand its rest to a shell.
const SHELL: [&str; 4] = ["bash", "sh", "script bash", "script sh"];

#[derive(Deserialize)]
struct File<'t> {
    #[serde(borrow, default)]
    cells: Vec<RawCell<'t>>,
    /// Version 3.
    #[serde(borrow, default)]
    worksheets: Vec<Worksheet<'t>>,
    #[serde(default)]
    metadata: Value,
}

#[derive(Deserialize)]
struct Worksheet<'t> {
    #[serde(borrow, default)]
    cells: Vec<RawCell<'t>>,
}

#[derive(Deserialize)]
struct RawCell<'t> {
    cell_type: String,
    #[serde(borrow)]
    source: Option<&'t RawValue>,
    /// Version 3.
    #[serde(borrow)]
    input: Option<&'t RawValue>,
}

/// A notebook.
pub(super) struct Document<'t> {
    text: &'t str,
    file: File<'t>,
}

/// The code of a cell.
#[derive(Debug, Default)]
pub(super) struct Cell {
    /// What Python runs.
    pub(super) python: Joined,
    /// What a shell runs.
    pub(super) shell: Joined,
}

// === impl Document ===

impl<'t> Document<'t> {
    pub(super) fn parse(text: &'t str) -> Result<Self, serde_json::Error> {
        Ok(Self { text, file: serde_json::from_str(text)? })
    }

    /// Whether its code is Python: nothing else is said.
    pub(super) fn is_python(&self) -> bool {
        let said = ["/kernelspec/language", "/language_info/name"]
            .into_iter()
            .find_map(|at| self.file.metadata.pointer(at)?.as_str());
        said.is_none_or(|language| matches!(language.to_ascii_lowercase().as_str(), "python" | "ipython"))
    }

    /// Its cells of code.
    pub(super) fn cells(&self) -> Vec<Cell> {
        let sheets = self.file.worksheets.iter().flat_map(|sheet| &sheet.cells);
        let code = self.file.cells.iter().chain(sheets).filter(|cell| cell.cell_type == "code");
        let sources = code.filter_map(|cell| cell.source.or(cell.input));
        sources.map(|source| Cell::of(self.joined(source))).collect()
    }

    /// The text of a source: one literal, or one for each line.
    fn joined(&self, source: &'t RawValue) -> Joined {
        let lines = serde_json::from_str::<Vec<&RawValue>>(source.get()).unwrap_or_else(|_| vec![source]);
        let mut joined = Joined::default();
        for literal in lines.into_iter().map(RawValue::get).filter(|literal| literal.starts_with('"')) {
            // A part of the text of the file, so it begins that far behind it.
            joined.push_literal(literal, literal.as_ptr() as usize - self.text.as_ptr() as usize);
        }
        joined
    }
}

// === impl Cell ===

impl Cell {
    fn of(code: Joined) -> Self {
        let start = code.text().len() - code.text().trim_start().len();
        let first = code.text()[start..].lines().next().unwrap_or_default();
        let Some(magic) = first.strip_prefix("%%") else { return Self::of_lines(code) };
        let named = |names: &[&str]| {
            let follows = |name: &&str| magic.strip_prefix(*name).map(|rest| rest.chars().next());
            names.iter().filter_map(follows).any(|next| !next.is_some_and(char::is_alphanumeric))
        };
        let rest = || code.part(start + first.len()..code.text().len());
        match (named(&SHELL), named(&PYTHON)) {
            (true, _) => Self { shell: rest(), ..Self::default() },
            (_, true) => Self::of_lines(rest()),
            _ => Self::default(),
        }
    }

    /// Python, with lines for the shell among it (`!ls`) that its parser knows to be none of its own.
    fn of_lines(code: Joined) -> Self {
        let mut commands = Vec::new();
        let (mut start, mut goes_on) = (0, false);
        for line in code.text().split_inclusive('\n') {
            let indent = line.len() - line.trim_start().len();
            let command =
                if goes_on { Some(0) } else { line[indent..].starts_with('!').then_some(indent + 1) };
            commands.extend(command.map(|from| code.part(start + from..start + line.len())));
            goes_on = command.is_some() && line.trim_end().ends_with('\\');
            start += line.len();
        }
        Self { shell: Joined::of(commands.iter()), python: code }
    }
}
