//! Packages with nothing in them that stand before a module of their name: nobody can want them, and the module can never be imported.

use ruff_python_ast::{Expr, Stmt};

use super::{
    facts::When,
    files::join,
    inventory::{Home, Shape},
    library::Presence,
    survey::Surveyor,
    syntax,
};

/// What a package folder may hold and still be empty.
const EMPTY: [&str; 2] = ["__init__.py", "__pycache__"];

// === impl Surveyor ===

impl Surveyor<'_> {
    /// The `__init__.py` of the empty package that hides the file at `path`, and nothing but that; `None` if another thing hides it, or
    /// the package holds anything: a module, data, a name, a statement that does something, or a listed name that the file has not.
    pub(crate) fn hollow_package(&self, path: &str) -> Option<String> {
        let inventory = self.library.inventory;
        let folder = path.strip_suffix(".py")?;
        let (winner, hidden) = (inventory.at(&join(folder, "__init__.py"))?, inventory.at(path)?);
        let package = inventory.module(winner);
        if package.home != Home::Project || package.shape != Shape::Package {
            return None;
        }
        let entries = self.library.files().list(folder).ok()?;
        let (facts, file) = (self.library.facts(winner)?, self.library.facts(hidden)?);
        let listed = |name: &String| self.library.has(hidden, name, When::Load) == Presence::Here;
        let (text, _) = self.library.text(&package.path).ok()?;
        let empty = entries.iter().all(|entry| EMPTY.contains(&entry.name.as_str()))
            && facts.faults.is_empty()
            && syntax::with_module(&text, |tree, _| tree.body.iter().all(does_nothing));
        (empty && file.faults.is_empty() && facts.all.iter().all(listed)).then(|| package.path.to_string())
    }
}

/// Whether a statement is a text, `pass`, or a list of names in `__all__`.
fn does_nothing(statement: &Stmt) -> bool {
    match statement {
        Stmt::Pass(_) => true,
        Stmt::Expr(expr) => expr.value.is_string_literal_expr(),
        Stmt::Assign(assign) => {
            let all = |target: &Expr| target.as_name_expr().is_some_and(|name| name.id.as_str() == "__all__");
            let names = match assign.value.as_ref() {
                Expr::List(list) => &list.elts,
                Expr::Tuple(tuple) => &tuple.elts,
                _ => return false,
            };
            assign.targets.iter().all(all) && names.iter().all(Expr::is_string_literal_expr)
        }
        _ => false,
    }
}
