//! Every module that can be imported: found by walking the search path once, as CPython's path finder would, without importing anything.
//!
//! In each folder a package (a folder with `__init__`) comes before a module, an extension before a source; a folder without
//! `__init__` is a portion of a namespace package and loses against anything later on the path that is more. A file is one module,
//! even when two search roots give it two names: the first root's name is its own.
//!
//! Links to folders are followed last, so that what lies behind them has its own names already: the link only adds more. Where links go in
//! circles, none is followed back to where another one was left, and all together lead to no more than so many entries.

use std::collections::{BTreeMap, HashMap, VecDeque};

use serde::Serialize;

use super::{
    dynamic::identifier,
    files::{Entry, EntryKind, Files, folder_of, join},
    standard::{PythonVersion, is_standard},
    units::is_within,
};

/// Folders deeper than this below a search root are not looked into, and said to be left out.
const DEPTH_MAX: usize = 48;

/// Entries of folders that are looked at behind links: a dozen folders that link to each other have more paths than anybody can walk.
const LINKED_ENTRIES_MAX: usize = 500_000;

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
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Shadowed {
    /// The file.
    pub path: String,
    /// What is imported in its place; the standard library's module if there is none.
    pub winner: Option<ModuleId>,
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
    by_name: HashMap<Box<str>, ModuleId>,
    by_path: HashMap<Box<str>, ModuleId>,
    /// Ordered by name, for what lies below a prefix.
    sorted: Vec<ModuleId>,
    /// Files that lost their name to another one.
    pub shadowed: Vec<Shadowed>,
    /// What could not be listed.
    pub unread: Vec<Unread>,
}

/// A folder whose entries are the submodules of one package, with its listing.
struct Portion {
    place: Place,
    home: Home,
    entries: Vec<Entry>,
}

/// A folder, and how it is come to.
#[derive(Clone)]
struct Place {
    /// Its path; without links where what is behind them lies below a search root, since a file has one path.
    path: String,
    /// Its path without links.
    real: String,
    /// The folders, without links, in which the links lie that lead here.
    left: Vec<String>,
}

/// What a walk needs to know everywhere.
struct Walk<'a> {
    files: &'a dyn Files,
    roots: &'a [SearchRoot],
    version: PythonVersion,
    /// What lies behind links, for when all else has its names.
    later: VecDeque<Later>,
    /// How many entries may still be looked at behind links.
    linked_left: usize,
}

/// A name that is found behind a link.
struct Later {
    name: String,
    winner: Winner,
    losers: Vec<String>,
}

/// What one name can be in one folder.
#[derive(Default)]
struct Candidates {
    folder: Option<Place>,
    extension: Option<String>,
    source: Option<String>,
    bytecode: Option<String>,
}

/// What a name is.
enum Winner {
    Package { path: String, source: Option<String>, portion: Portion },
    File { path: String, source: Option<String>, shape: Shape, home: Home },
    Namespace(Vec<Portion>),
}

/// The name of the module in a file, and what it is made of.
fn module_file(name: &str) -> Option<(&str, Shape)> {
    let (stem, rest) = name.split_once('.')?;
    let shape = match rest {
        "py" => Shape::Source,
        _ if rest.ends_with("so") || rest.ends_with("pyd") || rest == "pyc" => Shape::Extension,
        _ => return None,
    };
    // Compiled modules can have names that no statement could say: other machine code imports them.
    let named = identifier(stem)
        || (shape == Shape::Extension && stem.chars().all(|next| next == '_' || next.is_alphanumeric()));
    named.then_some((stem, shape))
}

/// The `__init__` of a folder: the file that is imported, and its source.
fn initial(portion: &Portion) -> Option<(String, Option<String>)> {
    let files = portion.entries.iter().filter(|entry| entry.kind == EntryKind::File);
    let inits = files.filter_map(|entry| {
        module_file(&entry.name)
            .filter(|(stem, _)| *stem == "__init__")
            .map(|(_, shape)| (shape, &entry.name))
    });
    let mut found: Vec<_> = inits.collect();
    found.sort();
    let path = |(_, name): &(Shape, &String)| join(&portion.place.path, name);
    let source = found.iter().find(|(shape, _)| *shape == Shape::Source).map(path);
    Some((path(found.last()?), source))
}

// === impl Inventory ===

impl Inventory {
    /// Walks the search path.
    pub fn read(files: &dyn Files, roots: &[SearchRoot], version: PythonVersion) -> Self {
        Self::read_within(files, roots, version, LINKED_ENTRIES_MAX)
    }

    fn read_within(
        files: &dyn Files,
        roots: &[SearchRoot],
        version: PythonVersion,
        linked_entries_max: usize,
    ) -> Self {
        let mut inventory = Self::default();
        let mut walk =
            Walk { files, roots, version, later: VecDeque::new(), linked_left: linked_entries_max };
        let portions: Vec<Portion> = roots
            .iter()
            .filter_map(|root| inventory.portion(&mut walk, Place::of_root(&root.folder), root.home))
            .collect();
        inventory.level(&mut walk, "", portions);
        // The shortest names come first.
        while let Some(Later { name, winner, losers }) = walk.later.pop_front() {
            inventory.settle(&mut walk, &name, winner, losers);
        }
        inventory.sort();
        inventory
    }

    /// Adds files that no search root leads to, or that another one hides: they can be run, not imported.
    pub fn add_scripts<'a>(&mut self, paths: impl IntoIterator<Item = &'a str>) {
        for path in paths {
            if !self.by_path.contains_key(path) {
                let winner = self
                    .shadowed
                    .iter()
                    .find(|shadowed| shadowed.path == path)
                    .and_then(|shadowed| shadowed.winner);
                let package = winner
                    .and_then(|winner| Some(self.module(winner).name.rsplit_once('.')?.0.to_owned()))
                    .unwrap_or_default();
                let id = self.add("", path, Some(path), Shape::Source, Home::Project);
                self.modules[id.index()].package = package.into();
            }
        }
    }

    /// The project's files that a module hides by having their name.
    pub fn hidden_by(&self, id: ModuleId) -> impl Iterator<Item = ModuleId> {
        self.shadowed
            .iter()
            .filter(move |shadowed| shadowed.winner == Some(id))
            .filter_map(|shadowed| self.at(&shadowed.path))
            .filter(move |hidden| *hidden != id)
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
    }

    fn portion(&mut self, walk: &mut Walk<'_>, place: Place, home: Home) -> Option<Portion> {
        let behind_link = !place.left.is_empty();
        if behind_link && walk.linked_left == 0 {
            return None;
        }
        let entries = match walk.files.list(&place.path) {
            Ok(entries) => entries,
            Err(error) => {
                self.unread.push(Unread { path: place.path, reason: error.to_string() });
                return None;
            }
        };
        if behind_link {
            walk.linked_left = walk.linked_left.saturating_sub(entries.len() + 1);
            if walk.linked_left == 0 {
                let reason = "links lead to too many folders: not all of their names are known".to_owned();
                self.unread.push(Unread { path: place.path.clone(), reason });
            }
        }
        Some(Portion { place, home, entries })
    }

    fn add(&mut self, name: &str, path: &str, source: Option<&str>, shape: Shape, home: Home) -> ModuleId {
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

    /// Adds what lies in the portions of one package, and everything below; says whether there was anything.
    fn level(&mut self, walk: &mut Walk<'_>, prefix: &str, portions: Vec<Portion>) -> bool {
        if prefix.matches('.').count() > DEPTH_MAX {
            let left_out = portions.into_iter().map(|portion| Unread {
                path: portion.place.path,
                reason: format!("more than {DEPTH_MAX} packages deep"),
            });
            self.unread.extend(left_out);
            return false;
        }
        let mut names: BTreeMap<String, BTreeMap<usize, Candidates>> = BTreeMap::new();
        for (number, portion) in portions.iter().enumerate() {
            for (name, candidates) in portion.candidates(walk.roots) {
                names.entry(name).or_default().insert(number, candidates);
            }
        }
        // What an earlier portion has comes first, so that the earlier root names a file that two roots lead to.
        let mut ordered: Vec<_> = names.into_iter().collect();
        ordered.sort_by_key(|(_, places)| places.keys().next().copied());
        let mut any = false;
        for (name, places) in ordered {
            let full = if prefix.is_empty() { name } else { format!("{prefix}.{name}") };
            let standard = prefix.is_empty() && is_standard(walk.version, &full);
            let hidden = |number: &usize| standard && portions[*number].home == Home::Site;
            let (lost, places): (Vec<_>, Vec<_>) = places.into_iter().partition(|(number, _)| hidden(number));
            let lost = lost.into_iter().filter_map(|(_, candidates)| candidates.source);
            self.shadowed.extend(lost.map(|path| Shadowed { path, winner: None }));
            any |= self.choose(walk, &full, places, &portions);
        }
        any
    }

    /// Adds what a name stands for.
    fn choose(
        &mut self,
        walk: &mut Walk<'_>,
        name: &str,
        places: Vec<(usize, Candidates)>,
        portions: &[Portion],
    ) -> bool {
        let mut namespace = Vec::new();
        let mut winner = None;
        let (mut losers, mut linked) = (Vec::new(), false);
        for (number, candidates) in places {
            let home = portions[number].home;
            if winner.is_some() {
                if home == Home::Project {
                    losers.extend(candidates.source);
                }
                continue;
            }
            let file = candidates.file();
            if let Some(folder) = candidates.folder
                && let Some(portion) = self.portion(walk, folder, home)
            {
                linked |= portion.place.left.len() > portions[number].place.left.len();
                match initial(&portion) {
                    Some((path, source)) => winner = Some(Winner::Package { path, source, portion }),
                    None if file.is_none() => namespace.push(portion),
                    None => {}
                }
            }
            match (&winner, file) {
                (Some(_), Some(_)) => losers.extend(candidates.source),
                (None, Some((path, shape))) => {
                    winner = Some(Winner::File { path, source: candidates.source, shape, home })
                }
                _ => {}
            }
        }
        match winner.or_else(|| (!namespace.is_empty()).then_some(Winner::Namespace(namespace))) {
            Some(winner) if linked => {
                walk.later.push_back(Later { name: name.to_owned(), winner, losers });
                true
            }
            Some(winner) => self.settle(walk, name, winner, losers),
            None => false,
        }
    }

    /// Adds what won a name, and everything below it.
    fn settle(&mut self, walk: &mut Walk<'_>, name: &str, winner: Winner, losers: Vec<String>) -> bool {
        let id = match winner {
            Winner::Package { path, source, portion } => {
                let id = self.add(name, &path, source.as_deref(), Shape::Package, portion.home);
                self.level(walk, name, vec![portion]);
                id
            }
            Winner::File { path, source, shape, home } => {
                self.add(name, &path, source.as_deref(), shape, home)
            }
            Winner::Namespace(found) => {
                let (folder, home) = (found[0].place.path.clone(), found[0].home);
                if !self.level(walk, name, found) {
                    return false;
                }
                self.add(name, &folder, None, Shape::Namespace, home)
            }
        };
        let lost = losers.into_iter().map(|path| Shadowed { path, winner: Some(id) });
        let lost: Vec<Shadowed> = lost.filter(|lost| !self.shadowed.contains(lost)).collect();
        self.shadowed.extend(lost);
        true
    }
}

// === impl Portion ===

impl Portion {
    fn candidates(&self, roots: &[SearchRoot]) -> BTreeMap<String, Candidates> {
        let mut names: BTreeMap<String, Candidates> = BTreeMap::new();
        for entry in &self.entries {
            let path = join(&self.place.path, &entry.name);
            match entry.kind {
                EntryKind::Folder
                    if identifier(&entry.name)
                        && !matches!(entry.name.as_str(), "__pycache__" | "node_modules") =>
                {
                    let Some(place) = self.place.below(entry, roots) else { continue };
                    names.entry(entry.name.clone()).or_default().folder = Some(place);
                }
                EntryKind::File => {
                    let Some((stem, shape)) = module_file(&entry.name) else { continue };
                    if stem == "__init__" {
                        continue;
                    }
                    let candidates = names.entry(stem.to_owned()).or_default();
                    let place = match shape {
                        Shape::Source => &mut candidates.source,
                        _ if entry.name.ends_with(".pyc") => &mut candidates.bytecode,
                        _ => &mut candidates.extension,
                    };
                    place.get_or_insert(path);
                }
                EntryKind::Folder => {}
            }
        }
        names
    }
}

// === impl Place ===

impl Place {
    fn of_root(folder: &str) -> Self {
        Self { path: folder.to_owned(), real: folder.to_owned(), left: Vec::new() }
    }

    /// A folder in this one; none behind a link that leads to where another one was left.
    fn below(&self, entry: &Entry, roots: &[SearchRoot]) -> Option<Self> {
        let path = join(&self.path, &entry.name);
        let mut left = self.left.clone();
        let Some(target) = &entry.link else {
            return Some(Self { path, real: join(&self.real, &entry.name), left });
        };
        left.push(self.real.clone());
        if left.iter().any(|folder| is_within(folder, target)) {
            return None;
        }
        let known = roots.iter().any(|root| is_within(target, &root.folder));
        Some(Self { path: if known { target.clone() } else { path }, real: target.clone(), left })
    }
}

// === impl Candidates ===

impl Candidates {
    /// The file that is imported if no folder is.
    fn file(&self) -> Option<(String, Shape)> {
        let extension = self.extension.clone().map(|path| (path, Shape::Extension));
        let source = self.source.clone().map(|path| (path, Shape::Source));
        extension.or(source).or_else(|| self.bytecode.clone().map(|path| (path, Shape::Extension)))
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
    use std::{fs, os::unix::fs::symlink, path::Path};

    use super::*;
    use crate::imports::files::{Disk, Memory};

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

    /// Folders of one file each, in each of them links to all others.
    fn entangled(project: &Path, names: &[&str]) {
        for name in names {
            fs::create_dir(project.join(name)).unwrap();
            fs::write(project.join(name).join("m.py"), "").unwrap();
            for other in names.iter().filter(|other| *other != name) {
                symlink(format!("../{other}"), project.join(name).join(other)).unwrap();
            }
        }
    }

    /// The modules with files below a folder on disk, and what was not read.
    fn on_disk(project: &Path, linked_entries_max: usize) -> (Inventory, Vec<String>) {
        let folder = project.to_str().unwrap().to_owned();
        let roots = [SearchRoot { folder, home: Home::Project }];
        let found = Inventory::read_within(&Disk, &roots, PythonVersion(11), linked_entries_max);
        let files = found.modules().map(|(_, module)| module).filter(|module| module.source.is_some());
        let names = files.map(|module| module.name.to_string()).collect();
        (found, names)
    }

    #[test]
    fn links_only_add_names() {
        let folder = tempfile::tempdir().unwrap();
        let project = fs::canonicalize(folder.path()).unwrap();
        entangled(&project, &["a", "b", "c"]);
        let (found, names) = on_disk(&project, 100);
        assert_eq!(names, ["a.m", "b.m", "c.m"], "one module for each file, by its own name");
        assert_eq!(found.find("a.b.c.m"), found.find("c.m"));
        assert_eq!(found.find("a.b.a.m"), None, "nobody writes that");
        assert_eq!(found.unread, []);
    }

    #[test]
    fn links_are_followed_so_far() {
        let folder = tempfile::tempdir().unwrap();
        let project = fs::canonicalize(folder.path()).unwrap();
        entangled(&project, &["a", "b", "c", "d", "e", "f", "g", "h"]);
        let (found, names) = on_disk(&project, 1000);
        assert_eq!(names.len(), 8);
        assert_eq!(found.unread.len(), 1, "said once");
        assert_eq!(found.find("a.b.m"), found.find("b.m"), "the short names come first");
        assert!(found.by_name.len() < 2000);
    }

    #[test]
    fn folder_outside_keeps_the_name_of_its_link() {
        let (folder, outside) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
        let project = fs::canonicalize(folder.path()).unwrap();
        fs::write(outside.path().join("m.py"), "").unwrap();
        symlink(outside.path(), project.join("out")).unwrap();
        let (found, _) = on_disk(&project, 100);
        assert_eq!(path_of(&found, "out.m"), project.join("out/m.py").to_str().unwrap());
    }
}
