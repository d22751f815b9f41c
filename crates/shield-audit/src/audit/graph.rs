//! The import graph of the tree: what cannot be imported, and what is never imported.

use std::{
    collections::{BTreeMap, BTreeSet},
    path::Path,
};

use serde::{Deserialize, Serialize};
use shield_types::Sha256Digest;

use crate::{
    advisories::{Kind, Match},
    dependencies::{Ecosystem, PackageName},
    finding::Finding,
    imports::{
        Declared, Distributions, Files, Home, Inventory, Layout, Library, ModuleId, Packaging, PythonVersion,
        Reach, Surroundings, Surveyor, Target, Usage, is_for_tests, named, reach,
    },
    reachability::{Reachability, Tier},
    report::{Gap, Part},
    tree::Tree,
};

/// The version that is taken where nothing says which runs the project.
const NEWEST: PythonVersion = PythonVersion(13);

/// Which installed modules the project leads to.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct ImportGraph {
    /// Files of installed modules that nothing leads to, as absolute paths.
    pub unreached: BTreeSet<String>,
    /// By installed distribution: its modules, and how many of them are reached.
    pub usage: BTreeMap<String, Usage>,
    /// By installed distribution that has modules of which none is reached: these modules.
    pub never_imported: BTreeMap<String, Vec<String>>,
    /// Where the search began: the project's modules, tests apart.
    pub roots: Vec<String>,
    /// Modules with an import whose name only the running program knows. What they could mean counts as reached.
    pub open: Vec<String>,
    /// The digest of every module with what leads to it: the same graph has the same one.
    pub digest: Option<Sha256Digest>,
    /// How near the project comes to vulnerabilities of packages that are not Python's.
    #[serde(skip)]
    pub others: Reachability,
}

/// What the graph shows.
#[derive(Debug, Default)]
pub(super) struct Imports {
    pub(super) findings: Vec<Finding>,
    pub(super) gaps: Vec<Gap>,
    pub(super) graph: ImportGraph,
}

/// The directories of installed packages in a tree, relative to its root.
pub(super) fn sites(tree: &Tree) -> Vec<String> {
    let mut sites = BTreeSet::new();
    for entry in tree.entries() {
        for mark in ["site-packages/", "dist-packages/"] {
            if let Some((before, _)) = entry.path.split_once(mark)
                && (before.is_empty() || before.ends_with('/'))
            {
                sites.insert(format!("{before}{}", mark.trim_end_matches('/')));
            }
        }
    }
    sites.into_iter().collect()
}

/// What the import graph of a project is made from.
pub(super) struct Parts<'a> {
    pub(super) files: &'a dyn Files,
    pub(super) project: &'a str,
    pub(super) layout: &'a Layout,
    pub(super) library: &'a Library<'a>,
    pub(super) distributions: &'a Distributions,
    pub(super) declared: &'a Declared,
}

/// Shows what the graph of the directory at `root`, an absolute path, is made from, all of it read from `files`, with these directories
/// of installed packages; none where there is no Python, or one file alone is audited: what it may import is not known then.
///
/// # Errors
/// Why there is no graph.
pub(super) fn with_parts<T>(
    files: &dyn Files,
    (root, sites): (&Path, &[String]),
    python: Option<PythonVersion>,
    look: impl FnOnce(&Parts<'_>) -> T,
) -> Result<Option<T>, String> {
    if root.is_file() {
        return Ok(None);
    }
    let Some(project) = root.to_str() else {
        return Err("the import graph needs a directory whose path is UTF-8".to_owned());
    };
    let around =
        Surroundings { project: project.to_owned(), python_path: Vec::new(), site_packages: sites.to_vec() };
    let target = Target { version: version(sites, python), platform: "linux".to_owned() };
    let layout = Layout::discover(files, &around);
    if layout.sources.is_empty() {
        return Ok(None);
    }
    let mut inventory = Inventory::read(files, &layout.roots, target.version);
    inventory.add_scripts(layout.sources.iter().map(String::as_str));
    let library = &Library::new(files, &inventory, target);
    let distributions = &Distributions::read(files, sites);
    let declared = &Declared::read(files, project, &layout);
    Ok(Some(look(&Parts { files, project, layout: &layout, library, distributions, declared })))
}

/// Makes the graph of the directory at `root`, an absolute path, with these directories of installed packages. All that it rests on
/// is said here or read from `files`: what is kept of it is taken where that is the same.
pub(super) fn look(
    files: &dyn Files,
    root: &Path,
    sites: &[String],
    python: Option<PythonVersion>,
) -> Imports {
    match with_parts(files, (root, sites), python, made) {
        Ok(imports) => imports.unwrap_or_default(),
        Err(reason) => Imports { gaps: vec![Gap::of(Part::Imports, ".", reason)], ..Imports::default() },
    }
}

fn made(parts: &Parts<'_>) -> Imports {
    let Parts { files, project, layout, library, .. } = *parts;
    let packaging = Packaging { files, project, library };
    let mut imports = Imports { findings: packaging.project(layout), ..Imports::default() };
    imports.broken(parts, &packaging);
    imports.graph = parts.graph(&mut imports.gaps);
    let unread = layout.unread.iter().chain(&library.inventory.unread).cloned().chain(library.unread());
    imports
        .gaps
        .extend(unread.map(|unread| Gap::of(Part::Imports, relative(project, &unread.path), unread.reason)));
    imports.gaps.sort_unstable();
    imports.gaps.dedup();
    imports
}

/// The version of Python that runs the project.
fn version(sites: &[String], python: Option<PythonVersion>) -> PythonVersion {
    let of_path = |site: &String| {
        let (_, minor) = site.trim_end_matches("/site-packages").rsplit_once("/python3.")?;
        minor.parse().ok().map(PythonVersion)
    };
    python.or_else(|| sites.iter().find_map(of_path)).unwrap_or(NEWEST)
}

/// Said of modules, this one and others, whose loading could not be followed.
fn too_entangled(modules: usize) -> String {
    let others = match modules - 1 {
        0 => String::new(),
        others => format!(" (of this module and {others} more)"),
    };
    format!("imports in each other too often{others}: whether a circle is met when it is loaded is not known")
}

/// Whether a file of the project is only there for its tests: nobody starts at it.
fn is_of_tests(project: &str, path: &str) -> bool {
    relative(project, path).trim_end_matches(".py").split('/').any(is_for_tests)
}

fn relative<'a>(project: &str, path: &'a str) -> &'a str {
    path.strip_prefix(project).map_or(path, |rest| rest.trim_start_matches('/'))
}

// === impl ImportGraph ===

impl ImportGraph {
    /// How near the project comes to a vulnerability. What is malicious need not be imported.
    #[must_use]
    pub fn tier(&self, vulnerability: &Match) -> Tier {
        let package = &vulnerability.package;
        match package.ecosystem() {
            _ if vulnerability.kind == Kind::Malicious => Tier::Unknown,
            Ecosystem::PyPi if self.modules_never_imported(package).is_some() => Tier::NeverImported,
            Ecosystem::PyPi if self.usage.get(package.name()).is_some_and(|usage| usage.reached > 0) => {
                Tier::Imported
            }
            _ => self.others.tier(vulnerability),
        }
    }

    /// The modules of an installed package of which the project imports none; none if it does, or if that cannot be said.
    #[must_use]
    pub fn modules_never_imported(&self, package: &PackageName) -> Option<&[String]> {
        let python = package.ecosystem() == Ecosystem::PyPi;
        self.never_imported.get(package.name()).filter(|_| python).map(Vec::as_slice)
    }
}

// === impl Parts ===

impl<'a> Parts<'a> {
    /// What looks for imports that cannot work, and plans their repair.
    pub(super) fn surveyor(&self) -> Surveyor<'a> {
        Surveyor::new(self.library, (self.project, self.layout), self.declared, self.distributions)
    }
}

// === impl Imports ===

impl Imports {
    /// Imports that cannot work. Where no packages are installed, nothing can be said of those that would come from one.
    fn broken(&mut self, parts: &Parts<'_>, packaging: &Packaging<'_>) {
        let layout = parts.layout;
        let surveyor = parts.surveyor();
        let survey = surveyor.survey(&layout.sources);
        self.findings.extend(packaging.broken(&survey));
        let (circles, unfinished) = packaging.circles(&layout.sources, &survey);
        self.findings.extend(circles);
        self.gaps.extend(unfinished.first().map(|first| {
            let path = relative(parts.project, &parts.library.inventory.module(*first).path);
            Gap::of(Part::Imports, path, too_entangled(unfinished.len()))
        }));
        self.findings.sort_by(|left, right| {
            (&left.place, left.rule.id, &left.subject).cmp(&(&right.place, right.rule.id, &right.subject))
        });
        self.findings.dedup_by(|later, earlier| {
            (&later.place, later.rule.id, &later.subject)
                == (&earlier.place, earlier.rule.id, &earlier.subject)
        });
    }
}

// === impl Parts ===

impl Parts<'_> {
    /// Where the search begins: the project's modules, tests apart, what runs at every start, and what the project's texts name.
    pub(super) fn roots(&self, gaps: &mut Vec<Gap>) -> Vec<ModuleId> {
        let inventory = self.library.inventory;
        let at_start = self.layout.at_start.iter().filter_map(|name| inventory.find(name));
        let modules: BTreeSet<&str> = self.layout.sources.iter().map(String::as_str).collect();
        let texts: Vec<&str> = self.own(&self.layout.texts).map(String::as_str).collect();
        let named = named(self.files, &texts, (inventory, &modules), self.distributions);
        gaps.extend(
            named
                .unread
                .iter()
                .map(|one| Gap::of(Part::Imports, relative(self.project, &one.path), &one.reason)),
        );
        let own = self.own(&self.layout.sources).filter_map(|path| inventory.at(path));
        own.chain(at_start).chain(named.modules).collect()
    }

    /// The files that are not for tests.
    fn own<'f>(&self, files: &'f [String]) -> impl Iterator<Item = &'f String> {
        let project = self.project;
        files.iter().filter(move |path| !is_of_tests(project, path))
    }

    /// What is reached from everything of the project that is no test.
    fn graph(&self, gaps: &mut Vec<Gap>) -> ImportGraph {
        let inventory = self.library.inventory;
        let roots = self.roots(gaps);
        let reached = reach(self.library, self.distributions, &roots);
        gaps.extend(
            reached
                .unread
                .iter()
                .map(|one| Gap::of(Part::Imports, relative(self.project, &one.path), &one.reason)),
        );
        let installed = inventory.modules().filter(|(_, module)| module.home == Home::Site);
        let unreached = installed.filter(|(id, _)| reached.link(*id).is_none());
        let usage = reached.usage(inventory, self.distributions);
        let mut never_imported: BTreeMap<String, Vec<String>> = BTreeMap::new();
        for (_, module) in inventory.modules().filter(|(_, module)| module.home == Home::Site) {
            let of = self.distributions.of(&module.path).map(|found| &found.name);
            if let Some(name) =
                of.filter(|name| usage.get(name.as_str()).is_some_and(|usage| usage.reached == 0))
            {
                never_imported.entry(name.clone()).or_default().push(module.name.to_string());
            }
        }
        ImportGraph {
            never_imported,
            unreached: unreached.map(|(_, module)| module.path.to_string()).collect(),
            usage: usage.into_iter().map(|(name, usage)| (name.to_owned(), usage)).collect(),
            roots: self
                .own(&self.layout.sources)
                .map(|path| relative(self.project, path).to_owned())
                .collect(),
            open: reached.open.iter().map(|id| inventory.module(*id).name.to_string()).collect(),
            digest: Some(digest(inventory, &reached)),
            others: Reachability::default(),
        }
    }
}

/// One line a module: its name, and the one that leads to it.
fn digest(inventory: &Inventory, reached: &Reach) -> Sha256Digest {
    let mut lines: Vec<String> = inventory
        .modules()
        .map(|(id, module)| match reached.link(id) {
            None => format!("{} -\n", module.name),
            Some(link) => {
                let from = link.from.map(|from| &*inventory.module(from).name).unwrap_or_default();
                format!("{} {:?} {from}\n", module.name, link.via)
            }
        })
        .collect();
    lines.sort_unstable();
    Sha256Digest::of(lines.concat().as_bytes())
}
