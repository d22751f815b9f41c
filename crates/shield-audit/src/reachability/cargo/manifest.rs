//! What the project's own `Cargo.toml` say about why something is needed.

use std::collections::{BTreeMap, BTreeSet};

use toml::{Table, Value};

use super::target::is_other;
use crate::reachability::Sources;

/// All of them, by the name of their package.
#[derive(Debug, Default)]
pub(super) struct Manifests {
    packages: BTreeMap<String, Vec<Wants>>,
    files: Vec<String>,
}

/// What one package asks for.
#[derive(Debug, Default)]
struct Wants {
    /// To be built for Linux.
    built: BTreeSet<String>,
    /// For tests, or for others.
    besides: BTreeSet<String>,
}

// === impl Manifests ===

impl Manifests {
    /// Reads those that can be read: of the others' packages everything counts.
    pub(super) fn read(sources: &Sources<'_>) -> Self {
        let texts = sources.named(&["Cargo.toml"]).into_iter();
        let tables: Vec<(&str, Table)> =
            texts.filter_map(|path| Some((path, sources.text(path).ok()?.parse().ok()?))).collect();
        // What packages inherit may have another name than its key.
        let mut inherited: BTreeMap<&str, BTreeSet<String>> = BTreeMap::new();
        let shared =
            tables.iter().filter_map(|(_, table)| table.get("workspace")?.get("dependencies")?.as_table());
        for (key, entry) in shared.flatten() {
            inherited.entry(key).or_default().insert(package(key, entry));
        }
        let mut manifests = Self::default();
        for (path, table) in &tables {
            let name = table.get("package").and_then(|package| package.get("name")?.as_str());
            if let Some(name) = name {
                manifests.packages.entry(name.to_owned()).or_default().push(Wants::of(table, &inherited));
                manifests.files.push((*path).to_owned());
            }
        }
        manifests
    }

    /// Whether every package of this name only asks for `needed` besides what is built for Linux.
    pub(super) fn leave_out(&self, package: &str, needed: &str) -> bool {
        self.packages.get(package).is_some_and(|all| {
            all.iter().all(|wants| wants.besides.contains(needed) && !wants.built.contains(needed))
        })
    }

    pub(super) fn files(self) -> Vec<String> {
        self.files
    }
}

/// The name of the package that an entry is about.
fn package(key: &str, entry: &Value) -> String {
    entry.get("package").and_then(Value::as_str).unwrap_or(key).to_owned()
}

/// A table by one of its two spellings.
fn tables<'t>(table: &'t Table, name: &str) -> impl Iterator<Item = &'t Table> + use<'t> {
    let spellings = BTreeSet::from([name.to_owned(), name.replace('-', "_")]);
    spellings.into_iter().filter_map(|name| table.get(&name)?.as_table())
}

// === impl Wants ===

impl Wants {
    fn of(table: &Table, inherited: &BTreeMap<&str, BTreeSet<String>>) -> Self {
        let mut wants = Self::default();
        wants.add(table, None, inherited);
        for (target, inner) in tables(table, "target").flatten() {
            if let Some(inner) = inner.as_table() {
                wants.add(inner, Some(target), inherited);
            }
        }
        wants
    }

    /// What a table asks for, on one target or on all.
    fn add(&mut self, table: &Table, target: Option<&str>, inherited: &BTreeMap<&str, BTreeSet<String>>) {
        let other = target.is_some_and(is_other);
        for (name, besides) in
            [("dependencies", other), ("build-dependencies", other), ("dev-dependencies", true)]
        {
            let into = if besides { &mut self.besides } else { &mut self.built };
            for (key, entry) in tables(table, name).flatten() {
                into.insert(package(key, entry));
                if entry.get("workspace").is_some() {
                    into.extend(inherited.get(key.as_str()).into_iter().flatten().cloned());
                }
            }
        }
    }
}
