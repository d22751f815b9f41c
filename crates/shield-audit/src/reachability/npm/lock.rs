//! What a lock file of npm says of who needs whom.

use std::collections::{BTreeMap, BTreeSet};

use aho_corasick::AhoCorasick;
use rustc_hash::FxHashSet;
use serde_json::{Map, Value};

use super::{installed::Installed, names::Names};
use crate::reachability::sources::{below, directory, upwards};

/// No path that a package manager makes is longer, in bytes.
const PATH_BYTES_MAX: usize = 4_096;

/// What is installed for the project of one lock file.
#[derive(Debug)]
pub(super) struct Lock {
    /// Where the file lies; empty is the audited directory.
    pub(super) directory: String,
    /// By the path they are installed at, below that directory.
    pub(super) packages: BTreeMap<String, Package>,
    /// The project's packages that lie outside of that directory, and what they need: their files may not be looked at.
    outside: Vec<(String, Vec<String>)>,
}

/// One installed package.
#[derive(Debug)]
pub(super) struct Package {
    /// What the registry calls it.
    pub(super) name: String,
    pub(super) version: String,
    /// Names of packages that it may load.
    needs: Vec<String>,
    /// Names of its programs.
    pub(super) programs: Vec<String>,
    /// It is only there for development.
    pub(super) development: bool,
    /// Installing it runs its code.
    installs: bool,
    /// It need not be there.
    optional: bool,
}

/// The name that a path is imported by.
pub(super) fn imported(path: &str) -> Option<&str> {
    path.rsplit_once("node_modules/").map(|(_, name)| name)
}

/// The keys of a table in `entry`.
fn keys(entry: &Value, table: &str) -> impl Iterator<Item = String> {
    entry.get(table).and_then(Value::as_object).into_iter().flat_map(Map::keys).cloned()
}

/// The names of what a package may load.
fn needs(entry: &Value) -> Vec<String> {
    let tables = ["dependencies", "optionalDependencies", "peerDependencies", "peerDependenciesMeta"];
    tables.into_iter().flat_map(|table| keys(entry, table)).collect()
}

fn text(entry: &Value, key: &str) -> String {
    entry.get(key).and_then(Value::as_str).unwrap_or_default().to_owned()
}

fn flag(entry: &Value, key: &str) -> bool {
    entry.get(key).and_then(Value::as_bool).unwrap_or_default()
}

// === impl Lock ===

impl Lock {
    /// Understands the text of a lock file; none if it does not say who needs whom.
    pub(super) fn read(path: &str, content: &str) -> Option<Self> {
        let value: Value = serde_json::from_str(content).ok()?;
        let (mut packages, mut outside) = (BTreeMap::new(), Vec::new());
        for (path, entry) in value.get("packages")?.as_object()? {
            if path.len() > PATH_BYTES_MAX {
                return None;
            }
            // What is not below `node_modules` is the project, and so is what a link leads to: its files are looked at.
            if let Some(imported) = imported(path).filter(|_| !flag(entry, "link")) {
                packages.insert(path.clone(), Package::of(imported, entry));
            } else if path.starts_with("..") {
                outside.push((path.clone(), needs(entry)));
            }
        }
        Some(Self { directory: directory(path).to_owned(), packages, outside })
    }

    /// The path at which the directory `from` finds a package of this name, as Node looks for it.
    fn resolve(&self, from: &str, name: &str) -> Option<&str> {
        upwards(from).find_map(|at| {
            let slash = if at.is_empty() { "" } else { "/" };
            let candidate = format!("{at}{slash}node_modules/{name}");
            self.packages.get_key_value(&candidate).map(|(path, _)| path.as_str())
        })
    }

    /// The paths of everything that the project's files lead to; none if a package on the way is not installed, or cannot be read: it may load
    /// what it does not declare.
    pub(super) fn reach(&self, names: &Names<'_>, installed: &Installed<'_, '_>) -> Option<BTreeSet<&str>> {
        let mut reached = BTreeSet::new();
        let open = names.open || self.is_told(names, installed)?;
        let mut unread = self.spread(self.begin(names, open), &mut reached);
        let others = self.packages.keys().filter(|path| !reached.contains(path.as_str()));
        let wanted: FxHashSet<&str> = others.filter_map(|path| imported(path)).collect();
        if wanted.is_empty() {
            return Some(reached);
        }
        let finder = AhoCorasick::new(&wanted).ok()?;
        while let Some(path) = unread.pop() {
            let package = self.installed_at(path);
            if !installed.has(&package) && self.packages.get(path).is_some_and(|package| package.optional) {
                continue;
            }
            let loaded = installed.named_in(&package, &finder, &wanted)?;
            let loaded = loaded.iter().filter_map(|name| self.resolve(path, name)).collect();
            unread.extend(self.spread(loaded, &mut reached));
        }
        Some(reached)
    }

    /// Whether the project tells a package that loads what it is told what to load, and does not say what in its files.
    fn is_told(&self, names: &Names<'_>, installed: &Installed<'_, '_>) -> Option<bool> {
        names.handed.iter().try_fold(false, |told, (at, name)| {
            let from = below(at, &self.directory).or_else(|| (*at == self.directory).then_some(""));
            let Some(path) = from.and_then(|from| self.resolve(from, name)) else { return Some(told) };
            Some(told || installed.is_open(&self.installed_at(path))?)
        })
    }

    /// Where a package lies, below the audited directory.
    fn installed_at(&self, path: &str) -> String {
        let slash = if self.directory.is_empty() { "" } else { "/" };
        format!("{}{slash}{path}", self.directory)
    }

    /// What the project's files name, what installing runs, and what is run. What only the running program knows is `open`.
    fn begin(&self, names: &Names<'_>, open: bool) -> Vec<&str> {
        let mut everywhere: BTreeMap<&str, Vec<&str>> = BTreeMap::new();
        for path in self.packages.keys() {
            everywhere.entry(imported(path).unwrap_or_default()).or_default().push(path);
        }
        let outside = self.outside.iter().flat_map(|(at, needs)| needs.iter().map(move |name| (at, name)));
        let mut waiting: Vec<&str> = outside.filter_map(|(at, name)| self.resolve(at, name)).collect();
        for (at, name) in &names.imported {
            let from = below(at, &self.directory).or_else(|| (*at == self.directory).then_some(""));
            match from.and_then(|from| self.resolve(from, name)) {
                Some(path) => waiting.push(path),
                // What is not where Node looks may be found by whoever knows where it is.
                None => waiting.extend(everywhere.get(name.as_str()).into_iter().flatten()),
            }
        }
        for (path, package) in &self.packages {
            let run = package.programs.iter().any(|program| names.programs.contains(program));
            if package.installs || (!package.development && (open || run)) {
                waiting.push(path);
            }
        }
        waiting
    }

    /// Everything that these packages declare to need, and so on; what was not reached before.
    fn spread<'l>(&'l self, mut waiting: Vec<&'l str>, reached: &mut BTreeSet<&'l str>) -> Vec<&'l str> {
        let mut new = Vec::new();
        while let Some(path) = waiting.pop() {
            if reached.insert(path)
                && let Some(package) = self.packages.get(path)
            {
                new.push(path);
                waiting.extend(package.needs.iter().filter_map(|name| self.resolve(path, name)));
            }
        }
        new
    }
}

// === impl Package ===

impl Package {
    fn of(imported: &str, entry: &Value) -> Self {
        let name = text(entry, "name");
        // One program may be written as a text: it is called as its package.
        let own =
            entry.get("bin").and_then(Value::as_str).map(|_| imported.rsplit('/').next().unwrap_or(imported));
        Self {
            name: if name.is_empty() { imported.to_owned() } else { name },
            version: text(entry, "version"),
            needs: needs(entry),
            programs: keys(entry, "bin").chain(own.map(str::to_owned)).collect(),
            development: flag(entry, "dev"),
            installs: flag(entry, "hasInstallScript"),
            optional: flag(entry, "optional") || flag(entry, "devOptional"),
        }
    }
}
