//! Showing a file to what rule files do not want in it.

use ruff_python_ast::{Decorator, Expr, Stmt};
use ruff_text_size::{Ranged, TextRange};

use super::{
    Kind,
    rules::Call,
    scan::{Found, Scan},
};
use crate::custom::Banned;

// === impl Scan ===

impl<'m> Scan<'m> {
    pub(super) fn note_banned(&mut self, found: Vec<Banned>) {
        for Banned { rule, confidence, hit } in found {
            self.found.push(Found { rule, confidence, hit, context: self.context.join(".") });
        }
    }

    /// Shows what stands over a definition to what rule files do not want there.
    pub(super) fn banned_decorator(&mut self, decorator: &'m Decorator) {
        let Some(bans) = self.bans else { return };
        let (callee, arguments) = match &decorator.expression {
            Expr::Call(call) => (call.func.as_ref(), Some(&call.arguments)),
            other => (other, None),
        };
        let scene = self.scene(decorator.range);
        let name = scene.resolve(callee).unwrap_or_default();
        let range = decorator.expression.range();
        let found = bans.decorator(&scene, &Call { callee, name: &name, arguments, range });
        self.note_banned(found);
    }

    pub(super) fn banned_attribute(&mut self, expr: &'m Expr) {
        let Some(bans) = self.bans.filter(|_| self.in_annotation == 0) else { return };
        let found = bans.attribute(&self.scene(expr.range()), expr);
        self.note_banned(found);
    }

    pub(super) fn banned_import(&mut self, name: &str, range: TextRange) -> bool {
        let Some(bans) = self.bans.filter(|_| self.module.kind != Kind::Stub && self.type_checking == 0)
        else {
            return false;
        };
        let found = bans.import(self.module, name, range);
        let any = !found.is_empty();
        self.note_banned(found);
        any
    }

    pub(super) fn banned_imports(&mut self, stmt: &'m Stmt) {
        match stmt {
            Stmt::Import(import) => import.names.iter().for_each(|alias| {
                self.banned_import(alias.name.as_str(), alias.range);
            }),
            Stmt::ImportFrom(import) => {
                let dots = ".".repeat(import.level as usize);
                let module = import.module.as_ref().map_or("", |module| module.as_str());
                // Of a module that is not wanted, nothing is: that is said once.
                if self.banned_import(&format!("{dots}{module}"), stmt.range()) {
                    return;
                }
                let stop = if module.is_empty() { "" } else { "." };
                for alias in &import.names {
                    self.banned_import(&format!("{dots}{module}{stop}{}", alias.name), alias.range);
                }
            }
            _ => {}
        }
    }
}
