//! Where else a file looks for modules: folders that it, or whatever runs it, puts on the search path beside the project's own.
//!
//! An import that is found there works, though not for the rest of the project. Folders are of two kinds: the units above the file, which
//! are deployed or started by themselves (a manifest, a list of requirements, a Dockerfile, `manage.py` lies in them), and those that the
//! file or a `conftest.py` above it adds to `sys.path`.

use std::{
    cell::{Cell, OnceCell},
    collections::HashMap,
};

use ruff_python_ast::{
    Expr, ExprCall, InterpolatedStringElement, Operator, Stmt,
    visitor::{Visitor, walk_expr, walk_stmt},
};

use super::{
    files::{PATH_BYTES_MAX, folder_of, join, name_of, text_at},
    folders::Folders,
    layout::pytest_path,
    syntax,
    units::{Units, is_within},
};

/// How far names and calls are followed to the path that they make.
const DEPTH_MAX: usize = 16;

/// Folders that one file adds at most: every import that is found nowhere else asks for each.
const ADDED_MAX: usize = 256;

/// How many expressions of one file are looked at for its paths: names that are made of names double what is to be done with each.
const EXPRESSIONS_MAX: u32 = 10_000;

/// The folders of one file, found when they are first asked for.
pub(super) struct OwnPath<'a> {
    known: &'a Folders<'a>,
    units: Units<'a>,
    source: &'a str,
    folders: OnceCell<Vec<String>>,
}

// === impl OwnPath ===

impl<'a> OwnPath<'a> {
    /// Of the file `source` of the project with these units.
    pub(super) const fn of(known: &'a Folders<'a>, units: Units<'a>, source: &'a str) -> Self {
        Self { known, units, source, folders: OnceCell::new() }
    }

    /// The file.
    pub(super) const fn source(&self) -> &'a str {
        self.source
    }

    /// Whether a module of this dotted name lies there.
    pub(super) fn has(&self, name: &str) -> bool {
        self.folders().iter().any(|folder| self.known.has_module(folder, name))
    }

    /// The folders.
    pub(super) fn folders(&self) -> &[String] {
        self.folders.get_or_init(|| self.found())
    }

    /// What the file itself adds.
    pub(super) fn own(&self) -> Vec<String> {
        self.added_by(self.source)
    }

    fn found(&self) -> Vec<String> {
        let mut folders = self.own();
        for unit in self.units.around(self.source) {
            folders.extend([unit.to_owned(), join(unit, "src")]);
            folders.extend(self.known.added_by(unit, || self.tested(unit)).iter().cloned());
        }
        let project = self.units.project;
        let mut folder = folder_of(self.source);
        while folder.len() > project.len() && folder.starts_with(project) {
            folders.extend(self.added_by(&join(folder, "conftest.py")));
            folder = folder_of(folder);
        }
        folders.extend(self.added_by(&join(project, "conftest.py")));
        folders
    }

    /// What a file adds to `sys.path`.
    fn added_by(&self, file: &str) -> Vec<String> {
        self.known.added_by(file, || self.read(file)).to_vec()
    }

    /// The folders in which pytest looks, by the settings of a unit.
    fn tested(&self, unit: &str) -> Vec<String> {
        let named = pytest_path(self.known.files, unit).into_iter().flat_map(|(_, folders)| folders);
        let folders = named.map(|folder| normal(unit, &folder));
        folders.filter(|folder| is_within(folder, self.units.project)).take(ADDED_MAX).collect()
    }

    fn read(&self, file: &str) -> Vec<String> {
        let Some(text) = text_at(self.known.files, file) else { return Vec::new() };
        let mut found = if name_of(file) == "conftest.py" { self.by_pytest(file) } else { Vec::new() };
        if text.contains("sys") {
            found.extend(self.said(file, &text));
        }
        found
    }

    /// The folder in which pytest looks for what a `conftest.py` asks for: the first above it that is no package.
    fn by_pytest(&self, conftest: &str) -> Vec<String> {
        let mut folder = folder_of(conftest);
        while folder.len() > self.units.project.len() && self.known.modules(folder).contains("__init__") {
            folder = folder_of(folder);
        }
        vec![folder.to_owned()]
    }

    /// What the text of a file adds.
    fn said(&self, file: &str, text: &str) -> Vec<String> {
        syntax::with_module(text, |module, _| {
            let mut reader = Reader {
                file,
                project: self.units.project,
                values: HashMap::new(),
                left: Cell::new(EXPRESSIONS_MAX),
                found: Vec::new(),
            };
            reader.visit_body(&module.body);
            reader.found
        })
    }
}

/// A path without `.` and `..`; relative ones are below `folder`.
pub(super) fn normal(folder: &str, path: &str) -> String {
    let whole = if path.starts_with('/') { path.to_owned() } else { join(folder, path) };
    let mut names: Vec<&str> = Vec::new();
    for name in whole.split('/') {
        match name {
            "" | "." => {}
            ".." => drop(names.pop()),
            name => names.push(name),
        }
    }
    let start = if whole.starts_with('/') { "/" } else { "" };
    format!("{start}{}", names.join("/"))
}

/// Reads a module for what it adds to the search path.
struct Reader<'a> {
    file: &'a str,
    project: &'a str,
    values: HashMap<&'a str, &'a Expr>,
    /// How many more expressions are looked at.
    left: Cell<u32>,
    found: Vec<String>,
}

// === impl Reader ===

impl<'a> Reader<'a> {
    fn add(&mut self, folder: &Expr) {
        if self.found.len() >= ADDED_MAX {
            return;
        }
        let Some(path) = self.path(folder, 0) else { return };
        // A relative path is one of wherever it is started: in the project's folder, or beside the file.
        let folders = [normal(self.project, &path), normal(folder_of(self.file), &path)];
        // What lies outside is not for a text of the project to show.
        self.found.extend(folders.into_iter().filter(|folder| is_within(folder, self.project)));
    }

    fn call(&mut self, call: &ExprCall) {
        let arguments = &call.arguments.args;
        match dotted(&call.func).as_str() {
            "sys.path.insert" => arguments.get(1).into_iter().for_each(|folder| self.add(folder)),
            "sys.path.append" | "site.addsitedir" | "addsitedir" => {
                arguments.first().into_iter().for_each(|folder| self.add(folder));
            }
            "sys.path.extend" => arguments.first().into_iter().for_each(|list| self.add_all(list)),
            _ => {}
        }
    }

    fn add_all(&mut self, list: &Expr) {
        let folders = match list {
            Expr::List(list) => &list.elts,
            Expr::Tuple(tuple) => &tuple.elts,
            _ => return,
        };
        folders.iter().for_each(|folder| self.add(folder));
    }

    /// The path that an expression makes; `None` if that cannot be said, or is longer than a path can be.
    fn path(&self, expression: &Expr, depth: usize) -> Option<String> {
        self.left.set(self.left.get().checked_sub(1)?);
        self.text(expression, depth).filter(|text| text.len() <= PATH_BYTES_MAX)
    }

    fn text(&self, expression: &Expr, depth: usize) -> Option<String> {
        let next = |expression: &Expr| self.path(expression, depth + 1);
        if depth > DEPTH_MAX {
            return None;
        }
        match expression {
            Expr::StringLiteral(literal) => Some(literal.value.to_str().to_owned()),
            Expr::Name(name) if name.id == "__file__" => Some(self.file.to_owned()),
            Expr::Name(name) => next(self.values.get(name.id.as_str())?),
            Expr::Attribute(part) if part.attr.as_str() == "parent" => {
                Some(folder_of(&next(&part.value)?).to_owned())
            }
            Expr::Subscript(part) => {
                let parents = part.value.as_attribute_expr().filter(|of| of.attr.as_str() == "parents")?;
                let number = part.slice.as_number_literal_expr()?.value.as_int()?.as_usize()?;
                let start = next(&parents.value)?;
                Some((0..=number.min(DEPTH_MAX)).fold(start.as_str(), |path, _| folder_of(path)).to_owned())
            }
            Expr::BinOp(both) if both.op == Operator::Div => {
                Some(normal(&next(&both.left)?, &next(&both.right)?))
            }
            Expr::BinOp(both) if both.op == Operator::Add => Some(next(&both.left)? + &next(&both.right)?),
            Expr::FString(text) => {
                let part = |element: &InterpolatedStringElement| match element {
                    InterpolatedStringElement::Literal(literal) => Some(literal.value.to_string()),
                    InterpolatedStringElement::Interpolation(value) => next(&value.expression),
                };
                text.value.elements().map(part).collect()
            }
            Expr::Call(call) => self.called(call, depth),
            _ => None,
        }
    }

    fn called(&self, call: &ExprCall, depth: usize) -> Option<String> {
        let path = |expression: &Expr| self.path(expression, depth + 1);
        let arguments = &call.arguments.args;
        let joined = |start: String, rest: &[Expr]| {
            rest.iter().try_fold(start, |start, next| {
                Some(normal(&start, &path(next)?)).filter(|path| path.len() <= PATH_BYTES_MAX)
            })
        };
        let name = dotted(&call.func);
        match name.rsplit('.').next().unwrap_or_default() {
            "getcwd" | "cwd" => Some(self.project.to_owned()),
            "dirname" => Some(folder_of(&path(arguments.first()?)?).to_owned()),
            "abspath" | "realpath" | "normpath" | "str" | "fspath" => path(arguments.first()?),
            "Path" | "PurePath" | "join" => joined(path(arguments.first()?)?, &arguments[1..]),
            "resolve" | "absolute" | "as_posix" | "joinpath" => {
                joined(path(&call.func.as_attribute_expr()?.value)?, arguments)
            }
            _ => None,
        }
    }
}

impl<'a> Visitor<'a> for Reader<'a> {
    fn visit_stmt(&mut self, statement: &'a Stmt) {
        match statement {
            Stmt::Assign(assignment) => {
                for name in assignment.targets.iter().filter_map(Expr::as_name_expr) {
                    self.values.insert(name.id.as_str(), &assignment.value);
                }
            }
            Stmt::AugAssign(more) if dotted(&more.target) == "sys.path" => self.add_all(&more.value),
            _ => {}
        }
        walk_stmt(self, statement);
    }

    fn visit_expr(&mut self, expression: &'a Expr) {
        if let Expr::Call(call) = expression {
            self.call(call);
        }
        walk_expr(self, expression);
    }
}

/// `sys.path.insert` of such an expression; the last name alone of whatever hangs on a call.
fn dotted(expression: &Expr) -> String {
    match expression {
        Expr::Name(name) => name.id.to_string(),
        Expr::Attribute(part) => match dotted(&part.value) {
            before if before.is_empty() => part.attr.to_string(),
            before => format!("{before}.{}", part.attr),
        },
        _ => String::new(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::imports::files::Memory;

    /// What a file of a project adds.
    fn added(text: &str) -> Vec<String> {
        let files = Memory::new([("/p/a.py", text)]);
        let folders = Folders::of(&files);
        let own = OwnPath::of(&folders, Units { project: "/p", folders: &[] }, "/p/a.py");
        own.folders().to_vec()
    }

    #[test]
    fn texts_grow_no_longer_than_paths() {
        let half = "x".repeat(PATH_BYTES_MAX / 2);
        for (value, expected) in [
            (format!("'{half}'"), 2),
            (format!("'{half}' + '{half}'"), 2),
            (format!("'{half}' + '{half}' + 'x'"), 0),
            (format!("os.path.join('{half}', '{half}', '..', 'x')"), 0),
        ] {
            assert_eq!(added(&format!("import os, sys\nsys.path.append({value})\n")).len(), expected);
        }
    }

    #[test]
    fn names_of_names_end() {
        // A name and its value are a step each.
        const DEEPEST: usize = DEPTH_MAX / 2 - 1;
        let mut text = "import sys\na0 = ''\n".to_owned();
        for number in 1..=DEEPEST {
            let before = format!("{{a{}}}", number - 1);
            text += &format!("a{number} = f'{}'\n", before.repeat(30));
        }
        let call = |number: usize| format!("sys.path.append(a{number})\n");
        assert_eq!(added(&format!("{text}{}", call(1))), ["/p", "/p"]);
        assert_eq!(added(&format!("{text}{}", call(DEEPEST))), [""; 0]);
        assert_eq!(added(&format!("{text}{}{}", call(DEEPEST), call(1))), [""; 0], "all is spent");
    }
}
