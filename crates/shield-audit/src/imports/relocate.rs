//! Where something that an import asks for lies instead: other modules of the project that could be meant.

use std::{
    cmp::Reverse,
    collections::{BTreeSet, HashMap},
};

use super::{
    facts::{Origin, When},
    files::{folder_of, name_of},
    inventory::{self, ModuleId, Shape},
    library::{Library, Presence},
    units::Units,
};

/// Names that every module may have for itself: one found elsewhere is another thing with the same name.
const EVERYBODYS: [&str; 10] =
    ["app", "client", "config", "db", "engine", "log", "logger", "main", "router", "settings"];

/// How a name was written that is not a module's.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Written {
    /// Below a package of another name.
    UnderOldName,
    /// As if the inside of a package were on the search path.
    FromInside,
}

/// What an import asks for of a module that is not there.
#[derive(Clone, Copy, Debug)]
pub(super) struct Wanted<'n> {
    /// Who asks.
    pub(super) importer: ModuleId,
    /// The absolute name of the module.
    pub(super) missing: &'n str,
    /// What is asked for in it.
    pub(super) names: &'n [&'n str],
    /// When.
    pub(super) when: When,
}

/// A module that could be meant.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Home {
    pub(super) id: ModuleId,
    pub(super) serves: Serves,
}

/// How many of the names that are asked for a module has.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Serves {
    /// All of them, or none is asked for.
    All,
    /// Some of them.
    Some,
    /// None of them.
    None,
}

/// The project's modules by their last name, and what they define.
pub(super) struct Homes<'a> {
    library: &'a Library<'a>,
    units: Units<'a>,
    roots: Vec<&'a str>,
    by_last: HashMap<&'a str, Vec<ModuleId>>,
    definitions: HashMap<String, BTreeSet<ModuleId>>,
    /// Those of [`EVERYBODYS`] that some module has.
    shared: BTreeSet<&'static str>,
}

/// Whether a file holds tests: nothing else imports from there.
pub(super) fn is_test(path: &str) -> bool {
    let file = name_of(path);
    file.starts_with("test_")
        || file.ends_with("_test.py")
        || file == "conftest.py"
        || folder_of(path).split('/').any(|folder| folder == "tests" || folder == "test")
}

/// The first word of a dotted name.
pub(super) fn top_of(name: &str) -> &str {
    name.split('.').next().unwrap_or(name)
}

// === impl Wanted ===

impl Wanted<'_> {
    /// Whether a module is meant though it may have none of the names: a path of two words is clear enough.
    pub(super) fn is_clear(&self, home: &Home) -> bool {
        home.serves != Serves::None || self.missing.contains('.')
    }
}

// === impl Homes ===

impl<'a> Homes<'a> {
    /// Over the project's modules; `roots` are its search roots.
    pub(super) fn new(library: &'a Library<'a>, units: Units<'a>, roots: Vec<&'a str>) -> Self {
        let mut homes = Self {
            library,
            units,
            roots,
            by_last: HashMap::new(),
            definitions: HashMap::new(),
            shared: BTreeSet::new(),
        };
        for (id, module) in library.inventory.modules() {
            let inside = module.path.strip_prefix(units.project).unwrap_or(&module.path);
            if module.home == inventory::Home::Site || module.name.is_empty() || is_test(inside) {
                continue;
            }
            let last = module.name.rsplit('.').next().unwrap_or_default();
            homes.by_last.entry(last).or_default().push(id);
            let bound = library.facts(id).into_iter().flat_map(|facts| &facts.bound);
            for bound in bound.filter(|bound| bound.origin != Origin::Import && bound.when == When::Load) {
                let shared = EVERYBODYS.into_iter().find(|name| *name == bound.name);
                if let Some(name) = shared.filter(|_| bound.origin != Origin::Definition) {
                    homes.shared.insert(name);
                } else {
                    homes.definitions.entry(bound.name.clone()).or_default().insert(id);
                }
            }
        }
        homes
    }

    /// The one module that is meant by the name of a module that is not there, if its top-level name is the project's own.
    pub(super) fn module(&self, wanted: &Wanted<'_>) -> Option<(Written, ModuleId)> {
        let inside = self
            .inside(wanted)
            .filter(|home| wanted.is_clear(home))
            .map(|home| (Written::FromInside, home.id));
        inside.or_else(|| {
            let renamed = self.renamed(wanted).filter(|home| wanted.is_clear(home))?;
            (!self.stands_for_itself(top_of(wanted.missing))).then_some((Written::UnderOldName, renamed.id))
        })
    }

    /// The one module whose name ends in the missing one's.
    pub(super) fn inside(&self, wanted: &Wanted<'_>) -> Option<Home> {
        self.best(self.ending_in(wanted.missing), wanted)
    }

    /// The one module whose name ends in what the missing one's has below its top-level name.
    pub(super) fn renamed(&self, wanted: &Wanted<'_>) -> Option<Home> {
        let (_, below) = wanted.missing.split_once('.')?;
        self.best(self.ending_in(below), wanted)
    }

    /// The modules whose last name is the missing one's, for people.
    pub(super) fn alike(&self, missing: &str) -> Vec<String> {
        let last = missing.rsplit('.').next().unwrap_or(missing);
        let alike = self.by_last.get(last).into_iter().flatten();
        alike.map(|id| self.library.inventory.module(*id).name.to_string()).collect()
    }

    /// Whether some module of the project has a name that every module may have for itself.
    pub(super) fn shares(&self, name: &str) -> bool {
        self.shared.contains(name)
    }

    /// Other modules of the project that define a name, and that the first of these two can import.
    pub(super) fn definitions(&self, name: &str, except: [ModuleId; 2]) -> Vec<ModuleId> {
        let others = self.definitions.get(name).into_iter().flatten().copied();
        others.filter(|id| !except.contains(id) && self.shows(except[0], *id)).collect()
    }

    /// Whether one module can import another one by its name: neither runs without the folders around it.
    fn shows(&self, importer: ModuleId, id: ModuleId) -> bool {
        let path = |id| &*self.library.inventory.module(id).path;
        self.units.shows(path(importer), path(id))
    }

    /// Whether a top-level name is a package of the project, and not just the folder of a search root.
    fn stands_for_itself(&self, top: &str) -> bool {
        self.library.inventory.find(top).is_some_and(|id| {
            let module = self.library.inventory.module(id);
            let folder =
                if module.shape == Shape::Namespace { &*module.path } else { folder_of(&module.path) };
            !self.roots.contains(&folder)
        })
    }

    fn ending_in(&self, suffix: &str) -> Vec<ModuleId> {
        let last = suffix.rsplit('.').next().unwrap_or(suffix);
        let ends = |id: &&ModuleId| {
            let name = &self.library.inventory.module(**id).name;
            &**name == suffix || name.strip_suffix(suffix).is_some_and(|rest| rest.ends_with('.'))
        };
        self.by_last.get(last).into_iter().flatten().filter(ends).copied().collect()
    }

    /// The one candidate that has more of the names than any other, nearest to the top if several do. What imports never means itself.
    fn best(&self, candidates: Vec<ModuleId>, wanted: &Wanted<'_>) -> Option<Home> {
        let Wanted { importer, names, when, .. } = *wanted;
        let has =
            |id: ModuleId, name: &str| name == "*" || self.library.has(id, name, when) != Presence::Absent;
        let served = |id: ModuleId| names.iter().filter(|name| has(id, name)).count();
        let depth = |id: ModuleId| self.library.inventory.module(id).name.matches('.').count();
        let others = candidates.into_iter().filter(|id| *id != importer && self.shows(importer, *id));
        let mut scored: Vec<((usize, Reverse<usize>), ModuleId)> =
            others.map(|id| ((served(id), Reverse(depth(id))), id)).collect();
        scored.sort_by(|left, right| right.cmp(left));
        let (best, id) = *scored.first()?;
        let alone = scored.get(1).is_none_or(|(next, _)| *next < best);
        let serves = match best.0 {
            0 if !names.is_empty() => Serves::None,
            count if count == names.len() => Serves::All,
            _ => Serves::Some,
        };
        alone.then_some(Home { id, serves })
    }
}
