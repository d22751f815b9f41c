//! Every import of a project, and what is wrong with those that cannot work.
//!
//! Counted by binding: `from a import b, c` are two. An import that can never run on the target is not looked at; one that only
//! type checkers see, or whose failure is caught, is looked at and says so.

use std::{collections::HashMap, sync::OnceLock};

use rayon::prelude::*;
use rustc_hash::FxHashSet;

use super::{
    broken::{Broken, Cause, Declaration, Doubt, Doubtful, Misnamed, Survey},
    declared::{Declared, distribution_of},
    distributions::Distributions,
    facts::{Import, ImportedName, What, When},
    files::join,
    folders::Folders,
    inventory::{Home, ModuleId, Shape},
    kin::Strangers,
    layout::Layout,
    left_out::LeftOut,
    library::{Library, Presence},
    own_path::OwnPath,
    relocate::{Homes, Serves, Wanted, Written, top_of},
    resolve::Found,
    standard::is_standard,
    syntax::line_at,
    units::Units,
    vain::Asked,
};

/// What a survey looks at.
pub struct Surveyor<'a> {
    pub(super) library: &'a Library<'a>,
    pub(super) homes: Homes<'a>,
    pub(super) units: Units<'a>,
    pub(super) layout: &'a Layout,
    declared: &'a Declared,
    distributions: &'a Distributions,
    /// Folders that the project's containers, environments and distributions put on somebody's search path, by the names of the modules in
    /// them; read when first needed.
    pub(super) named: OnceLock<HashMap<String, Vec<String>>>,
    /// Folders from which programs are started; read when first needed.
    pub(super) started: OnceLock<Vec<String>>,
    /// Outermost packages by whose names something of the project is imported; made when first needed.
    pub(super) used: OnceLock<FxHashSet<String>>,
    /// What was asked of folders so far.
    pub(super) folders: Folders<'a>,
    /// What git leaves out; read when first needed.
    pub(super) left_out: OnceLock<LeftOut>,
    /// Made when it is first needed.
    pub(super) asked: OnceLock<Asked>,
    /// The same.
    strangers: OnceLock<Strangers>,
}

/// What is wrong with one binding.
type Verdict = (Option<usize>, Cause);

// === impl Surveyor ===

impl<'a> Surveyor<'a> {
    /// Over a library; `project` is the project's folder.
    pub fn new(
        library: &'a Library<'a>,
        (project, layout): (&'a str, &'a Layout),
        declared: &'a Declared,
        distributions: &'a Distributions,
    ) -> Self {
        let units = Units { project, folders: &layout.units };
        let ours = layout.roots.iter().filter(|root| root.home == Home::Project);
        let roots = ours.map(|root| root.folder.as_str()).collect();
        Self {
            library,
            homes: Homes::new(library, units, roots),
            units,
            layout,
            declared,
            distributions,
            named: OnceLock::new(),
            started: OnceLock::new(),
            used: OnceLock::new(),
            folders: Folders::of(library.files()),
            left_out: OnceLock::new(),
            asked: OnceLock::new(),
            strangers: OnceLock::new(),
        }
    }

    /// Looks at the imports of these files; those that are no module of the library are left out.
    pub fn survey(&self, files: &[String]) -> Survey {
        let ids: Vec<ModuleId> = files.iter().filter_map(|path| self.library.inventory.at(path)).collect();
        let parts: Vec<Survey> = ids.par_iter().map(|id| self.file(*id)).collect();
        parts.into_iter().fold(Survey::default(), |mut all, part| {
            all.bindings += part.bindings;
            all.broken.extend(part.broken);
            all.doubtful.extend(part.doubtful);
            all.misnamed.extend(part.misnamed);
            all
        })
    }

    fn file(&self, importer: ModuleId) -> Survey {
        let mut survey = Survey::default();
        let Some(facts) = self.library.facts(importer) else { return survey };
        let source = self.library.inventory.module(importer).source.as_deref().unwrap_or_default();
        let text = self.library.text(source).map(|(text, _)| text).unwrap_or_default();
        let own_path = self.own_path(importer);
        let mut reached = (0, 1);
        for (number, import) in
            facts.imports.iter().enumerate().filter(|(_, import)| import.when != When::Never)
        {
            let start = import.range.start as usize;
            // Imports follow each other, so every byte is counted once.
            let line = match text.get(reached.0..start) {
                Some(between) => reached.1 + line_at(between, between.len()) - 1,
                None => line_at(&text, start),
            };
            reached = (start, line);
            survey.bindings += match &import.what {
                What::From { names, .. } => names.len(),
                What::Module { .. } | What::Called { at: Some(_), .. } => 1,
                What::Called { .. } | What::Below { .. } | What::Anything => 0,
            };
            for (name, cause) in self.verdicts((importer, &own_path), import) {
                let Import { when, guard, .. } = *import;
                survey.broken.push(Broken {
                    importer,
                    import: number,
                    name,
                    line,
                    written: written(&import.what, name),
                    when,
                    guard,
                    cause,
                });
            }
            survey.doubtful.extend(self.doubt(importer, import).map(|(module, doubt)| Doubtful {
                importer,
                line,
                module,
                doubt,
            }));
        }
        let mut mentions: Vec<_> = facts.mentions.iter().collect();
        mentions.sort_by_key(|mention| mention.at.start);
        let mut reached = (0, 1);
        for mention in mentions {
            let start = mention.at.start as usize;
            let between = text.get(reached.0..start).unwrap_or_default();
            reached = (start, reached.1 + line_at(between, between.len()) - 1);
            survey.misnamed.extend(self.mention(importer, mention).map(|edit| Misnamed {
                importer,
                line: reached.1,
                text: mention.text.clone(),
                edit,
            }));
        }
        survey
    }

    /// What an import means: the absolute name, and what is found there.
    pub(super) fn meant(&self, importer: ModuleId, what: &What) -> Option<(String, Found)> {
        let resolver = self.library.resolver();
        let name = match what {
            What::Module { name, .. } => Some(name.clone()),
            What::From { level, module, .. } => resolver.absolute(importer, *level, module),
            What::Called { name, at: Some(_), .. } => Some(name.clone()),
            What::Called { .. } | What::Below { .. } | What::Anything => None,
        }?;
        let found = resolver.find(importer, &name);
        Some((name, found))
    }

    fn verdicts(&self, (importer, own_path): (ModuleId, &OwnPath<'_>), import: &Import) -> Vec<Verdict> {
        if import.replaced {
            return Vec::new();
        }
        let names = match &import.what {
            What::Module { .. } | What::Called { at: Some(_), .. } => &[][..],
            What::From { names, .. } => names,
            What::Called { .. } | What::Below { .. } | What::Anything => return Vec::new(),
        };
        match self.meant(importer, &import.what) {
            Some((_, Found::Standard)) => Vec::new(),
            Some((name, Found::Module(_))) if self.is_installed(&import.what, &name) => Vec::new(),
            Some((name, Found::Module(module))) => self.in_module(importer, import, (&name, module), names),
            Some((name, Found::Missing(_))) if self.is_elsewhere(own_path, &import.what, &name) => Vec::new(),
            Some((name, Found::Missing(missing))) => {
                let parent = missing.deepest.map(|id| self.library.inventory.module(id));
                let hidden =
                    missing.deepest.is_some_and(|id| self.library.facts(id).is_none_or(|facts| facts.open));
                if parent.is_some_and(|parent| parent.home == Home::Site && parent.shape != Shape::Namespace)
                    && hidden
                {
                    return Vec::new();
                }
                let cause = self.missing(importer, import, &name);
                self.each(names, |_, name| Some(self.after_move(importer, import, &cause, name)))
            }
            // Its own folder may be a package of whatever lies around the project.
            None if self.library.files().read(&join(self.units.project, "__init__.py")).is_ok() => Vec::new(),
            None => {
                let cause = self.miscounted(importer, import).unwrap_or_else(|| Cause::Absent {
                    module: written(&import.what, None),
                    alike: Vec::new(),
                });
                self.each(names, |_, _| Some(cause.clone()))
            }
        }
    }

    /// Whether a name is that of a distribution that the project asks for, which folders of the project only look like.
    fn is_installed(&self, what: &What, name: &str) -> bool {
        let top = top_of(name);
        let folder = self.library.inventory.find(top).is_some() && self.is_of_distribution(top);
        is_absolute(what) && folder && self.declared.asks_for(&distribution_of(top))
    }

    /// Whether an outermost name may be that of an installed package: a folder of the project that is none gives way to it.
    fn is_of_distribution(&self, top: &str) -> bool {
        let inventory = self.library.inventory;
        inventory.find(top).is_none_or(|id| inventory.module(id).shape == Shape::Namespace)
    }

    fn each(
        &self,
        names: &[ImportedName],
        cause: impl Fn(usize, Option<&str>) -> Option<Cause>,
    ) -> Vec<Verdict> {
        if names.is_empty() {
            return cause(0, None).map(|cause| (None, cause)).into_iter().collect();
        }
        names
            .iter()
            .enumerate()
            .filter_map(|(at, name)| Some((Some(at), cause(at, Some(&name.name))?)))
            .collect()
    }

    fn in_module(
        &self,
        importer: ModuleId,
        import: &Import,
        (name, module): (&str, ModuleId),
        names: &[ImportedName],
    ) -> Vec<Verdict> {
        let parents = self.library.resolver().parents(name).chain([module]);
        if let Some(refused) = parents.into_iter().find_map(|id| self.refused(id)) {
            return self.each(names, |_, _| Some(refused.clone()));
        }
        if names.is_empty() {
            return Vec::new();
        }
        self.each(names, |_, name| self.name_in(importer, module, name?, import.when))
    }

    pub(super) fn name_in(
        &self,
        importer: ModuleId,
        module: ModuleId,
        name: &str,
        when: When,
    ) -> Option<Cause> {
        if name == "*" {
            return None;
        }
        match self.library.has(module, name, when) {
            Presence::Here | Presence::Open => None,
            Presence::Submodule(submodule) => self.refused(submodule),
            Presence::Absent => {
                let place = self.library.inventory.module(module);
                if place.home == Home::Project
                    && place.folder().is_some_and(|folder| self.is_made_later(&join(folder, name)))
                {
                    return None;
                }
                if let Some(hidden) = self
                    .library
                    .inventory
                    .hidden_by(module)
                    .find(|hidden| self.library.has(*hidden, name, when) == Presence::Here)
                {
                    let path = self.library.inventory.module(hidden).path.to_string();
                    return Some(Cause::Hidden { module: place.name.to_string(), path });
                }
                let homes = if place.home == Home::Project {
                    self.homes.definitions(name, [importer, module])
                } else {
                    Vec::new()
                };
                let names = |ids: &[ModuleId]| {
                    ids.iter()
                        .map(|id| self.library.inventory.module(*id).name.to_string())
                        .collect::<Vec<_>>()
                };
                Some(match homes[..] {
                    [home] => Cause::Moved { to: self.library.inventory.module(home).name.to_string() },
                    _ => Cause::NameAbsent { module: place.name.to_string(), homes: names(&homes) },
                })
            }
        }
    }

    fn refused(&self, id: ModuleId) -> Option<Cause> {
        let module = self.library.inventory.module(id);
        let facts = self.library.facts(id).filter(|_| module.home == Home::Project)?;
        let path = module.source.as_deref().unwrap_or(&module.path).to_owned();
        facts.faults.first().map(|fault| Cause::Refused { path, fault: fault.clone() })
    }

    pub(super) fn missing(&self, importer: ModuleId, import: &Import, name: &str) -> Cause {
        let asked: Vec<&str> = match &import.what {
            What::From { names, .. } => names.iter().map(|name| name.name.as_str()).collect(),
            _ => Vec::new(),
        };
        let top = top_of(name);
        let distribution = distribution_of(top);
        if self.is_of_distribution(top) && self.declared.asks_for(&distribution) {
            return Cause::NotInstalled { distribution, declared: Declaration::Declared };
        }
        let relative = matches!(import.what, What::From { level, .. } if level > 0);
        let wanted = Wanted { importer, missing: name, names: &asked, when: import.when };
        if !relative && let Some((written, id)) = self.meant_instead(&wanted) {
            let to = self.library.inventory.module(id).name.to_string();
            return match written {
                Written::UnderOldName => Cause::Renamed { to },
                Written::FromInside => Cause::FromInside { to },
            };
        }
        if let Some(cause) = self.miscounted(importer, import) {
            return cause;
        }
        if self.library.inventory.find(top).is_some() || !self.homes.alike(top).is_empty() {
            return Cause::Absent { module: name.to_owned(), alike: self.homes.alike(name) };
        }
        Cause::NotInstalled { distribution, declared: Declaration::Undeclared }
    }

    /// The module of the project that is meant by the name of one that is not there. A top-level name that the project does not have may be
    /// that of a distribution that nobody installed.
    pub(super) fn meant_instead(&self, wanted: &Wanted<'_>) -> Option<(Written, ModuleId)> {
        let top = top_of(wanted.missing);
        if self.library.inventory.find(top).is_some() {
            return self.homes.module(wanted);
        }
        let known = is_standard(self.library.target.version, top);
        if known || self.declared.asks_for(&distribution_of(top)) {
            return None;
        }
        let strangers = self.strangers();
        if strangers.lies_inside(top) {
            let home = self.homes.inside(wanted).filter(|home| wanted.is_clear(home))?;
            return Some((Written::FromInside, home.id));
        }
        if !strangers.was_renamed(top) || self.declared.may_bring(top) {
            return None;
        }
        let home = self.homes.renamed(wanted).filter(|home| home.serves == Serves::All)?;
        Some((Written::UnderOldName, home.id))
    }

    pub(super) fn strangers(&self) -> &Strangers {
        self.strangers.get_or_init(|| Strangers::of(self.library, &self.homes))
    }

    /// The one other number of dots with which a relative import finds a module that has all the names.
    pub(super) fn miscounted(&self, importer: ModuleId, import: &Import) -> Option<Cause> {
        let What::From { level, module, names, .. } = &import.what else { return None };
        if *level == 0 || module.is_empty() {
            return None;
        }
        let resolver = self.library.resolver();
        let depth =
            u32::try_from(self.library.inventory.package_of(importer).split('.').count()).unwrap_or(u32::MAX);
        let others = (1..=depth).filter(|other| other != level).filter_map(|other| {
            let id = self.library.inventory.find(&resolver.absolute(importer, other, module)?)?;
            let serves = |name: &ImportedName| {
                name.name == "*" || self.library.has(id, &name.name, import.when) != Presence::Absent
            };
            names.iter().all(serves).then_some((other, id))
        });
        match others.collect::<Vec<_>>()[..] {
            [(level, id)] => {
                Some(Cause::Miscounted { to: self.library.inventory.module(id).name.to_string(), level })
            }
            _ => None,
        }
    }

    /// What remains of a name once its module is the one that is meant.
    fn after_move(&self, importer: ModuleId, import: &Import, cause: &Cause, name: Option<&str>) -> Cause {
        let remains = || {
            let (Cause::Renamed { to } | Cause::FromInside { to }) = cause else { return None };
            self.name_in(importer, self.library.inventory.find(to)?, name?, import.when)
        };
        match remains() {
            Some(Cause::Refused { .. }) | None => cause.clone(),
            Some(remains) => remains,
        }
    }

    fn doubt(&self, importer: ModuleId, import: &Import) -> Option<(String, Doubt)> {
        let (name, Found::Module(id)) = self.meant(importer, &import.what)? else { return None };
        let module = self.library.inventory.module(id);
        if module.home == Home::Project {
            let beside = self.library.inventory.find(&name).is_none();
            let second = *module.name != *name && !beside && !module.name.is_empty();
            return second.then(|| (name, Doubt::SecondName { first: module.name.to_string() }));
        }
        let distribution = self.distributions.of(&module.path)?;
        let undeclared = !self.declared.is_empty() && !self.declared.has(&distribution.name);
        undeclared.then(|| (name, Doubt::Undeclared { distribution: distribution.name.clone() }))
    }
}

/// Whether an import looks along the search path.
pub(super) const fn is_absolute(what: &What) -> bool {
    matches!(what, What::Module { .. } | What::From { level: 0, .. } | What::Called { level: 0, .. })
}

/// What an import says, for one of its names.
fn written(what: &What, name: Option<usize>) -> String {
    match what {
        What::Module { name, .. } => format!("import {name}"),
        What::From { level, module, names, .. } => {
            let dots = ".".repeat(*level as usize);
            let name = name.map_or_else(String::new, |at| format!(" import {}", names[at].name));
            format!("from {dots}{module}{name}")
        }
        What::Called { name, .. } => format!("import_module({name:?})"),
        What::Below { .. } | What::Anything => String::new(),
    }
}
