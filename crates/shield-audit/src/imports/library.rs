//! What every module's text says, read when it is first asked for.

use std::{borrow::Cow, collections::HashSet, sync::OnceLock};

use super::{
    conditions::Target,
    facts::{Facts, What, When},
    files::Files,
    inventory::{Inventory, ModuleId, Unread},
    resolve::{Found, Resolver},
};

/// Modules that stars are followed through for one name: what lies behind more of them is not judged.
pub(super) const STARS_MAX: usize = 512;
/// Room for what follows imports from one module into the next: it takes another stack where less than the first is left.
pub(super) const STACK_LEFT: usize = 256 << 10;
pub(super) const STACK_MORE: usize = 4 << 20;

/// All modules, with the facts of those that were asked for.
pub struct Library<'a> {
    files: &'a dyn Files,
    /// Every module.
    pub inventory: &'a Inventory,
    /// What it runs on.
    pub target: Target,
    read: Vec<OnceLock<Result<Facts, Unread>>>,
    /// Whether what a module imports leads back to it, once that was asked.
    circular: Vec<OnceLock<bool>>,
}

/// Whether a module has a name.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Presence {
    /// It has it.
    Here,
    /// Its submodule is called so.
    Submodule(ModuleId),
    /// That only shows when it runs.
    Open,
    /// It has not.
    Absent,
}

/// The text of a module, and whether it is what the file says byte by byte.
pub(super) fn decode(bytes: Vec<u8>) -> (String, bool) {
    match String::from_utf8(bytes) {
        Ok(text) => (text, true),
        // Names and keywords are ASCII nearly always, so the imports are still right; such a file is never rewritten.
        Err(error) => (String::from_utf8_lossy(error.as_bytes()).into_owned(), false),
    }
}

// === impl Library ===

impl<'a> Library<'a> {
    /// All modules of `inventory`; nothing is read yet.
    pub fn new(files: &'a dyn Files, inventory: &'a Inventory, target: Target) -> Self {
        let read = (0..inventory.len()).map(|_| OnceLock::new()).collect();
        let circular = (0..inventory.len()).map(|_| OnceLock::new()).collect();
        Self { files, inventory, target, read, circular }
    }

    /// Finds modules.
    pub const fn resolver(&self) -> Resolver<'a> {
        Resolver { inventory: self.inventory, version: self.target.version }
    }

    /// What a module's text says; nothing of namespaces, machine code and what cannot be read.
    pub fn facts(&self, id: ModuleId) -> Option<&Facts> {
        let source = self.inventory.module(id).source.as_deref()?;
        let read = self.read[id.index()].get_or_init(|| self.read_facts(source));
        read.as_ref().ok()
    }

    /// The same of a module whose text is at hand, without keeping it.
    pub(super) fn facts_in(&self, id: ModuleId, source: &str, text: &str) -> Cow<'_, Facts> {
        match self.read[id.index()].get() {
            Some(Ok(facts)) => Cow::Borrowed(facts),
            _ => Cow::Owned(self.files.facts(source, text, &self.target)),
        }
    }

    /// A module's text.
    ///
    /// # Errors
    /// What cannot be read, and why.
    pub(super) fn text(&self, path: &str) -> Result<(String, bool), Unread> {
        let bytes = self
            .files
            .read(path)
            .map_err(|error| Unread { path: path.to_owned(), reason: error.to_string() })?;
        Ok(decode(bytes))
    }

    /// Where files are read from.
    pub(super) const fn files(&self) -> &'a dyn Files {
        self.files
    }

    /// Modules that were asked for and could not be read.
    pub fn unread(&self) -> Vec<Unread> {
        self.read.iter().filter_map(|read| read.get()?.as_ref().err().cloned()).collect()
    }

    fn read_facts(&self, source: &str) -> Result<Facts, Unread> {
        let (text, _) = self.text(source)?;
        Ok(self.files.facts(source, &text, &self.target))
    }

    /// Whether a module has a name for an import that runs at `when`.
    pub fn has(&self, id: ModuleId, name: &str, when: When) -> Presence {
        let module = self.inventory.module(id);
        let own = self.own(id, name, when, &mut HashSet::new());
        if own != Presence::Absent {
            return own;
        }
        if self.facts(id).is_some_and(|facts| facts.answers) {
            return Presence::Open;
        }
        match self.inventory.find(&format!("{}.{name}", module.name)) {
            Some(submodule) if !module.name.is_empty() => Presence::Submodule(submodule),
            _ => Presence::Absent,
        }
    }

    fn own(&self, id: ModuleId, name: &str, when: When, seen: &mut HashSet<ModuleId>) -> Presence {
        if !seen.insert(id) {
            return Presence::Absent;
        }
        if seen.len() > STARS_MAX {
            return Presence::Open;
        }
        let module = self.inventory.module(id);
        let Some(facts) = self.facts(id) else {
            let namespace = module.source.is_none() && module.shape == super::inventory::Shape::Namespace;
            return if namespace { Presence::Absent } else { Presence::Open };
        };
        let visible = |at: When| at <= When::Deferred || (at == When::Typing && when == When::Typing);
        // A star takes what `__all__` lists, also what only `__getattr__` has.
        let starred = seen.len() > 1;
        if starred && facts.answers && facts.all.iter().any(|listed| listed == name) {
            return Presence::Open;
        }
        let given = !starred || facts.gives_by_star(name, u32::MAX);
        // A star in a circle may come before `__all__` is there.
        let too_soon = || facts.gives_by_star(name, 0) && self.is_in_circle(id);
        if !given && !too_soon() {
            return Presence::Absent;
        }
        let here = if given { Presence::Here } else { Presence::Open };
        if facts.bound.iter().any(|bound| bound.name == name && visible(bound.when)) || GIVEN.contains(&name)
        {
            return here;
        }
        let mut presence =
            if facts.open || !facts.faults.is_empty() { Presence::Open } else { Presence::Absent };
        for import in facts.imports.iter().filter(|import| visible(import.when)) {
            let What::From { level, module, names, .. } = &import.what else { continue };
            if !names.iter().any(|name| name.name == "*") {
                continue;
            }
            let resolver = self.resolver();
            let through =
                match resolver.absolute(id, *level, module).map(|absolute| resolver.find(id, &absolute)) {
                    Some(Found::Module(origin)) => {
                        stacker::maybe_grow(STACK_LEFT, STACK_MORE, || self.own(origin, name, when, seen))
                    }
                    // What is not here may have any name: of that import more is said where it stands.
                    Some(Found::Standard | Found::Missing(_)) => Presence::Open,
                    None => Presence::Absent,
                };
            match through {
                Presence::Here => return here,
                Presence::Open => presence = Presence::Open,
                Presence::Submodule(_) | Presence::Absent => {}
            }
        }
        presence
    }
}

// === impl Library ===

impl Library<'_> {
    /// Whether what a module imports while it is loaded leads back to it.
    fn is_in_circle(&self, id: ModuleId) -> bool {
        *self.circular[id.index()].get_or_init(|| self.leads_back_to(id))
    }

    fn leads_back_to(&self, id: ModuleId) -> bool {
        let resolver = self.resolver();
        let mut seen = HashSet::new();
        let mut next = vec![id];
        while let Some(importer) = next.pop() {
            for import in self.facts(importer).into_iter().flat_map(|facts| &facts.imports) {
                let name = match &import.what {
                    What::Module { name, .. } => Some(name.clone()),
                    What::From { level, module, .. } => resolver.absolute(importer, *level, module),
                    _ => None,
                };
                let Some(Found::Module(module)) = name.map(|name| resolver.find(importer, &name)) else {
                    continue;
                };
                if module == id {
                    return true;
                }
                if seen.insert(module) {
                    next.push(module);
                }
            }
        }
        false
    }
}

/// Names that every module has.
pub(super) const GIVEN: [&str; 10] = [
    "__name__",
    "__doc__",
    "__file__",
    "__cached__",
    "__path__",
    "__package__",
    "__loader__",
    "__spec__",
    "__dict__",
    "__builtins__",
];
