//! Names of modules at a place: one that the file has already, or an import that is added.

use std::ops::Range;

use ruff_python_ast::Stmt;
use ruff_text_size::{Ranged, TextSize};

use super::site::{Edits, Site};
use crate::python::{
    Module,
    names::{Bound, Lookup, ScopeId},
};

/// Where an import can be added at the top of a file, and how.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(in crate::remedy) struct Entrance {
    /// The byte.
    pub(in crate::remedy) at: usize,
    /// What comes before the statement.
    before: String,
    /// What comes behind it.
    behind: String,
}

// === impl Entrance ===

impl Entrance {
    /// The place for new imports of a file that what begins at `user` can use: before its first import that is not from `__future__`, or
    /// before its first statement.
    pub(in crate::remedy) fn of(module: &Module<'_>, user: TextSize, line_end: &str) -> Option<Self> {
        let body = &module.syntax.body;
        let head = body.iter().take_while(|stmt| is_head(stmt)).count();
        let starts_line = |at: TextSize| {
            let before = &module.text[..at.to_usize()];
            before.is_empty() || before == "\u{feff}" || before.ends_with(['\n', '\r'])
        };
        let import = body[head..].iter().find(|stmt| stmt.is_import_stmt() || stmt.is_import_from_stmt());
        let places = [import, body.get(head)].into_iter().flatten().map(Ranged::start);
        if let Some(at) = places.into_iter().find(|at| *at <= user && starts_line(*at)) {
            return Some(Self { at: at.to_usize(), before: String::new(), behind: line_end.to_owned() });
        }
        // Nothing follows at a line's start: behind the last line of the head, if what uses it comes later.
        let last = body[..head].last().filter(|last| last.end() <= user)?;
        let rest = &module.text[last.end().to_usize()..];
        let end = rest.find(['\n', '\r']).unwrap_or(rest.len());
        let quiet = rest[..end].trim_start();
        (quiet.is_empty() || quiet.starts_with('#')).then(|| Self {
            at: last.end().to_usize() + end,
            before: line_end.to_owned(),
            behind: String::new(),
        })
    }

    /// The edit that adds a statement.
    pub(in crate::remedy) fn add(&self, statement: &str) -> (Range<usize>, String) {
        (self.at..self.at, format!("{}{statement}{}", self.before, self.behind))
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
    /// something else there.
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
            Lookup::Free => {
                let user = self.scene.statement.map_or(self.node.start(), Ranged::start);
                let entrance = Entrance::of(self.scene.module, user, self.line_end)?;
                let free = names.bindings(ScopeId::MODULE, top).next().is_none();
                free.then(|| vec![entrance.add(&format!("import {module}"))])
            }
        }
    }
}
