//! From what an import says to the module it means, seen from where it stands.

use super::{
    dynamic::dotted,
    files::join,
    inventory::{Home, Inventory, ModuleId, Shape},
    standard::{PythonVersion, is_standard},
};

/// Parents of a module that are looked for: a name with more of them is no module's.
const PARENTS_MAX: usize = 64;

/// What an import means.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Found {
    /// This module.
    Module(ModuleId),
    /// A module of the standard library; which of its submodules there are is not known here.
    Standard,
    /// There is none.
    Missing(Missing),
}

/// A module that is not there.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Missing {
    /// Its absolute name.
    pub name: String,
    /// The deepest of its parents that is there.
    pub deepest: Option<ModuleId>,
}

/// Finds modules.
#[derive(Clone, Copy)]
pub struct Resolver<'a> {
    /// Where they are looked for.
    pub inventory: &'a Inventory,
    /// Whose standard library counts.
    pub version: PythonVersion,
}

// === impl Resolver ===

impl<'a> Resolver<'a> {
    /// The absolute name that `importer` means by a number of dots and a name; none if the dots lead out of its top-level package.
    pub fn absolute(self, importer: ModuleId, level: u32, name: &str) -> Option<String> {
        if level == 0 {
            return Some(name.to_owned());
        }
        let mut package = self.inventory.package_of(importer);
        for _ in 1..level {
            package = package.rsplit_once('.')?.0;
        }
        match (package, name) {
            ("", _) => None,
            (_, "") => Some(package.to_owned()),
            _ => Some(format!("{package}.{name}")),
        }
    }

    /// What an absolute name means to `importer`.
    pub fn find(self, importer: ModuleId, name: &str) -> Found {
        // What was started, whichever file that is.
        if name == "__main__" {
            return Found::Standard;
        }
        if let Some(found) = self.inventory.find(name) {
            return Found::Module(found);
        }
        let top = name.split('.').next().unwrap_or(name);
        let known = self.inventory.find(top);
        if known.is_none() && is_standard(self.version, top) {
            return Found::Standard;
        }
        if known.is_none()
            && let Some(beside) = self.beside(importer, name)
        {
            return Found::Module(beside);
        }
        Found::Missing(Missing { name: name.to_owned(), deepest: self.parents(name).last() })
    }

    /// Every parent of a module, outermost first: they are imported before it.
    pub fn parents(self, name: &str) -> impl Iterator<Item = ModuleId> + use<'a, '_> {
        let ends = name.match_indices('.').take(PARENTS_MAX);
        ends.filter_map(move |(at, _)| self.inventory.find(&name[..at]))
    }

    /// A module in the folder of a script: Python puts that folder first on the path, and so does pytest for a folder without `__init__`.
    fn beside(self, importer: ModuleId, name: &str) -> Option<ModuleId> {
        let module = self.inventory.module(importer);
        let package = self.inventory.package_of(importer);
        let packaged = self
            .inventory
            .find(package)
            .is_some_and(|package| self.inventory.module(package).shape == Shape::Package);
        if module.home != Home::Project || packaged || !dotted(name) {
            return None;
        }
        let folder = super::files::folder_of(&module.path);
        let path = join(folder, &name.replace('.', "/"));
        self.inventory.at(&format!("{path}.py")).or_else(|| self.inventory.at(&join(&path, "__init__.py")))
    }
}
