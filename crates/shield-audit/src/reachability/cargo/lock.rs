//! What `Cargo.lock` says of who needs whom.

use std::collections::BTreeMap;

use serde::Deserialize;

use super::manifest::Manifests;

/// What is locked.
#[derive(Debug, Deserialize)]
pub(super) struct Lock {
    #[serde(rename = "package", default)]
    pub(super) packages: Vec<Package>,
}

/// One crate in one version.
#[derive(Debug, Deserialize)]
pub(super) struct Package {
    pub(super) name: String,
    pub(super) version: String,
    /// Where it comes from; the project's own come from nowhere.
    source: Option<String>,
    /// `name`, `name version` or `name version (source)`.
    #[serde(default)]
    dependencies: Vec<String>,
}

// === impl Lock ===

impl Lock {
    /// Understands the text of a lock file; none if it is none.
    pub(super) fn read(text: &str) -> Option<Self> {
        toml::from_str(text).ok()
    }

    /// For each package whether one of the project's own leads to it.
    pub(super) fn reach(&self, manifests: &Manifests) -> Vec<bool> {
        let mut by_name: BTreeMap<&str, Vec<usize>> = BTreeMap::new();
        for (at, package) in self.packages.iter().enumerate() {
            by_name.entry(&package.name).or_default().push(at);
        }
        let mut reached = vec![false; self.packages.len()];
        let own = self.packages.iter().enumerate().filter(|(_, package)| package.source.is_none());
        let mut waiting: Vec<usize> = own.map(|(at, _)| at).collect();
        while let Some(at) = waiting.pop() {
            if std::mem::replace(&mut reached[at], true) {
                continue;
            }
            let package = &self.packages[at];
            for needed in &package.dependencies {
                let mut words = needed.split_whitespace();
                let (Some(name), version) = (words.next(), words.next()) else { continue };
                if package.source.is_none() && manifests.leave_out(&package.name, name) {
                    continue;
                }
                let named = by_name.get(name).into_iter().flatten().copied();
                let meant =
                    named.filter(|at| version.is_none_or(|version| self.packages[*at].version == version));
                waiting.extend(meant.filter(|at| !reached[*at]));
            }
        }
        reached
    }
}
