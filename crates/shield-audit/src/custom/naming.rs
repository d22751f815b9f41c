//! What something in a file may be called in a rule file.

use ruff_python_ast::{self as ast, Expr};
use ruff_text_size::Ranged;

use super::name::Names;
use crate::python::names::{self, At, Bound, ScopeKind};

/// Parts of an annotation that are looked into: `Optional[X]`, `X | None`.
const ANNOTATION_STEPS_MAX: u8 = 4;

/// The names of a file, and where it is.
#[derive(Clone, Copy)]
pub(crate) struct Naming<'n, 'a> {
    pub(crate) names: &'n names::Names<'a>,
    /// Its path: what an import with dots before it means.
    pub(crate) path: &'n str,
}

// === impl Naming ===

impl Naming<'_, '_> {
    /// What something that is called, or stands over a function, means, with the name that says so. `name` is what it resolves to;
    /// empty if to nothing.
    pub(crate) fn called(&self, table: &Names, callee: &Expr, at: At, name: &str) -> Vec<(u32, String)> {
        let mut found = Vec::new();
        if !name.is_empty() {
            self.named(table, name, &mut found);
        }
        let Expr::Attribute(attribute) = callee else { return found };
        let method = attribute.attr.as_str();
        found.extend(table.of_method(method).map(|means| (means, method.to_owned())));
        if table.has_instances()
            && let Some(class) = self.class_of(&attribute.value, at)
        {
            self.named(table, &format!("{class}().{method}"), &mut found);
        }
        found
    }

    /// What a resolved name means.
    pub(crate) fn named(&self, table: &Names, name: &str, into: &mut Vec<(u32, String)>) {
        self.each(name, |name| into.extend(table.of(name).map(|means| (means, name.to_owned()))));
    }

    /// Every name that a resolved one may stand for. From which folder an import with dots before it would be imported by its whole
    /// name nobody knows from one file: every folder above counts.
    pub(crate) fn each(&self, name: &str, mut show: impl FnMut(&str)) {
        let rest = name.trim_start_matches('.');
        let level = name.len() - rest.len();
        if level == 0 {
            show(name);
            return;
        }
        let absolute = absolute(self.path, level, rest);
        show(&absolute);
        for (dot, _) in absolute.match_indices('.') {
            show(&absolute[dot + 1..]);
        }
    }

    /// The class that made the object, by a call or by the annotation of a parameter.
    fn class_of(&self, object: &Expr, at: At) -> Option<String> {
        if let Some(maker) = self.names.made_by(object, at) {
            return Some(maker);
        }
        let Expr::Name(name) = object else { return None };
        let binding = self.names.lookup(name.id.as_str(), at).binding()?;
        let Bound::Parameter(..) = binding.bound else { return None };
        let scope = self.names.scope(binding.at.scope);
        let ScopeKind::Function(function) = scope.kind else { return None };
        let mut parameters = function.parameters.iter_non_variadic_params();
        let parameter = parameters.find(|one| one.parameter.name.as_str() == name.id.as_str())?;
        let at = At { scope: scope.parent, position: function.start() };
        self.class_named(parameter.annotation()?, at, ANNOTATION_STEPS_MAX)
    }

    fn class_named(&self, annotation: &Expr, at: At, steps: u8) -> Option<String> {
        let steps = steps.checked_sub(1)?;
        match annotation {
            Expr::Subscript(subscript) => {
                let first = match subscript.slice.as_ref() {
                    Expr::Tuple(tuple) => tuple.elts.first()?,
                    other => other,
                };
                self.class_named(first, at, steps)
            }
            Expr::BinOp(ast::ExprBinOp { left, right, .. }) => match left.as_ref() {
                Expr::NoneLiteral(_) => self.class_named(right, at, steps),
                _ => self.class_named(left, at, steps),
            },
            _ => self.names.resolve(annotation, at),
        }
    }
}

/// The whole name of what a file imports with so many dots before it.
fn absolute(path: &str, level: usize, rest: &str) -> String {
    let path = path.strip_suffix(".py").or_else(|| path.strip_suffix(".pyi")).unwrap_or(path);
    // One dot is the folder that the file is in, also of a package's own file.
    let mut parts: Vec<&str> = path.split('/').collect();
    parts.truncate(parts.len().saturating_sub(level));
    parts.extend((!rest.is_empty()).then_some(rest));
    parts.join(".")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn dots_mean_folders() {
        assert_eq!(absolute("src/shop/api/x.py", 1, "y"), "src.shop.api.y");
        assert_eq!(absolute("src/shop/api/x.py", 2, "db.raw"), "src.shop.db.raw");
        assert_eq!(absolute("src/shop/__init__.py", 1, "db"), "src.shop.db");
        assert_eq!(absolute("x.py", 9, "db"), "db");
    }
}
