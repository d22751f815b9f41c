//! Go: which packages of vendored modules the project's packages import, and which of their functions they can call.
//!
//! `vendor/` holds the sources of everything a build can need, for any build tags; of modules that are asked for where there is none nothing is
//! said, since what they import of each other is not known. All files count whatever their tags say, except tests. An import is any quoted text that is the path of a
//! package. Where advisories name functions, one that nothing names is never called: see [`calls`].

mod calls;
mod modules;

use std::collections::{BTreeMap, BTreeSet};

use super::{
    Search, Sources, Tier,
    search::{Searched, digest},
    sources::{directory, quoted},
};
use crate::advisories::Match;
use calls::{LINKED, Package};
use modules::Modules;

const METHOD: &str = "package graph of `shield audit`: no import of the project's packages, tests apart, leads through `vendor/` to an affected package, or \
                      nothing that is imported names an affected function";
/// It loads code that nobody compiled in.
const PLUGINS: &str = "plugin";

/// What is imported.
struct Imports<'s, 'a> {
    sources: &'s Sources<'a>,
    modules: &'s Modules<'a>,
    /// The packages that are reached.
    reached: BTreeSet<&'s str>,
    /// The files that import a package, by its path.
    users: BTreeMap<&'s str, BTreeSet<&'a str>>,
    /// Files that may call what they do not import.
    linked: BTreeSet<&'a str>,
}

pub(super) fn search(sources: &Sources<'_>, matches: &[&Match]) -> Option<Searched> {
    let modules = Modules::read(sources)?;
    let imports = Imports::walk(sources, &modules)?;
    let tiers = matches.iter().map(|one| imports.tier(one)).collect();
    let graph = digest(imports.reached.iter().copied());
    let roots = modules.roots().map(str::to_owned).collect();
    Some(Searched { search: Search { method: METHOD, roots, graph }, tiers })
}

// === impl Imports ===

impl<'s, 'a> Imports<'s, 'a> {
    /// From the project's packages through all that they import; none if a file cannot be read, or loads plugins.
    fn walk(sources: &'s Sources<'a>, modules: &'s Modules<'a>) -> Option<Self> {
        let (reached, users, linked) = (BTreeSet::new(), BTreeMap::new(), BTreeSet::new());
        let mut imports = Self { sources, modules, reached, users, linked };
        let mut waiting: Vec<&str> = modules.own().collect();
        while let Some(path) = waiting.pop() {
            if !imports.reached.insert(path) {
                continue;
            }
            for file in modules.files(path) {
                let text = sources.text(file).ok()?;
                for import in quoted(&text) {
                    if import == PLUGINS {
                        return None;
                    }
                    if let Some(import) = modules.package(import) {
                        imports.users.entry(import).or_default().insert(file);
                        waiting.push(import);
                    }
                }
                if text.contains(LINKED) {
                    imports.linked.insert(file);
                }
            }
        }
        Some(imports)
    }

    /// How near the project comes to a vulnerability.
    fn tier(&self, of: &Match) -> Tier {
        let Some(prefixes) = self.modules.prefixes(of.package.name(), &of.version) else {
            return Tier::Unknown;
        };
        let inside = |path: &str| prefixes.iter().any(|prefix| is_below(path, prefix));
        let imported: Vec<&str> = self.reached.iter().copied().filter(|path| inside(path)).collect();
        if imported.is_empty() {
            return Tier::NeverImported;
        }
        // A stand-in has the paths of what it stands for: its advisories speak of others.
        if of.symbols.is_empty() || !prefixes.contains(of.package.name()) {
            return Tier::Imported;
        }
        let mut wanted: BTreeMap<&str, BTreeSet<&str>> = BTreeMap::new();
        for symbol in &of.symbols {
            // The longest path is the package: paths have dots too.
            let package = imported.iter().filter(|path| named_in(symbol, path).is_some());
            if let Some(package) = package.max_by_key(|path| path.len()) {
                wanted.entry(package).or_default().extend(named_in(symbol, package));
            }
        }
        if wanted.is_empty() {
            return Tier::NeverImported;
        }
        let called = wanted.iter().any(|(path, names)| self.may_call(path, names));
        if called { Tier::FunctionReachable } else { Tier::NeverCalled }
    }

    /// Whether anything may call one of these functions of a package; an empty name is all of it.
    fn may_call(&self, path: &str, names: &BTreeSet<&str>) -> bool {
        let texts = |files: &mut dyn Iterator<Item = &'a str>| -> Option<Vec<(&'a str, String)>> {
            files.map(|file| Some((file, self.sources.text(file).ok()?))).collect()
        };
        let own = texts(&mut self.modules.files(path));
        let importing = self.users.get(path).into_iter().flatten();
        let users = texts(&mut importing.chain(&self.linked).copied());
        let (Some(own), Some(users)) = (own, users) else { return true };
        let package = Package::read(own.iter().map(|(file, text)| (*file, text.as_str())));
        package.is_none_or(|package| package.may_call(names, users.iter().map(|(_, text)| text.as_str())))
    }
}

/// Whether a path is that of a module, or of a package in it.
fn is_below(path: &str, module: &str) -> bool {
    path.strip_prefix(module).is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
}

/// What a symbol names in a package; empty if it is the package itself, none if it is about another.
fn named_in<'s>(symbol: &'s str, path: &str) -> Option<&'s str> {
    let rest = symbol.strip_prefix(path)?;
    if rest.is_empty() { Some(rest) } else { rest.strip_prefix('.') }
}

/// The package of a file of a directory `below` a module or vendor directory with this prefix.
fn package_of(prefix: &str, below: &str) -> String {
    match (prefix, directory(below)) {
        (prefix, "") => prefix.to_owned(),
        ("", inner) => inner.to_owned(),
        (prefix, inner) => format!("{prefix}/{inner}"),
    }
}
