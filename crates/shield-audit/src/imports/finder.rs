//! Every module that can be imported: found by walking the search path once, as CPython's path finder would, without importing anything.
//!
//! In each folder a package (a folder with `__init__`) comes before a module, an extension before a source; a folder without
//! `__init__` is a portion of a namespace package and loses against anything later on the path that is more. A file is one module,
//! even when two search roots give it two names: the first root's name is its own.
//!
//! Links to folders are followed last, so that what lies behind them has its own names already: the link only adds more. Where links go in
//! circles, none is followed back to where another one was left, and all together lead to no more than so many entries.

use std::collections::{BTreeMap, VecDeque};

use super::{
    files::Files,
    inventory::{Home, Inventory, SearchRoot, Shadowed, Shape, Unread},
    portions::{Candidates, Place, Portion},
    standard::{PythonVersion, is_standard},
};

/// Folders deeper than this below a search root are not looked into, and said to be left out.
const DEPTH_MAX: usize = 48;

/// Entries of folders that are looked at behind links: a dozen folders that link to each other have more paths than anybody can walk.
const LINKED_ENTRIES_MAX: usize = 500_000;

/// A walk along the search path.
pub(super) struct Finder<'a> {
    files: &'a dyn Files,
    roots: &'a [SearchRoot],
    version: PythonVersion,
    /// What lies behind links, for when all else has its names.
    later: VecDeque<Later>,
    /// How many entries may still be looked at behind links.
    linked_left: usize,
    found: Inventory,
}

/// A name that is found behind a link.
struct Later {
    name: String,
    winner: Winner,
    losers: Vec<String>,
}

/// What a name is.
enum Winner {
    Package { path: String, source: Option<String>, portion: Portion },
    File { path: String, source: Option<String>, shape: Shape, home: Home },
    Namespace(Vec<Portion>),
}

// === impl Finder ===

impl<'a> Finder<'a> {
    pub(super) fn new(files: &'a dyn Files, roots: &'a [SearchRoot], version: PythonVersion) -> Self {
        let (later, linked_left) = (VecDeque::new(), LINKED_ENTRIES_MAX);
        Self { files, roots, version, later, linked_left, found: Inventory::default() }
    }

    /// Walks to the end.
    pub(super) fn find(mut self) -> Inventory {
        let roots = self.roots.iter();
        let portions: Vec<Portion> =
            roots.filter_map(|root| self.portion(Place::of_root(&root.folder), root.home)).collect();
        self.level("", portions);
        // The shortest names come first.
        while let Some(Later { name, winner, losers }) = self.later.pop_front() {
            self.settle(&name, winner, losers);
        }
        self.found
    }

    fn portion(&mut self, place: Place, home: Home) -> Option<Portion> {
        let behind_link = !place.left.is_empty();
        if behind_link && self.linked_left == 0 {
            return None;
        }
        let entries = match self.files.list(&place.path) {
            Ok(entries) => entries,
            Err(error) => {
                self.found.unread.push(Unread { path: place.path, reason: error.to_string() });
                return None;
            }
        };
        if behind_link {
            self.linked_left = self.linked_left.saturating_sub(entries.len() + 1);
            if self.linked_left == 0 {
                let reason = "links lead to too many folders: not all of their names are known".to_owned();
                self.found.unread.push(Unread { path: place.path.clone(), reason });
            }
        }
        Some(Portion { place, home, entries })
    }

    /// Adds what lies in the portions of one package, and everything below; says whether there was anything.
    fn level(&mut self, prefix: &str, portions: Vec<Portion>) -> bool {
        if prefix.matches('.').count() > DEPTH_MAX {
            let left_out = portions.into_iter().map(|portion| Unread {
                path: portion.place.path,
                reason: format!("more than {DEPTH_MAX} packages deep"),
            });
            self.found.unread.extend(left_out);
            return false;
        }
        let mut names: BTreeMap<String, BTreeMap<usize, Candidates>> = BTreeMap::new();
        for (number, portion) in portions.iter().enumerate() {
            for (name, candidates) in portion.candidates(self.roots) {
                names.entry(name).or_default().insert(number, candidates);
            }
        }
        // What an earlier portion has comes first, so that the earlier root names a file that two roots lead to.
        let mut ordered: Vec<_> = names.into_iter().collect();
        ordered.sort_by_key(|(_, places)| places.keys().next().copied());
        let mut any = false;
        for (name, places) in ordered {
            let full = if prefix.is_empty() { name } else { format!("{prefix}.{name}") };
            let standard = prefix.is_empty() && is_standard(self.version, &full);
            let hidden = |number: &usize| standard && portions[*number].home == Home::Site;
            let (lost, places): (Vec<_>, Vec<_>) = places.into_iter().partition(|(number, _)| hidden(number));
            let lost = lost.into_iter().filter_map(|(_, candidates)| candidates.source);
            self.found.shadowed.extend(lost.map(|path| Shadowed { path, winner: None }));
            any |= self.choose(&full, places, &portions);
        }
        any
    }

    /// Adds what a name stands for.
    fn choose(&mut self, name: &str, places: Vec<(usize, Candidates)>, portions: &[Portion]) -> bool {
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
                && let Some(portion) = self.portion(folder, home)
            {
                linked |= portion.place.left.len() > portions[number].place.left.len();
                match portion.initial() {
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
                self.later.push_back(Later { name: name.to_owned(), winner, losers });
                true
            }
            Some(winner) => self.settle(name, winner, losers),
            None => false,
        }
    }

    /// Adds what won a name, and everything below it.
    fn settle(&mut self, name: &str, winner: Winner, losers: Vec<String>) -> bool {
        let id = match winner {
            Winner::Package { path, source, portion } => {
                let id = self.found.add(name, &path, source.as_deref(), Shape::Package, portion.home);
                self.level(name, vec![portion]);
                id
            }
            Winner::File { path, source, shape, home } => {
                self.found.add(name, &path, source.as_deref(), shape, home)
            }
            Winner::Namespace(found) => {
                let (folder, home) = (found[0].place.path.clone(), found[0].home);
                if !self.level(name, found) {
                    return false;
                }
                self.found.add(name, &folder, None, Shape::Namespace, home)
            }
        };
        self.found.shadowed.extend(losers.into_iter().map(|path| Shadowed { path, winner: Some(id) }));
        true
    }
}

#[cfg(test)]
mod tests {
    use std::{fs, os::unix::fs::symlink, path::Path};

    use super::*;
    use crate::imports::files::Disk;

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
        let finder =
            Finder { linked_left: linked_entries_max, ..Finder::new(&Disk, &roots, PythonVersion(11)) };
        let found = finder.find();
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
        let module = found.module(found.find("out.m").unwrap());
        assert_eq!(&*module.path, project.join("out/m.py").to_str().unwrap());
    }
}
