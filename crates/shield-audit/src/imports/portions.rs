//! What one folder of the search path has for each name.

use std::collections::BTreeMap;

use super::{
    dynamic::identifier,
    files::{Entry, EntryKind, join},
    inventory::{Home, SearchRoot, Shape},
    units::is_within,
};

/// A folder whose entries are the submodules of one package, with its listing.
pub(super) struct Portion {
    pub(super) place: Place,
    pub(super) home: Home,
    pub(super) entries: Vec<Entry>,
}

/// A folder, and how it is come to.
#[derive(Clone)]
pub(super) struct Place {
    /// Its path; without links where what is behind them lies below a search root, since a file has one path.
    pub(super) path: String,
    /// Its path without links.
    real: String,
    /// The folders, without links, in which the links lie that lead here.
    pub(super) left: Vec<String>,
}

/// What one name can be in one folder.
#[derive(Default)]
pub(super) struct Candidates {
    pub(super) folder: Option<Place>,
    extension: Option<String>,
    pub(super) source: Option<String>,
    bytecode: Option<String>,
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

// === impl Portion ===

impl Portion {
    /// The `__init__` of the folder: the file that is imported, and its source.
    pub(super) fn initial(&self) -> Option<(String, Option<String>)> {
        let files = self.entries.iter().filter(|entry| entry.kind == EntryKind::File);
        let inits = files.filter_map(|entry| {
            module_file(&entry.name)
                .filter(|(stem, _)| *stem == "__init__")
                .map(|(_, shape)| (shape, &entry.name))
        });
        let mut found: Vec<_> = inits.collect();
        found.sort();
        let path = |(_, name): &(Shape, &String)| join(&self.place.path, name);
        let source = found.iter().find(|(shape, _)| *shape == Shape::Source).map(path);
        Some((path(found.last()?), source))
    }

    /// What each name can be.
    pub(super) fn candidates(&self, roots: &[SearchRoot]) -> BTreeMap<String, Candidates> {
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
    pub(super) fn of_root(folder: &str) -> Self {
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
    pub(super) fn file(&self) -> Option<(String, Shape)> {
        let extension = self.extension.clone().map(|path| (path, Shape::Extension));
        let source = self.source.clone().map(|path| (path, Shape::Source));
        extension.or(source).or_else(|| self.bytecode.clone().map(|path| (path, Shape::Extension)))
    }
}
