//! Whether a top-level name that is no module of the project can mean one of its modules nevertheless.
//!
//! A package that nobody installed looks exactly like a package of the project under another name: `django.urls` is not `shop.urls`. One
//! import tells nothing; all that the project asks for below the same top-level name does. The inside of a package is meant where most of the modules
//! that are asked for lie in it. A package was renamed as a whole: where one module that is asked for below the old name is not below the new one, or
//! lacks a name, the old name is a stranger's.

use std::collections::{BTreeMap, BTreeSet};

use super::{
    facts::{Import, What, When},
    inventory::Home,
    library::Library,
    relocate::{Homes, Serves, Wanted, top_of},
    resolve::Found,
};

/// What the project asks for below one top-level name.
#[derive(Debug, Default)]
struct Kin {
    modules: BTreeMap<String, Lies>,
    /// What was found inside of a package: the module, and the name.
    witnesses: BTreeSet<(String, String)>,
    /// The packages that have under their names what is asked for under the old one.
    packages: BTreeSet<String>,
}

/// Where one module that is asked for lies.
#[derive(Debug, Default)]
struct Lies {
    inside: bool,
    /// Whether some import asks for what no module below another package has.
    astray: bool,
}

/// What the project asks for below top-level names that it does not have.
#[derive(Debug, Default)]
pub(super) struct Strangers(BTreeMap<String, Kin>);

// === impl Strangers ===

impl Strangers {
    /// Over all imports and mentions of the project.
    pub(super) fn of(library: &Library<'_>, homes: &Homes<'_>) -> Self {
        let mut strangers = Self::default();
        let ours = library.inventory.modules().filter(|(_, module)| module.home == Home::Project);
        for (importer, facts) in ours.filter_map(|(id, _)| Some((id, library.facts(id)?))) {
            for import in facts.imports.iter().filter(|import| import.when != When::Never) {
                let Some((missing, names)) = asked(import) else { continue };
                if matches!(library.resolver().find(importer, missing), Found::Missing(_)) {
                    let wanted = Wanted { importer, missing, names: &names, when: import.when };
                    strangers.add(library, homes, &wanted);
                }
            }
            for mention in &facts.mentions {
                let cuts = mention.text.rmatch_indices('.').map(|(at, _)| at);
                let parted = cuts.map(|at| (&mention.text[..at], top_of(&mention.text[at + 1..])));
                let serves = |&(missing, name): &(&str, &str)| {
                    let wanted = Wanted { importer, missing, names: &[name], when: When::Load };
                    homes.inside(&wanted).is_some_and(|home| home.serves == Serves::All)
                };
                // Behind a module may come several attributes: the deepest module that is there is meant.
                let last = parted.clone().next();
                if let Some((missing, name)) = parted.clone().find(serves).or(last) {
                    let wanted = Wanted { importer, missing, names: &[name], when: When::Load };
                    strangers.add(library, homes, &wanted);
                }
            }
        }
        strangers
    }

    fn add(&mut self, library: &Library<'_>, homes: &Homes<'_>, wanted: &Wanted<'_>) {
        let Wanted { missing, names, .. } = *wanted;
        let top = top_of(missing);
        if library.inventory.find(top).is_some() {
            return;
        }
        let kin = self.0.entry(top.to_owned()).or_default();
        let lies = kin.modules.entry(missing.to_owned()).or_default();
        let inside = homes.inside(wanted);
        lies.inside |= inside.is_some();
        if inside.is_some_and(|home| home.serves == Serves::All) {
            kin.witnesses.extend(names.iter().map(|name| (missing.to_owned(), (*name).to_owned())));
        }
        let renamed = homes.renamed(wanted).filter(|home| home.serves == Serves::All);
        match renamed {
            Some(home) => {
                let name: &str = &library.inventory.module(home.id).name;
                let below = &missing[top.len()..];
                kin.packages.insert(name.strip_suffix(below).unwrap_or(name).to_owned());
            }
            None => lies.astray = true,
        }
    }

    /// Whether the name is that of the inside of a package: most of the modules that are asked for lie there, and one with what is asked of it.
    pub(super) fn lies_inside(&self, top: &str) -> bool {
        self.0.get(top).is_some_and(|kin| {
            let inside = kin.modules.values().filter(|lies| lies.inside).count();
            !kin.witnesses.is_empty() && inside * 2 > kin.modules.len()
        })
    }

    /// Whether more than one name that is asked for shows that it does.
    pub(super) fn surely_lies_inside(&self, top: &str) -> bool {
        self.lies_inside(top) && self.0.get(top).is_some_and(|kin| kin.witnesses.len() > 1)
    }

    /// Whether the name is the old one of a package: several modules are asked for, and one package has all of them with all names.
    pub(super) fn was_renamed(&self, top: &str) -> bool {
        self.0.get(top).is_some_and(|kin| {
            kin.modules.len() > 1 && kin.packages.len() == 1 && kin.modules.values().all(|lies| !lies.astray)
        })
    }
}

/// The module and the names that an absolute import asks for.
fn asked(import: &Import) -> Option<(&str, Vec<&str>)> {
    match &import.what {
        What::Module { name, .. } | What::Called { level: 0, name, at: Some(_) } => {
            Some((name.as_str(), Vec::new()))
        }
        What::From { level: 0, module, names, .. } => {
            Some((module.as_str(), names.iter().map(|name| name.name.as_str()).collect()))
        }
        _ => None,
    }
}
