//! Whether a name that is written in place of another needs no tests to judge it.

use rustc_hash::FxHashSet;

use super::{
    broken::Cause,
    inventory::{Home, ModuleId, Shape},
    relocate::top_of,
    resolve::Found,
    survey::{Surveyor, is_absolute},
};

// === impl Surveyor ===

impl Surveyor<'_> {
    /// Whether nothing but the project's module can be meant by a name; else tests must judge what is written in its place.
    pub(crate) fn is_sure(&self, name: &str) -> bool {
        let top = top_of(name);
        self.library.inventory.find(top).is_some() || self.strangers().surely_lies_inside(top)
    }

    /// The same for the module that an import asks for, which must run wherever the importer does.
    pub(crate) fn is_sure_of(&self, importer: ModuleId, import: usize) -> bool {
        let import = self.library.facts(importer).and_then(|facts| facts.imports.get(import));
        let Some((import, (name, Found::Missing(_)))) =
            import.and_then(|import| Some((import, self.meant(importer, &import.what)?)))
        else {
            return true;
        };
        let together = match self.missing(importer, import, &name) {
            Cause::Renamed { to } | Cause::FromInside { to } => {
                let path = |id| &*self.library.inventory.module(id).path;
                let used = self.is_used(&to);
                let to = self.library.inventory.find(&to);
                used && to.is_some_and(|to| self.units.shows(path(to), path(importer)))
            }
            _ => true,
        };
        together && self.is_sure(&name)
    }

    /// Whether a module's name, as the whole project sees it, is one that programs use: where the outermost folder is no package, they may
    /// be started below it.
    fn is_used(&self, name: &str) -> bool {
        let inventory = self.library.inventory;
        let top = top_of(name);
        let packaged =
            || inventory.find(top).is_some_and(|id| inventory.module(id).shape != Shape::Namespace);
        packaged() || self.used.get_or_init(|| self.used_tops()).contains(top)
    }

    fn used_tops(&self) -> FxHashSet<String> {
        let inventory = self.library.inventory;
        let ours = inventory.modules().filter(|(_, module)| module.home == Home::Project);
        let imports = ours.flat_map(|(id, _)| {
            let facts = self.library.facts(id).into_iter();
            facts.flat_map(move |facts| facts.imports.iter().map(move |import| (id, import)))
        });
        let found = imports.filter(|(_, import)| is_absolute(&import.what)).filter_map(|(id, import)| {
            let (name, found) = self.meant(id, &import.what)?;
            matches!(found, Found::Module(_)).then(|| top_of(&name).to_owned())
        });
        found.collect()
    }
}
