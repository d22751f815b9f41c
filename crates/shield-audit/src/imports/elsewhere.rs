//! Modules that are found where a program runs, though not where the whole project would look for them.

use std::collections::{BTreeSet, HashMap};

use super::{
    dynamic::dotted,
    environment::search_folders,
    facts::What,
    files::{folder_of, join, name_of},
    inventory::ModuleId,
    left_out::LeftOut,
    own_path::OwnPath,
    relocate::top_of,
    started::started_folders,
    survey::{Surveyor, is_absolute},
    units::lies_in,
};

// === impl Surveyor ===

impl Surveyor<'_> {
    /// Whether a module that is not on the project's search path is on the importer's own one, or is not for git to have.
    pub(super) fn is_elsewhere(&self, own_path: &OwnPath<'_>, what: &What, name: &str) -> bool {
        is_absolute(what)
            && (own_path.has(name) || self.is_brought(name) || self.is_beside_start(own_path, name))
            || self.is_left_out(name, own_path)
    }

    /// Whether a file finds such a module where a program is started that it is a part of.
    fn is_beside_start(&self, own_path: &OwnPath<'_>, name: &str) -> bool {
        let started = self.started.get_or_init(|| {
            started_folders(&self.folders, self.units, &self.layout.starters, &self.layout.sources)
        });
        let mut around = started.iter().filter(|folder| lies_in(own_path.source(), folder));
        around.any(|folder| self.folders.has_module(folder, name))
    }

    /// The search path of a module's own file.
    pub(super) fn own_path(&self, importer: ModuleId) -> OwnPath<'_> {
        let source = self.library.inventory.module(importer).source.as_deref().unwrap_or_default();
        OwnPath::of(&self.folders, self.units, source)
    }

    /// Whether a module of this name is on the search path that containers, environments and distributions of the project make.
    fn is_brought(&self, name: &str) -> bool {
        let files = self.library.files();
        let named = self.named.get_or_init(|| {
            let mut named = search_folders(files, self.units.project, &self.layout.starters);
            named.extend(self.units.brought(files));
            let mut by_module: HashMap<String, Vec<String>> = HashMap::new();
            for folder in named.into_iter().collect::<BTreeSet<_>>() {
                for module in &*self.folders.modules(&folder) {
                    by_module.entry(module.clone()).or_default().push(folder.clone());
                }
            }
            by_module
        });
        let folders = named.get(top_of(name)).into_iter().flatten();
        folders.into_iter().any(|folder| self.folders.has_module(folder, name))
    }

    /// Whether each machine makes such a module for itself.
    fn is_left_out(&self, name: &str, own_path: &OwnPath<'_>) -> bool {
        // What a call is given may be any text.
        if !dotted(name) {
            return false;
        }
        let roots = self.layout.roots.iter().map(|root| &root.folder).chain(own_path.folders());
        let below = name.replace('.', "/");
        roots.into_iter().any(|root| self.is_made_later(&join(root, &below)))
    }

    /// Whether a module without a file of Python lies at a path all the same: git leaves its file out, it is compiled where the project is
    /// built, or only type checkers read it.
    pub(super) fn is_made_later(&self, path: &str) -> bool {
        self.left_out().has_module(path) || self.folders.makes(folder_of(path), name_of(path))
    }

    pub(super) fn left_out(&self) -> &LeftOut {
        self.left_out.get_or_init(|| LeftOut::read(self.library.files(), &self.layout.ignores))
    }
}
