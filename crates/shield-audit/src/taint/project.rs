//! The project's files, and which of them an import means.

use ruff_python_ast::{self as ast, Stmt};
use ruff_python_stdlib::sys::is_known_standard_library;
use rustc_hash::{FxHashMap, FxHashSet};

use super::{
    importers::Frameworks,
    kept::Kept,
    modelled::{self, Modelled},
    models::Models,
    registered::Registrations,
    tables::LIBRARIES,
};
use crate::python::Module;

/// Version of the interpreter whose modules are meant: 3.x.
const PYTHON_MINOR: u8 = 14;

/// The files of a project that are followed.
#[derive(Debug)]
pub(super) struct Project<'a> {
    pub(super) files: Vec<File<'a>>,
    /// What is said elsewhere than at a function of who calls it.
    pub(super) registered: Registrations<'a>,
    modules: Modules,
    /// What rule files say of functions.
    pub(super) models: &'a Models,
    /// Functions and classes of the project that models are about: where each begins, with a name of its model.
    pub(super) modelled: FxHashMap<(u32, u32), Modelled>,
    /// What functions left where others find it.
    pub(super) kept: Kept<'a>,
}

/// One file.
#[derive(Debug)]
pub(super) struct File<'a> {
    pub(super) path: &'a str,
    pub(super) module: Module<'a>,
    /// The frameworks it has to do with.
    pub(super) frameworks: Frameworks,
    /// Its dotted name from the folder that is audited.
    name: String,
}

/// Which file a dotted name means.
#[derive(Debug, Default)]
pub(super) struct Modules {
    files: FxHashMap<String, u32>,
    /// Names that modules lie below.
    packages: FxHashSet<String>,
}

/// What a dotted name means in the project.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Meaning {
    File(u32),
    /// A folder without a file of its own.
    Package,
}

// === impl Modules ===

impl Modules {
    /// Names each of the files as an import could: from the audited folder, or from a folder in it; one that is no package
    /// first.
    pub(super) fn of<'p>(paths: impl Iterator<Item = &'p str> + Clone) -> Self {
        let packages: FxHashSet<&str> =
            paths.clone().filter_map(|path| path.strip_suffix("/__init__.py")).collect();
        let mut modules = Self::default();
        // Names from the audited folder count before those from folders in it.
        let mut inner = Vec::new();
        for (index, path) in paths.enumerate() {
            let index = u32::try_from(index).unwrap_or(u32::MAX);
            let whole = stem(path);
            modules.add(&whole.replace('/', "."), index);
            let mut within = false;
            for (at, _) in whole.match_indices('/') {
                within |= packages.contains(&whole[..at]);
                let name = whole[at + 1..].replace('/', ".");
                // `src` may be a package by mistake and a folder of packages all the same.
                if !within || name.contains('.') {
                    inner.push((within, at, name, index));
                }
            }
        }
        inner.sort();
        for (_, _, name, index) in inner {
            let top = name.split('.').next().unwrap_or(&name);
            if !is_known_standard_library(PYTHON_MINOR, top) && !LIBRARIES.contains(&top) {
                modules.add(&name, index);
            }
        }
        modules
    }

    fn add(&mut self, name: &str, index: u32) {
        self.files.entry(name.to_owned()).or_insert(index);
        let mut rest = name;
        while let Some((above, _)) = rest.rsplit_once('.') {
            if !self.packages.insert(above.to_owned()) {
                break;
            }
            rest = above;
        }
    }

    /// What a dotted name means.
    pub(super) fn meaning(&self, name: &str) -> Option<Meaning> {
        match self.files.get(name) {
            Some(&index) => Some(Meaning::File(index)),
            None => self.packages.contains(name).then_some(Meaning::Package),
        }
    }
}

// === impl Project ===

impl<'a> Project<'a> {
    pub(super) fn new(files: Vec<(&'a str, Module<'a>)>, models: &'a Models) -> Self {
        let modules = Modules::of(files.iter().map(|(path, _)| *path));
        let files = files
            .into_iter()
            .map(|(path, module)| {
                let name = stem(path).replace('/', ".");
                File { path, module, frameworks: Frameworks::default(), name }
            })
            .collect();
        let registered = Registrations::new();
        let modelled = FxHashMap::default();
        let mut project = Self { files, registered, modules, models, modelled, kept: Kept::default() };
        project.modelled = modelled::of(&project);
        project
    }

    pub(super) fn file(&self, index: u32) -> &File<'a> {
        &self.files[index as usize]
    }

    pub(super) fn meaning(&self, name: &str) -> Option<Meaning> {
        self.modules.meaning(name)
    }

    /// The whole name of a module that is imported with dots before it.
    pub(super) fn absolute(&self, file: u32, module: &str, level: u32) -> String {
        absolute(&self.file(file).name, self.file(file).path, module, level)
    }
}

/// The whole name of a module that a file of this name imports with dots before it.
pub(super) fn absolute(name: &str, path: &str, module: &str, level: u32) -> String {
    if level == 0 {
        return module.to_owned();
    }
    let mut base = name;
    let up = if path.ends_with("__init__.py") { level - 1 } else { level };
    for _ in 0..up {
        base = base.rsplit_once('.').map_or("", |(above, _)| above);
    }
    match (base.is_empty(), module.is_empty()) {
        (true, _) => module.to_owned(),
        (false, true) => base.to_owned(),
        (false, false) => format!("{base}.{module}"),
    }
}

/// A path without what makes it a file of Python.
pub(super) fn stem(path: &str) -> &str {
    let path = path.strip_suffix(".py").unwrap_or(path);
    path.strip_suffix("/__init__").unwrap_or(path)
}

/// Every function of a list of statements, with the class around it; those in functions too.
pub(super) fn functions<'a>(
    body: &'a [Stmt],
    class: Option<&'a ast::StmtClassDef>,
    into: &mut Vec<(&'a ast::StmtFunctionDef, Option<&'a ast::StmtClassDef>)>,
) {
    for stmt in body {
        match stmt {
            Stmt::FunctionDef(function) => {
                into.push((function, class));
                functions(&function.body, None, into);
            }
            Stmt::ClassDef(inner) => functions(&inner.body, Some(inner), into),
            Stmt::If(stmt) => {
                functions(&stmt.body, class, into);
                stmt.elif_else_clauses.iter().for_each(|clause| functions(&clause.body, class, into));
            }
            Stmt::Try(stmt) => {
                functions(&stmt.body, class, into);
                functions(&stmt.orelse, class, into);
                functions(&stmt.finalbody, class, into);
                for handler in &stmt.handlers {
                    let ast::ExceptHandler::ExceptHandler(handler) = handler;
                    functions(&handler.body, class, into);
                }
            }
            Stmt::With(stmt) => functions(&stmt.body, class, into),
            Stmt::For(stmt) => functions(&stmt.body, class, into),
            Stmt::While(stmt) => functions(&stmt.body, class, into),
            _ => {}
        }
    }
}
