//! What installed packages load without declaring it.

use std::collections::{BTreeMap, BTreeSet};

use aho_corasick::AhoCorasick;
use rustc_hash::FxHashSet;

use super::{
    calls::is_open,
    names::{is_installed_code, is_program, packages_in},
};
use crate::reachability::sources::{Sources, quoted};

/// The files of installed packages.
#[derive(Debug)]
pub(super) struct Installed<'s, 'a> {
    sources: &'s Sources<'a>,
    /// By the path of the package, what of it is code.
    files: BTreeMap<&'a str, Vec<&'a str>>,
}

/// The package that an installed file belongs to: `node_modules/@s/a` of `node_modules/@s/a/lib/b.js`.
fn package_of(path: &str) -> Option<&str> {
    let start = path.rfind("node_modules/")? + "node_modules/".len();
    let names = if path[start..].starts_with('@') { 2 } else { 1 };
    let (end, _) = path[start..].match_indices('/').nth(names - 1)?;
    Some(&path[..start + end])
}

// === impl Installed ===

impl<'s, 'a> Installed<'s, 'a> {
    pub(super) fn of(sources: &'s Sources<'a>) -> Self {
        let mut files: BTreeMap<&str, Vec<&str>> = BTreeMap::new();
        for path in sources.installed() {
            let Some(package) = package_of(path) else { continue };
            let of = files.entry(package).or_default();
            if is_installed_code(path) {
                of.push(path);
            }
        }
        Self { sources, files }
    }

    /// Whether a package is there.
    pub(super) fn has(&self, package: &str) -> bool {
        self.files.contains_key(package)
    }

    /// Whether a package loads what it is told when it runs; none if it is not there or cannot be read.
    pub(super) fn is_open(&self, package: &str) -> Option<bool> {
        let files = self.files.get(package)?;
        files.iter().try_fold(false, |open, file| Some(open || is_open(&self.sources.text(file).ok()?)))
    }

    /// Which of the `wanted` packages, that `finder` finds, the files of a package name; none if the package is not there or cannot be read.
    pub(super) fn named_in(
        &self,
        package: &str,
        finder: &AhoCorasick,
        wanted: &FxHashSet<&str>,
    ) -> Option<BTreeSet<String>> {
        let files = self.files.get(package)?;
        let mut names = BTreeSet::new();
        for file in files {
            let text = self.sources.text(file).ok()?;
            if is_program(file, &text) && finder.is_match(&text) {
                let packages = quoted(&text).flat_map(packages_in).filter(|name| wanted.contains(name));
                names.extend(packages.map(str::to_owned));
            }
        }
        Some(names)
    }
}
