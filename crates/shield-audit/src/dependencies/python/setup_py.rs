//! `setup.py`, read and never run: lists of literal text in the call of `setup`, or in a name that a module sets once to one.
//! What is computed is named as unread.

use std::collections::HashMap;

use ruff_python_ast::{Expr, ExprCall, Operator, Stmt};
use ruff_text_size::Ranged;

use super::requirement::{Context, take};
use crate::{
    dependencies::{Manifest, SourceKind, lines::Lines},
    finding::Place,
    python::{Kind, Module},
};

/// Lists that are looked at.
const LISTS_MAX: usize = 1_000;

/// Reads what a project asks for.
pub(in crate::dependencies) fn read(file: &str, text: &str) -> Manifest {
    let mut manifest = Manifest::new(SourceKind::SetupPy, file.to_owned());
    let seen = Module::with(text, Kind::Code, |module| read_module(file, module));
    seen.unwrap_or_else(|reason| {
        manifest.refuse(Place { file: file.to_owned(), span: None }, reason.to_string());
        manifest
    })
}

fn read_module(file: &str, module: &Module<'_>) -> Manifest {
    let mut reader = Reader {
        manifest: Manifest::new(SourceKind::SetupPy, file.to_owned()),
        lines: Lines::of(file, module.text),
        names: HashMap::new(),
        lists_left: LISTS_MAX,
    };
    if let Some(error) = &module.error {
        let place = reader.lines.whole();
        reader.manifest.refuse(place, error.to_string());
    }
    let mut calls = Vec::new();
    collect(&module.syntax.body, &mut reader.names, &mut calls);
    for call in calls {
        reader.read_setup(call);
    }
    reader.manifest
}

struct Reader<'a, 'm> {
    manifest: Manifest,
    lines: Lines<'a>,
    /// What names are set to; none if to several things.
    names: HashMap<&'m str, Option<&'m Expr>>,
    /// How many lists may still be looked at: names can be sums of themselves.
    lists_left: usize,
}

/// Calls of `setup` and assignments, also below `if __name__ == "__main__"`.
fn collect<'m>(
    body: &'m [Stmt],
    names: &mut HashMap<&'m str, Option<&'m Expr>>,
    calls: &mut Vec<&'m ExprCall>,
) {
    for statement in body {
        match statement {
            Stmt::Assign(assign) => {
                for target in &assign.targets {
                    if let Expr::Name(name) = target {
                        let value = Some(&*assign.value);
                        names.entry(name.id.as_str()).and_modify(|known| *known = None).or_insert(value);
                    }
                }
            }
            // `+=` and changes by method are not followed: what they add is not known.
            Stmt::AugAssign(assign) => {
                if let Expr::Name(name) = &*assign.target {
                    names.insert(name.id.as_str(), None);
                }
            }
            Stmt::If(branch) => {
                collect(&branch.body, names, calls);
                branch.elif_else_clauses.iter().for_each(|clause| collect(&clause.body, names, calls));
            }
            Stmt::Expr(expression) => {
                if let Expr::Call(call) = &*expression.value
                    && names_setup(&call.func)
                {
                    calls.push(call);
                }
            }
            _ => {}
        }
    }
}

fn names_setup(function: &Expr) -> bool {
    match function {
        Expr::Name(name) => name.id.as_str() == "setup",
        Expr::Attribute(attribute) => attribute.attr.as_str() == "setup",
        _ => false,
    }
}

// === impl Reader ===

impl<'m> Reader<'_, 'm> {
    fn read_setup(&mut self, call: &'m ExprCall) {
        for keyword in &call.arguments.keywords {
            let group = match keyword.arg.as_ref().map(|name| name.as_str()) {
                Some("install_requires") => None,
                Some("setup_requires") => Some("build-system"),
                Some("tests_require") => Some("tests"),
                Some("extras_require") => {
                    self.read_extras(&keyword.value);
                    continue;
                }
                _ => continue,
            };
            self.read_list(&keyword.value, group);
        }
        if self.lists_left == 0 {
            self.refuse(&call.func, "its lists of requirements are sums of more lists than are read");
        }
    }

    fn read_extras(&mut self, value: &'m Expr) {
        let Some(Expr::Dict(dictionary)) = self.resolve(value) else {
            return self.refuse(value, "`extras_require` is computed");
        };
        for item in &dictionary.items {
            match &item.key {
                Some(Expr::StringLiteral(extra)) => self.read_list(&item.value, Some(extra.value.to_str())),
                _ => self.refuse(&item.value, "the name of an extra is computed"),
            }
        }
    }

    fn read_list(&mut self, value: &'m Expr, group: Option<&str>) {
        if self.lists_left == 0 {
            return;
        }
        self.lists_left -= 1;
        let entries = match self.resolve(value) {
            // Lists of lists are added up from left to right.
            Some(Expr::BinOp(sum)) if sum.op == Operator::Add => {
                self.read_list(&sum.left, group);
                return self.read_list(&sum.right, group);
            }
            Some(Expr::List(list)) => &list.elts,
            Some(Expr::Tuple(tuple)) => &tuple.elts,
            Some(Expr::StringLiteral(text)) => {
                let lines = text.value.to_str().lines().map(str::trim).filter(|line| !line.is_empty());
                let lines: Vec<_> = lines.map(str::to_owned).collect();
                return lines.iter().for_each(|line| self.take(line, value, group));
            }
            _ => return self.refuse(value, "a list of requirements is computed"),
        };
        for entry in entries {
            match self.resolve(entry) {
                Some(Expr::StringLiteral(text)) => self.take(text.value.to_str(), entry, group),
                _ => self.refuse(entry, "a requirement is computed"),
            }
        }
    }

    fn take(&mut self, text: &str, at: &Expr, group: Option<&str>) {
        let context = Context { place: self.lines.place(range_of(at)), group: group.map(str::to_owned) };
        take(&mut self.manifest, text, context);
    }

    /// What an expression is, through one name.
    fn resolve(&self, value: &'m Expr) -> Option<&'m Expr> {
        match value {
            Expr::Name(name) => self.names.get(name.id.as_str()).copied().flatten(),
            _ => Some(value),
        }
    }

    fn refuse(&mut self, at: &Expr, reason: &str) {
        let place = self.lines.place(range_of(at));
        self.manifest.refuse(place, reason);
    }
}

fn range_of(at: &impl Ranged) -> std::ops::Range<usize> {
    at.range().to_std_range()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn literal_lists_are_read() {
        let text = "import setuptools\nREQUIRES = ['a>=1'] + ['b[x]']\nif __name__ == '__main__':\n    setuptools.setup(\n\
            \x20       install_requires=REQUIRES,\n        extras_require={'fast': ('c==2',)},\n        tests_require='d\\ne',\n    )\n";
        let manifest = read("setup.py", text);
        let asked: Vec<_> = manifest
            .requirements
            .iter()
            .map(|one| (one.name.name(), one.group.as_deref(), one.place.span.unwrap().line))
            .collect();
        assert_eq!(
            asked,
            [
                ("a", None, 2),
                ("b", None, 2),
                ("c", Some("fast"), 6),
                ("d", Some("tests"), 7),
                ("e", Some("tests"), 7)
            ]
        );
        assert_eq!(manifest.unread, []);
    }

    #[test]
    fn computed_lists_are_named() {
        let text = "from setuptools import setup\nmore = ['a']\nmore += ['b']\nsetup(install_requires=more, extras_require=f(), \
            tests_require=open('r.txt').read(), setup_requires=['x', 'y' + z])\n";
        let manifest = read("setup.py", text);
        assert_eq!((manifest.requirements.len(), manifest.unread.len()), (1, 4));
    }

    #[test]
    fn names_of_themselves_end() {
        assert_eq!(read("setup.py", "more = more + more\nsetup(install_requires=more)\n").unread.len(), 1);
    }

    #[test]
    fn broken_syntax_is_named() {
        let manifest = read("setup.py", "setup(install_requires=['a'])\ndef broken(:\n");
        assert_eq!((manifest.requirements.len(), manifest.unread.is_empty()), (1, false));
    }

    #[test]
    fn hostile_nesting_is_named() {
        for text in [
            "(".repeat(1_000_000),
            format!("x = {}1\n", "-".repeat(300_000)),
            format!("x = {}1\n", "-".repeat(15_000)),
        ] {
            assert!(read("setup.py", &text).unread[0].reason.contains("levels deep"));
        }
    }
}
