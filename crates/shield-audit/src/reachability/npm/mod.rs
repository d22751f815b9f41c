//! npm: which locked packages the project's files can name, and what these need in turn.
//!
//! `package-lock.json` (versions 2 and 3) says what is installed where and what each package needs: an import is resolved as Node does it, so
//! that of two versions one can be out of reach. A package that is reached reaches all that it needs, optional and peer dependencies too, and all
//! that its installed files name: `debug` loads `supports-color` where it is there and hardly says so. Every quoted text of the project's files that could name a package counts, whatever stands around
//! it: `require`, `import`, `export … from`, `require.resolve`, the name of a plugin in a settings file. Programs of packages that are no mere
//! development dependencies count where a script names them; development tools are run by people, as for Python.

mod calls;
mod installed;
mod lock;
mod names;

use std::collections::{BTreeMap, BTreeSet};

use super::{
    Search, Sources, Tier,
    search::{Searched, digest},
};
use crate::advisories::Match;
use installed::Installed;
use lock::Lock;
use names::Names;

const METHOD: &str = "package graph of `shield audit`: no text in the project's files, tests apart, names a locked package that leads to this one by what \
                      packages need";
/// Its packages are looked up too, but it does not say which of them run their code as they are installed.
const OTHER_LOCK: &str = "pnpm-lock.yaml";
const LOCKS: [&str; 2] = ["package-lock.json", "npm-shrinkwrap.json"];

pub(super) fn search(sources: &Sources<'_>, matches: &[&Match]) -> Option<Searched> {
    if !sources.named(&[OTHER_LOCK]).is_empty() {
        return None;
    }
    let mut locks = Vec::new();
    for path in sources.named(&LOCKS) {
        locks.push(Lock::read(path, &sources.text(path).ok()?)?);
    }
    if locks.is_empty() {
        return None;
    }
    let names = Names::read(sources, &locks)?;
    let installed = Installed::of(sources);
    // By name and version: whether anything leads to it.
    let mut reached: BTreeMap<(&str, &str), bool> = BTreeMap::new();
    let mut lines: BTreeSet<String> = BTreeSet::new();
    for lock in &locks {
        let found = lock.reach(&names, &installed)?;
        for (path, package) in &lock.packages {
            let known = found.contains(path.as_str());
            lines.insert(format!("{} {path} {known}", lock.directory));
            *reached.entry((&package.name, &package.version)).or_default() |= known;
        }
    }
    let tiers =
        matches.iter().map(|one| Tier::of_import(reached.get(&(one.package.name(), one.version.as_str()))));
    let tiers = tiers.collect();
    let graph = digest(lines.iter().map(String::as_str));
    let roots = names.roots.into_iter().map(str::to_owned).collect();
    Some(Searched { search: Search { method: METHOD, roots, graph }, tiers })
}
