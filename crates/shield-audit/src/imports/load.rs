//! What happens when modules are imported one after the other: which import fails first, and by which way it is reached.
//!
//! A model of CPython's import system over what the texts say: parents first, each module once, a module that fails is forgotten and tried again,
//! and a name of a module that is still being loaded is there only if its statement has run. That finds imports that fail only because
//! they go in a circle. Installed modules are taken to load.

use std::{
    cell::Cell,
    collections::{HashMap, HashSet},
    rc::Rc,
};

use serde::Serialize;

use super::{
    broken::{Broken, Cause, Survey},
    facts::{Facts, Guard, Import, What, When},
    inventory::{Home, ModuleId},
    library::{Library, Presence, STACK_LEFT, STACK_MORE, STARS_MAX},
    resolve::Found,
};

/// Imports that all loads of an audit follow at most: guards that try failing modules again and again could make it endless in practice.
const STEPS_MAX: u32 = 2_000_000;
/// Modules that are loaded one within the other at most. Python itself gives up far earlier.
const NESTED_MAX: usize = 1_000;

/// An import that fails while a module is loaded.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LoadFailure {
    /// The imports from the loaded module to the one that fails, each by the module it stands in and its place among that one's imports.
    pub steps: Vec<(ModuleId, usize)>,
    /// Why it fails.
    pub why: LoadCause,
}

/// Why an import fails while a module is loaded.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(tag = "why", rename_all = "kebab-case")]
pub enum LoadCause {
    /// It could never work.
    Broken {
        /// What is wrong with it.
        cause: Cause,
    },
    /// The module is being loaded, and its name is not there yet.
    Circular {
        /// The module.
        module: String,
        /// The name.
        name: String,
    },
    /// A name is used that nothing binds.
    Undefined {
        /// The name.
        name: String,
    },
    /// Python refuses the loaded file itself.
    Refused,
    /// It was not followed to its end: too many failing imports are caught and tried again, or too many modules wait for each other.
    Unfinished,
}

/// Loads modules in one process.
pub struct Loader<'a> {
    library: &'a Library<'a>,
    broken: HashMap<(ModuleId, usize), &'a Cause>,
    /// How far a module has come: the byte of the import that runs.
    running: HashMap<ModuleId, u32>,
    done: HashSet<ModuleId>,
    /// Stars that took what a module had that was still being loaded, by where they stand: how far it had come.
    /// Only of a program that is known to begin here: what is loaded first decides it.
    cut: Option<HashMap<(ModuleId, usize), u32>>,
    /// The first name that nothing binds in each module that was begun.
    undefined: HashMap<ModuleId, Option<(u32, String)>>,
    /// How many imports may still be followed.
    steps_left: Rc<Cell<u32>>,
}

type Loaded = Result<(), Box<LoadFailure>>;

// === impl Loader ===

impl<'a> Loader<'a> {
    /// A process that has loaded nothing yet.
    pub fn new(library: &'a Library<'a>, survey: &'a Survey) -> Self {
        let known = survey
            .broken
            .iter()
            .rev()
            .map(|Broken { importer, import, cause, .. }| ((*importer, *import), cause));
        Self {
            library,
            broken: known.collect(),
            running: HashMap::new(),
            done: HashSet::new(),
            cut: None,
            undefined: HashMap::new(),
            steps_left: Self::steps(),
        }
    }

    /// What all loads of an audit together may take.
    pub(super) fn steps() -> Rc<Cell<u32>> {
        Rc::new(Cell::new(STEPS_MAX))
    }

    /// The same, taking from what others take from too.
    pub(super) fn within(self, steps_left: &Rc<Cell<u32>>) -> Self {
        Self { steps_left: Rc::clone(steps_left), ..self }
    }

    /// The process of a program: it begins with the module that is loaded first.
    pub(super) fn of_program(library: &'a Library<'a>, survey: &'a Survey) -> Self {
        Self { cut: Some(HashMap::new()), ..Self::new(library, survey) }
    }

    /// Loads a module, and whatever that loads.
    ///
    /// # Errors
    /// The first import that fails and is not caught.
    pub fn load(&mut self, id: ModuleId) -> Result<(), LoadFailure> {
        let name = self.library.inventory.module(id).name.clone();
        self.named(&name).and_then(|()| self.module(id)).map_err(|mut failure| {
            failure.steps.reverse();
            *failure
        })
    }

    /// Loads a module by its name. As in CPython, one that is already there is taken without a look at its parents, even when those failed.
    fn named(&mut self, name: &str) -> Loaded {
        let parents = self.library.resolver().parents(name);
        let all: Vec<ModuleId> = parents.chain(self.library.inventory.find(name)).collect();
        let there = all.iter().rposition(|id| self.is_there(*id));
        all[there.map_or(0, |at| at + 1)..].iter().try_for_each(|id| self.module(*id))
    }

    fn is_there(&self, id: ModuleId) -> bool {
        self.done.contains(&id) || self.running.contains_key(&id)
    }

    fn module(&mut self, id: ModuleId) -> Loaded {
        if self.is_there(id) || self.library.inventory.module(id).home == Home::Site {
            return Ok(());
        }
        if self.running.len() >= NESTED_MAX {
            return Err(Box::new(LoadFailure { steps: Vec::new(), why: LoadCause::Unfinished }));
        }
        let library = self.library;
        let Some(facts) = library.facts(id) else { return Ok(()) };
        if !facts.faults.is_empty() {
            return Err(Box::new(LoadFailure { steps: Vec::new(), why: LoadCause::Refused }));
        }
        let loaded = stacker::maybe_grow(STACK_LEFT, STACK_MORE, || self.body(id, facts));
        self.running.remove(&id);
        loaded?;
        self.done.insert(id);
        Ok(())
    }

    /// The first name that a module uses while it is loaded, and that nothing binds.
    fn undefined(&mut self, id: ModuleId) -> Option<(u32, String)> {
        let library = self.library;
        let read = || {
            let source = library.inventory.module(id).source.as_deref()?;
            let (text, _) = library.text(source).ok()?;
            let first =
                library.files().undefined(source, &text).into_iter().find(|one| one.when == When::Load)?;
            Some((first.at, first.name))
        };
        self.undefined.entry(id).or_insert_with(read).clone()
    }

    fn body(&mut self, id: ModuleId, facts: &Facts) -> Loaded {
        let undefined = self.undefined(id);
        let fails = |before: u32| {
            let (_, name) = undefined.as_ref().filter(|(at, _)| *at < before)?;
            Some(Box::new(LoadFailure {
                steps: Vec::new(),
                why: LoadCause::Undefined { name: name.clone() },
            }))
        };
        for (number, import) in
            facts.imports.iter().enumerate().filter(|(_, import)| import.when == When::Load)
        {
            if let Some(failure) = fails(import.range.start) {
                return Err(failure);
            }
            self.running.insert(id, import.range.start);
            let Some(left) = self.steps_left.get().checked_sub(1) else {
                return Err(Box::new(LoadFailure { steps: Vec::new(), why: LoadCause::Unfinished }));
            };
            self.steps_left.set(left);
            if let Err(mut failure) = self.import(id, number, import) {
                if catches(import.guard, &failure.why) {
                    continue;
                }
                failure.steps.push((id, number));
                return Err(failure);
            }
        }
        fails(u32::MAX).map_or(Ok(()), Err)
    }

    fn import(&mut self, importer: ModuleId, number: usize, import: &Import) -> Loaded {
        let library = self.library;
        let resolver = library.resolver();
        let name = match &import.what {
            What::Module { name, .. } => Some(name.clone()),
            What::From { level, module, .. } => resolver.absolute(importer, *level, module),
            What::Called { level, name, at: Some(_) } => resolver.absolute(importer, *level, name),
            What::Called { .. } | What::Below { .. } | What::Anything => return Ok(()),
        };
        name.as_ref().map_or(Ok(()), |name| self.named(name))?;
        let found = name.map(|name| resolver.find(importer, &name));
        if let Some(Found::Module(module)) = found {
            self.module(module)?;
        }
        if let Some(cause) = self.broken.get(&(importer, number)) {
            return Err(Box::new(LoadFailure {
                steps: Vec::new(),
                why: LoadCause::Broken { cause: (*cause).clone() },
            }));
        }
        let (Some(Found::Module(module)), What::From { names, .. }) = (found, &import.what) else {
            return Ok(());
        };
        if let (Some(cut), Some(at)) = (&mut self.cut, self.running.get(&module))
            && names.iter().any(|name| name.name == "*")
        {
            let at = *at;
            cut.insert((importer, number), at);
            let listed = library.facts(module).filter(|facts| facts.listed && facts.lists_by(at));
            listed.into_iter().flat_map(|facts| &facts.all).try_for_each(|name| self.name(module, name))?;
        }
        names.iter().try_for_each(|name| self.name(module, &name.name))
    }

    fn name(&mut self, module: ModuleId, name: &str) -> Loaded {
        let library = self.library;
        let missing = match self.running.get(&module) {
            Some(at) => self.not_yet(module, name, *at, &mut HashSet::new()),
            // A module that is there whole lacks what a star took too soon, and nothing else that is known of it.
            None if self.done.contains(&module) && self.cut.as_ref().is_some_and(|cut| !cut.is_empty()) => {
                matches!(self.library.has(module, name, When::Load), Presence::Here | Presence::Open)
                    && self.not_yet(module, name, u32::MAX, &mut HashSet::new())
            }
            None => false,
        };
        if !missing {
            return Ok(());
        }
        let full = format!("{}.{name}", library.inventory.module(module).name);
        if let Some(submodule) = library.inventory.find(&full) {
            return self.module(submodule);
        }
        let module = library.inventory.module(module).name.to_string();
        Err(Box::new(LoadFailure {
            steps: Vec::new(),
            why: LoadCause::Circular { module, name: name.to_owned() },
        }))
    }

    /// Whether a module that has come to the byte `at` has not bound a name yet.
    fn not_yet(&self, module: ModuleId, name: &str, at: u32, seen: &mut HashSet<ModuleId>) -> bool {
        let Some(facts) = self.library.facts(module) else { return false };
        if name == "*"
            || facts.open
            || facts.answers
            || facts
                .bound
                .iter()
                .any(|bound| bound.name == name && bound.from <= at && bound.when == When::Load)
        {
            return false;
        }
        if !seen.insert(module) {
            return true;
        }
        if seen.len() > STARS_MAX {
            return false;
        }
        let before = |import: &Import| import.range.end <= at && import.when == When::Load;
        let imports = facts.imports.iter().enumerate().filter(|(_, import)| before(import));
        !imports.into_iter().any(|(number, import)| match &import.what {
            What::From { level, module: origin, names, .. } if names.iter().any(|name| name.name == "*") => {
                let resolver = self.library.resolver();
                match resolver.absolute(module, *level, origin).map(|origin| resolver.find(module, &origin)) {
                    Some(Found::Module(origin)) => self.came((module, number), origin, name, seen),
                    _ => true,
                }
            }
            _ => false,
        })
    }

    /// Whether a star took a name from a module.
    fn came(
        &self,
        star: (ModuleId, usize),
        origin: ModuleId,
        name: &str,
        seen: &mut HashSet<ModuleId>,
    ) -> bool {
        let at = self.cut.as_ref().and_then(|cut| cut.get(&star)).copied().unwrap_or(u32::MAX);
        if !self.library.facts(origin).is_none_or(|facts| facts.gives_by_star(name, at)) {
            return false;
        }
        match &self.cut {
            Some(cut) if cut.contains_key(&star) || self.done.contains(&origin) => {
                !stacker::maybe_grow(STACK_LEFT, STACK_MORE, || self.not_yet(origin, name, at, seen))
            }
            _ => self.library.has(origin, name, When::Load) != Presence::Absent,
        }
    }
}

/// Whether what surrounds an import catches its failure.
fn catches(guard: Guard, why: &LoadCause) -> bool {
    match why {
        LoadCause::Refused
        | LoadCause::Undefined { .. }
        | LoadCause::Broken { cause: Cause::Refused { .. } } => guard == Guard::Everything,
        LoadCause::Unfinished => false,
        LoadCause::Broken { .. } | LoadCause::Circular { .. } => guard >= Guard::ImportError,
    }
}
