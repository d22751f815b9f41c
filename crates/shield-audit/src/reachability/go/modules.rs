//! Which packages there are, and of which modules.

use std::collections::{BTreeMap, BTreeSet};

use super::package_of;
use crate::{
    languages::Language,
    reachability::sources::{Sources, below, directory, name, upwards},
};

/// The packages of a project and of what it has vendored.
#[derive(Debug)]
pub(super) struct Modules<'a> {
    /// The files of every package, tests apart.
    packages: BTreeMap<String, Vec<&'a str>>,
    /// Which of them are the project's.
    own: BTreeSet<String>,
    /// Modules that are vendored: by name, the version and the prefix of their packages' paths.
    vendored: BTreeMap<String, BTreeSet<(String, String)>>,
    /// Names and versions of modules that are asked for where nothing is vendored: what leads to them is not known.
    elsewhere: BTreeSet<(String, String)>,
}

/// Modules of a list of vendored ones: `# path version`, `# path version => path version`.
fn listed(text: &str) -> impl Iterator<Item = (&str, &str, &str)> {
    text.lines().filter_map(|line| line.strip_prefix("# ")).flat_map(|line| {
        let words: Vec<&str> = line.split_whitespace().collect();
        match words.as_slice() {
            [path, version] => vec![(*path, *version, *path)],
            [path, version, "=>", with, new] => vec![(*path, *version, *path), (*with, *new, *path)],
            [path, "=>", with, new] => vec![(*with, *new, *path)],
            // A directory stands in: its version says nothing of advisories.
            _ => Vec::new(),
        }
    })
}

/// The path of the module that a `go.mod` is about.
fn module(text: &str) -> Option<&str> {
    let line = text.lines().find_map(|line| line.trim_start().strip_prefix("module "))?;
    let path = line.split("//").next().unwrap_or(line).trim().trim_matches(['"', '`']);
    (!path.is_empty()).then_some(path)
}

/// Whether a file is code that something else than a test runs.
fn is_code(path: &str) -> bool {
    [".go", ".s"].iter().any(|ending| path.ends_with(ending)) && !Language::Go.is_test(path)
}

/// Every two words that stand beside each other: among them the names and versions of a `go.mod` or `go.sum`.
fn pairs(text: &str) -> impl Iterator<Item = (String, String)> {
    text.lines().flat_map(|line| {
        let words: Vec<&str> = line.split_whitespace().collect();
        let pair = |pair: &[&str]| (pair[0].to_owned(), pair[1].trim_end_matches("/go.mod").to_owned());
        words.windows(2).map(pair).collect::<Vec<_>>()
    })
}

// === impl Modules ===

impl<'a> Modules<'a> {
    /// Finds them; none if a file that says so cannot be read or understood.
    pub(super) fn read(sources: &Sources<'a>) -> Option<Self> {
        let lists = sources.named(&["modules.txt"]).into_iter();
        let lists: Vec<&str> = lists.filter(|path| name(directory(path)) == "vendor").collect();
        let vendors: BTreeSet<&str> = lists.iter().map(|list| directory(list)).collect();
        let mut vendored: BTreeMap<String, BTreeSet<(String, String)>> = BTreeMap::new();
        for list in lists {
            for (name, version, prefix) in listed(&sources.text(list).ok()?) {
                vendored.entry(name.to_owned()).or_default().insert((version.to_owned(), prefix.to_owned()));
            }
        }
        let vendor = |path: &'a str| upwards(directory(path)).find(|at| vendors.contains(at));
        let homes: BTreeSet<&str> = vendors.iter().map(|vendor| directory(vendor)).collect();
        // What a workspace has vendored stands above its modules.
        let works: BTreeSet<&str> = sources.named(&["go.work"]).into_iter().map(directory).collect();
        let provided =
            |at: &str| homes.contains(at) || upwards(at).any(|at| homes.contains(at) && works.contains(at));
        let mut modules: BTreeMap<&str, String> = BTreeMap::new();
        let mut elsewhere = BTreeSet::new();
        for manifest in sources.named(&["go.mod", "go.sum"]) {
            let at = directory(manifest);
            if vendor(manifest).is_some() || Language::Go.is_test(manifest) {
                continue;
            }
            let text = sources.text(manifest).ok()?;
            if !provided(at) {
                elsewhere.extend(pairs(&text));
            }
            if name(manifest) == "go.mod" {
                modules.insert(at, module(&text)?.to_owned());
            }
        }
        let mut packages: BTreeMap<String, Vec<&str>> = BTreeMap::new();
        let mut own = BTreeSet::new();
        for path in sources.paths().filter(|path| is_code(path)) {
            let package = match vendor(path) {
                Some(vendor) => package_of("", below(path, vendor).unwrap_or(path)),
                None => {
                    // Code of no module is run by itself.
                    let of = upwards(directory(path)).find_map(|at| modules.get_key_value(at));
                    let (at, prefix) = of.map_or(("", "."), |(at, prefix)| (*at, prefix));
                    let package = package_of(prefix, below(path, at).unwrap_or(path));
                    own.insert(package.clone());
                    package
                }
            };
            packages.entry(package).or_default().push(path);
        }
        Some(Self { packages, own, vendored, elsewhere })
    }

    /// The project's packages.
    pub(super) fn own(&self) -> impl Iterator<Item = &str> {
        self.own.iter().map(String::as_str)
    }

    /// The files that the search begins with.
    pub(super) fn roots(&self) -> impl Iterator<Item = &'a str> {
        self.own.iter().flat_map(|package| self.files(package))
    }

    /// The files of a package.
    pub(super) fn files(&self, package: &str) -> impl Iterator<Item = &'a str> {
        self.packages.get(package).into_iter().flatten().copied()
    }

    /// The package of this path.
    pub(super) fn package(&self, path: &str) -> Option<&str> {
        self.packages.get_key_value(path).map(|(path, _)| path.as_str())
    }

    /// What the paths of a module's packages begin with; none if the sources that are there are of another version, or are not known to be of
    /// this one.
    pub(super) fn prefixes(&self, module: &str, version: &str) -> Option<BTreeSet<&str>> {
        if self.elsewhere.contains(&(module.to_owned(), version.to_owned())) {
            return None;
        }
        let listed = self.vendored.get(module)?;
        let all_this = listed.iter().all(|(listed, _)| listed == version);
        all_this.then(|| listed.iter().map(|(_, prefix)| prefix.as_str()).collect())
    }
}
