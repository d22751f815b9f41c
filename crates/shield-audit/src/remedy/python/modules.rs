//! Names of modules at a place: one that the file has already, or an import that is added.

use std::ops::Range;

use ruff_python_ast::Stmt;
use ruff_text_size::{Ranged, TextSize};

use super::site::{Edits, Site};
use crate::python::{
    Module,
    names::{Bound, Lookup, ScopeId},
};

/// Where imports can be added at the top of a file. Made once for a file.
#[derive(Clone, Debug)]
pub(in crate::remedy) struct Entrances {
    /// The first import that is not from `__future__`, and the first statement that is no docstring and none of those, as far as they
    /// begin a line.
    before: [Option<TextSize>; 2],
    /// Where the docstring and the imports from `__future__` end, and where their last line does, if nothing else is in it.
    head: Option<(TextSize, usize)>,
    line_end: &'static str,
}

// === impl Entrances ===

impl Entrances {
    /// The places of a file.
    pub(in crate::remedy) fn of(module: &Module<'_>, line_end: &'static str) -> Self {
        let body = &module.syntax.body;
        let head = body.iter().take_while(|stmt| is_head(stmt)).count();
        let starts_line = |at: &TextSize| {
            let before = &module.text[..at.to_usize()];
            before.is_empty() || before == "\u{feff}" || before.ends_with(['\n', '\r'])
        };
        let import = body[head..].iter().find(|stmt| stmt.is_import_stmt() || stmt.is_import_from_stmt());
        let before = [import, body.get(head)].map(|stmt| stmt.map(Ranged::start).filter(starts_line));
        let head = body[..head].last().and_then(|last| {
            let rest = &module.text[last.end().to_usize()..];
            let end = rest.find(['\n', '\r']).unwrap_or(rest.len());
            let quiet = rest[..end].trim_start();
            (quiet.is_empty() || quiet.starts_with('#')).then(|| (last.end(), last.end().to_usize() + end))
        });
        Self { before, head, line_end }
    }

    /// The edit that adds a statement for what begins at `user`: before the first import, or before the first statement, or behind the docstring;
    /// `None` if none of these comes before it.
    pub(in crate::remedy) fn add(&self, statement: &str, user: TextSize) -> Option<(Range<usize>, String)> {
        let line_end = self.line_end;
        if let Some(at) = self.before.into_iter().flatten().find(|at| *at <= user) {
            return Some((at.to_usize()..at.to_usize(), format!("{statement}{line_end}")));
        }
        let (_, at) = self.head.filter(|(end, _)| *end <= user)?;
        Some((at..at, format!("{line_end}{statement}")))
    }
}

/// A docstring, or an import from `__future__`: nothing may come before it.
fn is_head(stmt: &Stmt) -> bool {
    match stmt {
        Stmt::Expr(expr) => expr.value.is_string_literal_expr(),
        Stmt::ImportFrom(import) => import.module.as_deref() == Some("__future__"),
        _ => false,
    }
}

// === impl Site ===

impl Site<'_> {
    /// What must be added so that `module` (dotted or not) can be named at the call; nothing if it can be already. `None` if its name means
    /// something else there, or a module of the project could be found in its place.
    pub(super) fn import(&self, module: &str) -> Option<Edits> {
        let top = module.split('.').next().unwrap_or(module);
        let names = self.scene.module.names;
        let known = names.imported().iter().any(|imported| imported == module);
        match names.lookup(top, self.scene.at) {
            Lookup::Bound(binding) => {
                let same = matches!(binding.bound, Bound::Module(bound) if bound == top || bound == module && top == module);
                let only = names.only_binding(top, self.scene.at).is_some();
                (same && only && known).then(Vec::new)
            }
            Lookup::Unbound => None,
            Lookup::Free if self.project.modules.contains(top) => None,
            Lookup::Free => {
                let user = self.scene.statement.map_or(self.node.start(), Ranged::start);
                let free = names.bindings(ScopeId::MODULE, top).next().is_none();
                let edit = self.entrances.add(&format!("import {module}"), user).filter(|_| free)?;
                Some(vec![edit])
            }
        }
    }
}
