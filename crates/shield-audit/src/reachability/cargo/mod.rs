//! crates.io: which locked crates the project's own packages build for Linux, their tests apart.
//!
//! `Cargo.lock` says what each crate may need, on any target and with any feature; all of that counts. Only what a package of the project asks for
//! in `dev-dependencies` alone, or only for targets that are not Linux, does not. A crate that is built counts, whether or not its name is written
//! anywhere: macros and linkers need no name.

mod lock;
mod manifest;
mod target;

use std::collections::BTreeMap;

use super::{
    Search, Sources, Tier,
    search::{Searched, digest},
};
use crate::advisories::Match;
use lock::Lock;
use manifest::Manifests;

const METHOD: &str = "crate graph of `shield audit`: no package of the project needs the crate in a build for Linux, dependencies of tests apart";

pub(super) fn search(sources: &Sources<'_>, matches: &[&Match]) -> Option<Searched> {
    let locks = sources.named(&["Cargo.lock"]);
    if locks.is_empty() {
        return None;
    }
    let manifests = Manifests::read(sources);
    // By name and version: whether anything leads to it.
    let mut reached: BTreeMap<(String, String), bool> = BTreeMap::new();
    let mut roots = Vec::new();
    for path in locks {
        let lock = Lock::read(&sources.text(path).ok()?)?;
        for (package, known) in lock.packages.iter().zip(lock.reach(&manifests)) {
            *reached.entry((package.name.clone(), package.version.clone())).or_default() |= known;
        }
        roots.push(path.to_owned());
    }
    roots.extend(manifests.files());
    let tiers = matches
        .iter()
        .map(|one| Tier::of_import(reached.get(&(one.package.name().to_owned(), one.version.clone()))));
    let tiers = tiers.collect();
    let lines: Vec<String> =
        reached.iter().map(|((name, version), known)| format!("{name} {version} {known}")).collect();
    let graph = digest(lines.iter().map(String::as_str));
    Some(Searched { search: Search { method: METHOD, roots, graph }, tiers })
}
