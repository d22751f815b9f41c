//! Which modules can be imported at all when the application runs, each with the shortest chain of imports that leads to it.
//!
//! Over-approximated on purpose: what is called unreachable can never run. A branch that the version or the platform rules out, and what only
//! type checkers import, counts as never; every other import counts, whenever it runs. A text that is a module's dotted name counts as an
//! import of it, since it may be given to a call that imports. Where only the running program knows a name, a module of the project leads to
//! everything that is installed. One that is installed leads to what the project's texts name, which are roots ([`super::named`]), and any text of
//! its own may be the name of something beside it, and if it also looks into folders, anything below its package; such modules
//! are listed, so that what else they load can be declared as a root. Only modules that are reached are read.

use std::collections::BTreeMap;

use rayon::prelude::*;
use serde::{Deserialize, Serialize};

use super::{
    distributions::{Distributions, is_for_people},
    dynamic::dotted,
    extract,
    facts::{Facts, Import, ImportedName, What, When},
    inventory::{Home, Inventory, ModuleId, Unread},
    library::Library,
    machine_code::TextIndex,
    opening,
    resolve::Found,
};

/// Why a module is reached.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Via {
    /// It is a root.
    Root,
    /// An import statement or a call with a literal name.
    Import,
    /// Python imports a package before what lies in it.
    Parent,
    /// A call with a name of which the beginning is literal.
    Beginning,
    /// A text that is its name, in a module that is reached.
    Text,
    /// A name that only the running program knows: of a module of the project, or of one that looks into folders.
    Anything,
    /// An entry point of a group that is asked for.
    EntryPoint,
    /// Its name is a text in machine code.
    MachineCode,
}

/// The last step of the way to a module.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Link {
    /// The module before it; none of roots.
    pub from: Option<ModuleId>,
    /// What leads on.
    pub via: Via,
}

/// What is imported at all.
#[derive(Debug, Default)]
pub struct Reach {
    links: Vec<Option<Link>>,
    /// Modules with an import whose name only the running program knows.
    pub open: Vec<ModuleId>,
    /// What was reached and could not be read: what it imports is not known.
    pub unread: Vec<Unread>,
}

/// How much of a distribution is reached.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Usage {
    /// Its modules.
    pub modules: usize,
    /// How many of them are reached.
    pub reached: usize,
}

/// What one module leads to.
#[derive(Default)]
struct Next {
    targets: Vec<(ModuleId, Via)>,
    open: bool,
    /// It leads to everything that is installed.
    everything: bool,
    unread: Option<Unread>,
}

/// What the walk knows beside the modules.
struct Walk<'a> {
    library: &'a Library<'a>,
    /// Modules of entry points by group.
    groups: BTreeMap<String, Vec<ModuleId>>,
    texts: TextIndex<'a>,
}

/// Words of modules that find the names of modules in folders.
const LOOKS_INTO_FOLDERS: [&str; 9] = [
    "iter_modules",
    "walk_packages",
    "listdir",
    "iterdir",
    "scandir",
    "glob.glob",
    "iglob(",
    ".rglob(",
    "os.walk",
];

/// What runs tests.
const TEST_RUNNERS: [&str; 4] = ["pytest", "_pytest", "hypothesis", "nose"];

/// Whether a part of a module's name says that only tests use it.
pub(crate) fn is_for_tests(part: &str) -> bool {
    matches!(part, "tests" | "test" | "testing" | "conftest")
        || part.starts_with("test_")
        || part.starts_with("testing_")
}

/// Walks from `roots`, among which are the declared dynamic ones, through everything that they import.
pub fn reach(library: &Library<'_>, distributions: &Distributions, roots: &[ModuleId]) -> Reach {
    let mut groups: BTreeMap<String, Vec<ModuleId>> = BTreeMap::new();
    for (group, module) in distributions.iter().flat_map(|distribution| &distribution.entry_points) {
        // Scripts are run by people, not by the application.
        if !is_for_people(group)
            && let Some(id) = library.inventory.find(module)
        {
            groups.entry(group.clone()).or_default().push(id);
        }
    }
    let walk = Walk { library, groups, texts: TextIndex::new(library.inventory) };
    let mut reach = Reach { links: vec![None; library.inventory.len()], ..Reach::default() };
    let mut frontier: Vec<ModuleId> = Vec::new();
    for root in roots {
        reach.enter(*root, Link { from: None, via: Via::Root }, &mut frontier);
    }
    while !frontier.is_empty() {
        let found: Vec<Next> = frontier.par_iter().map(|id| walk.next(*id)).collect();
        let mut following = Vec::new();
        for (from, next) in frontier.into_iter().zip(found) {
            for (target, via) in next.targets {
                reach.enter(target, Link { from: Some(from), via }, &mut following);
            }
            reach.open.extend(next.open.then_some(from));
            if next.everything {
                reach.enter_installed(library.inventory, from);
            }
            reach.unread.extend(next.unread);
        }
        frontier = following;
    }
    reach
}

// === impl Reach ===

impl Reach {
    /// How a module is reached; none if it never is.
    pub fn link(&self, id: ModuleId) -> Option<Link> {
        self.links[id.index()]
    }

    /// The shortest way to a module, from a root to itself; empty if there is none.
    pub fn chain(&self, id: ModuleId) -> Vec<(ModuleId, Via)> {
        let mut chain = Vec::new();
        let mut at = Some(id);
        while let Some(module) = at
            && let Some(link) = self.link(module)
        {
            chain.push((module, link.via));
            at = link.from;
        }
        chain.reverse();
        chain
    }

    /// How many modules are reached.
    pub fn count(&self) -> usize {
        self.links.iter().flatten().count()
    }

    /// How much of every installed distribution is reached, by name. One without modules of Python has none.
    pub fn usage<'a>(
        &self,
        inventory: &Inventory,
        distributions: &'a Distributions,
    ) -> BTreeMap<&'a str, Usage> {
        let mut usage: BTreeMap<&str, Usage> = distributions
            .iter()
            .map(|found| (found.name.as_str(), Usage { modules: 0, reached: 0 }))
            .collect();
        for (id, module) in inventory.modules().filter(|(_, module)| module.home == Home::Site) {
            if let Some(of) =
                distributions.of(&module.path).and_then(|found| usage.get_mut(found.name.as_str()))
            {
                of.modules += 1;
                of.reached += usize::from(self.link(id).is_some());
            }
        }
        usage
    }

    /// What is installed is reached at once: nothing is left that it could lead to.
    fn enter_installed(&mut self, inventory: &Inventory, from: ModuleId) {
        for (id, _) in inventory.modules().filter(|(_, module)| module.home == Home::Site) {
            let place = &mut self.links[id.index()];
            *place = place.or(Some(Link { from: Some(from), via: Via::Anything }));
        }
    }

    fn enter(&mut self, id: ModuleId, link: Link, frontier: &mut Vec<ModuleId>) {
        let place = &mut self.links[id.index()];
        if place.is_none() {
            *place = Some(link);
            frontier.push(id);
        }
    }
}

// === impl Walk ===

impl Walk<'_> {
    fn next(&self, id: ModuleId) -> Next {
        let module = self.library.inventory.module(id);
        let mut next = Next::default();
        next.targets
            .extend(self.library.resolver().parents(&module.name).map(|parent| (parent, Via::Parent)));
        if let Some(source) = module.source.as_deref() {
            match self.library.text(source) {
                Ok((text, _)) => self.follow((id, source), &text, &mut next),
                Err(unread) => next.unread = Some(unread),
            }
        }
        if module.source.as_deref() != Some(&*module.path)
            && module.shape != super::inventory::Shape::Namespace
        {
            match self.library.files().read(&module.path) {
                Ok(code) => next
                    .targets
                    .extend(self.texts.modules_in(id, &code).map(|target| (target, Via::MachineCode))),
                Err(error) => {
                    next.unread = Some(Unread { path: module.path.to_string(), reason: error.to_string() })
                }
            }
        }
        next
    }

    fn follow(&self, (id, source): (ModuleId, &str), text: &str, next: &mut Next) {
        let facts = self.library.facts_in(id, source, text);
        for import in &facts.imports {
            self.import(id, &facts, import, next);
        }
        next.targets.extend(self.texts.named_in(text).map(|target| (target, Via::Text)));
        if self.library.inventory.module(id).home == Home::Project {
            next.open |= opening::is_open(text);
            next.everything = next.open;
        } else if next.open {
            self.open(id, text, next);
        }
        for (group, modules) in &self.groups {
            let literal = [format!("\"{group}\""), format!("'{group}'")];
            if literal
                .iter()
                .any(|literal| memchr::memmem::find(text.as_bytes(), literal.as_bytes()).is_some())
            {
                next.targets.extend(modules.iter().map(|module| (*module, Via::EntryPoint)));
            }
        }
    }

    fn import(&self, id: ModuleId, facts: &Facts, import: &Import, next: &mut Next) {
        // A module that makes up its names as they are asked for shows type checkers what it would import.
        let lazy = facts.answers || facts.open;
        if import.when == When::Never || (import.when == When::Typing && !lazy) {
            return;
        }
        let resolver = self.library.resolver();
        // A function that imports what only tests use is a test's: an application does not run the tests of what it installed.
        let later = import.when >= When::Deferred && self.library.inventory.module(id).home == Home::Site;
        let for_tests = |name: &str| {
            later
                && (name.split('.').any(is_for_tests)
                    || TEST_RUNNERS.contains(&name.split('.').next().unwrap_or(name)))
        };
        match &import.what {
            What::Module { name, .. } if for_tests(name) => {}
            What::Module { name, .. } => self.named(id, name, &[], next),
            What::From { level, module, names, .. } => {
                if let Some(name) = resolver.absolute(id, *level, module).filter(|name| !for_tests(name)) {
                    self.named(id, &name, names, next);
                }
            }
            What::Called { level, name, .. } => {
                if let Some(name) = resolver.absolute(id, *level, name) {
                    self.named(id, &name, &[], next);
                }
            }
            What::Below { level, prefix } => {
                let absolute = match level {
                    0 => Some(prefix.clone()),
                    level => resolver.absolute(id, *level, "").map(|package| format!("{package}.{prefix}")),
                };
                let prefix = absolute.unwrap_or_default();
                next.targets.extend(self.code_below(&prefix).map(|target| (target, Via::Beginning)));
            }
            What::Anything => next.open = true,
        }
    }

    /// What a module can load whose name only the running program knows.
    fn open(&self, id: ModuleId, text: &str, next: &mut Next) {
        let inventory = self.library.inventory;
        let package = inventory.package_of(id);
        for literal in extract::texts(text).into_iter().filter(|text| dotted(text)) {
            let relative = literal.trim_start_matches('.');
            let below =
                (!package.is_empty()).then(|| inventory.find(&format!("{package}.{relative}"))).flatten();
            next.targets.extend(below.map(|target| (target, Via::Text)));
        }
        if LOOKS_INTO_FOLDERS
            .iter()
            .any(|word| memchr::memmem::find(text.as_bytes(), word.as_bytes()).is_some())
        {
            let below = format!("{package}.");
            next.targets.extend(self.code_below(&below).map(|target| (target, Via::Anything)));
        }
    }

    /// The modules whose names start with a text, without those for tests: a loader looks for what the application is made of.
    fn code_below<'p>(&'p self, prefix: &'p str) -> impl Iterator<Item = ModuleId> + 'p {
        let inventory = self.library.inventory;
        let named = prefix.trim_matches('.');
        let below = inventory.below(prefix).filter(move |_| !named.is_empty());
        below.filter(move |id| !inventory.module(*id).name[prefix.len()..].split('.').any(is_for_tests))
    }

    /// Everything that an import of a name, or of names in it, loads or tries to.
    fn named(&self, id: ModuleId, name: &str, names: &[ImportedName], next: &mut Next) {
        let inventory = self.library.inventory;
        next.targets.extend(self.library.resolver().parents(name).map(|parent| (parent, Via::Import)));
        let Found::Module(module) = self.library.resolver().find(id, name) else { return };
        next.targets.push((module, Via::Import));
        let own = &inventory.module(module).name;
        let submodule =
            |name: &str| inventory.find(&format!("{own}.{name}")).map(|target| (target, Via::Import));
        for name in names {
            next.targets.extend(submodule(&name.name));
            if name.name == "*" {
                let listed = self.library.facts(module).into_iter().flat_map(|facts| &facts.all);
                next.targets.extend(listed.filter_map(|name| submodule(name)));
            }
        }
    }
}
