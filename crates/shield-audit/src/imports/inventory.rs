//! Every module that can be imported, by name and by file.

use std::collections::HashMap;

use serde::Serialize;

use super::{
    files::{Files, folder_of},
    finder::Finder,
    standard::PythonVersion,
};

/// A module of an [`Inventory`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ModuleId(u32);

/// Something that can be imported, or a script that only runs.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Module {
    /// Its dotted name; empty for a script that no search root leads to.
    pub name: Box<str>,
    /// Its file; of a namespace package its first folder.
    pub path: Box<str>,
    /// The file of Python that says what it imports: compiled modules often bring theirs. None of namespaces and mere machine code.
    pub source: Option<Box<str>>,
    /// What it is made of.
    pub shape: Shape,
    /// The package that it lies in, itself for a package; empty at the top.
    pub package: Box<str>,
    /// Whose it is.
    pub home: Home,
}

/// What a module is made of.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Shape {
    /// A folder with `__init__`.
    Package,
    /// Folders without.
    Namespace,
    /// A file of Python.
    Source,
    /// Machine code, or bytecode.
    Extension,
}

/// Whose a module is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Home {
    /// The audited project's.
    Project,
    /// An installed distribution's.
    Site,
}

/// One folder of the search path.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SearchRoot {
    /// The folder.
    pub folder: String,
    /// Whose modules lie there. Every folder of the project comes before every other one.
    pub home: Home,
}

/// A file that can never be imported, because something else has its name.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Shadowed {
    /// What is imported in its place; the standard library's module if there is none.
    pub winner: Option<ModuleId>,
    /// The file.
    pub path: String,
}

/// A folder or file that was not read.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Unread {
    /// Which.
    pub path: String,
    /// Why.
    pub reason: String,
}

/// Every module that can be imported.
#[derive(Debug, Default)]
pub struct Inventory {
    modules: Vec<Module>,
    pub(super) by_name: HashMap<Box<str>, ModuleId>,
    by_path: HashMap<Box<str>, ModuleId>,
    /// Ordered by name, for what lies below a prefix.
    sorted: Vec<ModuleId>,
    /// Files that lost their name to another one, ordered by the one that has it.
    pub shadowed: Vec<Shadowed>,
    /// What could not be listed.
    pub unread: Vec<Unread>,
}

// === impl Inventory ===

impl Inventory {
    /// Walks the search path.
    pub fn read(files: &dyn Files, roots: &[SearchRoot], version: PythonVersion) -> Self {
        let mut inventory = Finder::new(files, roots, version).find();
        inventory.sort();
        inventory
    }

    /// Adds files that no search root leads to, or that another one hides: they can be run, not imported.
    pub fn add_scripts<'a>(&mut self, paths: impl IntoIterator<Item = &'a str>) {
        let mut winners: HashMap<String, ModuleId> = HashMap::new();
        for Shadowed { path, winner } in &self.shadowed {
            if let Some(winner) = winner {
                winners.entry(path.clone()).or_insert(*winner);
            }
        }
        for path in paths {
            if !self.by_path.contains_key(path) {
                let winner = winners.get(path).map(|winner| &self.module(*winner).name);
                let package =
                    winner.and_then(|name| name.rsplit_once('.')).map_or("", |(package, _)| package);
                let package = package.into();
                let id = self.add("", path, Some(path), Shape::Source, Home::Project);
                self.modules[id.index()].package = package;
            }
        }
    }

    /// The project's files that a module hides by having their name.
    pub fn hidden_by(&self, id: ModuleId) -> impl Iterator<Item = ModuleId> {
        let start = self.shadowed.partition_point(|shadowed| shadowed.winner < Some(id));
        let shadowed = self.shadowed[start..].iter().take_while(move |shadowed| shadowed.winner == Some(id));
        shadowed.filter_map(|shadowed| self.at(&shadowed.path)).filter(move |hidden| *hidden != id)
    }

    /// The module of a name, if it can be imported; the standard library's are not in here.
    pub fn find(&self, name: &str) -> Option<ModuleId> {
        self.by_name.get(name).copied()
    }

    /// The module in a file.
    pub fn at(&self, path: &str) -> Option<ModuleId> {
        self.by_path.get(path).copied()
    }

    /// What a module is.
    pub fn module(&self, id: ModuleId) -> &Module {
        &self.modules[id.index()]
    }

    /// Every module, in the order in which they were found.
    pub fn modules(&self) -> impl Iterator<Item = (ModuleId, &Module)> {
        (0..).map(ModuleId).zip(&self.modules)
    }

    /// How many there are.
    pub fn len(&self) -> usize {
        self.modules.len()
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.modules.is_empty()
    }

    /// The modules whose names start with a text, by name.
    pub fn below<'a>(&'a self, prefix: &'a str) -> impl Iterator<Item = ModuleId> + 'a {
        let start = self.sorted.partition_point(|id| &*self.module(*id).name < prefix);
        self.sorted[start..].iter().copied().take_while(move |id| self.module(*id).name.starts_with(prefix))
    }

    /// The package that a module lies in, itself for a package; empty at the top.
    pub fn package_of(&self, id: ModuleId) -> &str {
        &self.module(id).package
    }

    fn sort(&mut self) {
        let mut sorted: Vec<ModuleId> =
            self.modules().filter(|(_, module)| !module.name.is_empty()).map(|(id, _)| id).collect();
        sorted.sort_by(|left, right| self.module(*left).name.cmp(&self.module(*right).name));
        self.sorted = sorted;
        // Links lead to the same file more than once.
        self.shadowed.sort();
        self.shadowed.dedup();
    }

    /// Adds a module, unless its file is one already, and its name, unless that is taken.
    pub(super) fn add(
        &mut self,
        name: &str,
        path: &str,
        source: Option<&str>,
        shape: Shape,
        home: Home,
    ) -> ModuleId {
        let id = *self.by_path.entry(path.into()).or_insert_with(|| {
            let id = ModuleId(
                u32::try_from(self.modules.len()).expect("a walk ends long before four billion modules"),
            );
            let package = match shape {
                Shape::Package | Shape::Namespace => name,
                Shape::Source | Shape::Extension => name.rsplit_once('.').map_or("", |(package, _)| package),
            };
            self.modules.push(Module {
                name: name.into(),
                path: path.into(),
                source: source.map(Into::into),
                shape,
                package: package.into(),
                home,
            });
            id
        });
        if let Some(source) = source {
            self.by_path.entry(source.into()).or_insert(id);
        }
        if !name.is_empty() {
            self.by_name.entry(name.into()).or_insert(id);
        }
        id
    }
}

// === impl Module ===

impl Module {
    /// The folder that its submodules lie in; none where it can have none.
    pub(super) fn folder(&self) -> Option<&str> {
        match self.shape {
            Shape::Package => Some(folder_of(&self.path)),
            Shape::Namespace => Some(&self.path),
            Shape::Source | Shape::Extension => None,
        }
    }
}

// === impl ModuleId ===

impl ModuleId {
    /// Its place among all modules.
    pub const fn index(self) -> usize {
        self.0 as usize
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::imports::files::Memory;

    fn inventory(roots: &[(&str, Home)], files: &[&str]) -> Inventory {
        let files = Memory::new(files.iter().map(|path| (*path, "")));
        let roots: Vec<_> = roots
            .iter()
            .map(|(folder, home)| SearchRoot { folder: (*folder).to_owned(), home: *home })
            .collect();
        Inventory::read(&files, &roots, PythonVersion(11))
    }

    fn path_of<'a>(inventory: &'a Inventory, name: &str) -> &'a str {
        inventory.find(name).map_or("", |id| &inventory.module(id).path)
    }

    #[test]
    fn package_comes_before_module() {
        let found = inventory(&[("", Home::Project)], &["a.py", "a/__init__.py", "a/b.py", "c/d.py", "c.py"]);
        assert_eq!(path_of(&found, "a"), "a/__init__.py");
        assert_eq!(path_of(&found, "a.b"), "a/b.py");
        assert_eq!(path_of(&found, "c"), "c.py", "a folder without __init__ loses");
        assert_eq!(found.find("c.d"), None);
        assert_eq!(found.shadowed, [Shadowed { path: "a.py".to_owned(), winner: found.find("a") }]);
    }

    #[test]
    fn extension_comes_before_source() {
        let found = inventory(
            &[("", Home::Project)],
            &["a.cpython-311-x86_64-linux-gnu.so", "a.py", "b.pyc", "c.abi3.so", "d.pyi"],
        );
        assert_eq!(path_of(&found, "a"), "a.cpython-311-x86_64-linux-gnu.so");
        assert_eq!(path_of(&found, "b"), "b.pyc");
        assert_eq!(path_of(&found, "c"), "c.abi3.so");
        assert_eq!(found.find("d"), None);
    }

    #[test]
    fn compiled_module_keeps_its_source() {
        let found =
            inventory(&[("", Home::Project)], &["a/__init__.cpython-311.so", "a/__init__.py", "a/b.so"]);
        let package = found.module(found.find("a").unwrap());
        assert_eq!(
            (&*package.path, package.source.as_deref()),
            ("a/__init__.cpython-311.so", Some("a/__init__.py"))
        );
        assert_eq!(found.at("a/__init__.py"), found.find("a"));
        assert_eq!(found.module(found.find("a.b").unwrap()).source, None);
    }

    #[test]
    fn namespace_spans_roots_and_loses() {
        let roots = [("p", Home::Project), ("q", Home::Site)];
        let found =
            inventory(&roots, &["p/n/a.py", "q/n/b.py", "p/m/a.py", "q/m/__init__.py", "p/docs/x.txt"]);
        assert_eq!(path_of(&found, "n.a"), "p/n/a.py");
        assert_eq!(path_of(&found, "n.b"), "q/n/b.py");
        assert_eq!(path_of(&found, "m"), "q/m/__init__.py");
        assert_eq!(found.find("m.a"), None);
        assert_eq!(found.find("docs"), None);
    }

    #[test]
    fn first_root_names_a_file() {
        let roots = [("src", Home::Project), ("", Home::Project)];
        let found = inventory(&roots, &["src/__init__.py", "src/a/__init__.py", "src/a/b.py"]);
        assert_eq!(&*found.module(found.find("src.a.b").unwrap()).name, "a.b");
        assert_eq!(found.find("src.a.b"), found.find("a.b"));
        assert_eq!(&*found.module(found.find("src").unwrap()).name, "src");
    }

    #[test]
    fn standard_library_wins_over_installed() {
        let roots = [("p", Home::Project), ("s", Home::Site)];
        let found = inventory(&roots, &["p/json.py", "s/hmac.py", "s/x.py"]);
        assert_eq!(path_of(&found, "json"), "p/json.py");
        assert_eq!(found.find("hmac"), None);
        assert_eq!(found.shadowed, [Shadowed { path: "s/hmac.py".to_owned(), winner: None }]);
    }

    #[test]
    fn prefixes_give_what_lies_below() {
        let found =
            inventory(&[("", Home::Project)], &["a/__init__.py", "a/b_x.py", "a/b_y.py", "a/c.py", "ab.py"]);
        let names = |prefix: &str| {
            found.below(prefix).map(|id| found.module(id).name.to_string()).collect::<Vec<_>>()
        };
        assert_eq!(names("a.b_"), ["a.b_x", "a.b_y"]);
        assert_eq!(names("a."), ["a.b_x", "a.b_y", "a.c"]);
        assert_eq!(names("z"), [""; 0]);
    }
}
