//! `pnpm-lock.yaml`, versions 5 to 9: `packages` by name and version.

use std::collections::BTreeMap;

use serde::Deserialize;

use crate::{
    dependencies::{
        Ecosystem, Manifest, Origin, Package, PackageName, SourceKind,
        form::{Form, MAKE_ANEW},
        lines::Lines,
    },
    finding::Place,
};

/// Brackets in brackets; pnpm writes two.
const DEPTH_MAX: usize = 200;

#[derive(Deserialize)]
struct Lock {
    #[serde(rename = "lockfileVersion")]
    version: Option<String>,
    packages: Option<BTreeMap<String, Option<Entry>>>,
}

#[derive(Deserialize)]
struct Entry {
    name: Option<String>,
    version: Option<String>,
    resolution: Option<Resolution>,
}

#[derive(Deserialize)]
struct Resolution {
    integrity: Option<String>,
    tarball: Option<String>,
    repo: Option<String>,
    directory: Option<String>,
}

/// Reads a lock file of pnpm.
pub(in crate::dependencies) fn read(file: &str, text: &str) -> Manifest {
    let mut manifest = Manifest::new(SourceKind::PnpmLock, file.to_owned());
    let lines = Lines::of(file, text);
    if nested(text) > DEPTH_MAX {
        manifest.refuse(lines.whole(), format!("brackets nest deeper than {DEPTH_MAX}: {MAKE_ANEW}"));
        return manifest;
    }
    let lock = match yaml_serde::from_str::<Lock>(text) {
        Ok(lock) => lock,
        Err(error) => {
            manifest.refuse(lines.whole(), format!("{error}: {MAKE_ANEW}"));
            return manifest;
        }
    };
    Form { version: lock.version.as_deref(), lists: lock.packages.is_some() }
        .judge(&mut manifest, lines.whole());
    let slashes = lock.version.as_deref().is_some_and(|version| version.starts_with('5'));
    let places = places_of(&lines, text);
    for (key, entry) in lock.packages.unwrap_or_default() {
        let place = places.get(key.as_str()).cloned().unwrap_or_else(|| lines.whole());
        match package(&key, entry, slashes, place.clone()) {
            Some(package) => manifest.packages.push(package),
            None => manifest.refuse(place, format!("`{key}` names no version")),
        }
    }
    manifest
}

/// How many brackets are open at most, wherever they stand: the parser takes ever longer for each of them.
fn nested(text: &str) -> usize {
    let count = |(open, most): (usize, usize), byte| match byte {
        b'[' | b'{' => (open + 1, most.max(open + 1)),
        b']' | b'}' => (open.saturating_sub(1), most),
        _ => (open, most),
    };
    text.bytes().fold((0, 0), count).1
}

fn package(key: &str, entry: Option<Entry>, slashes: bool, place: Place) -> Option<Package> {
    let entry = entry.unwrap_or(Entry { name: None, version: None, resolution: None });
    let (name, version) = if slashes { split_slashes(key) } else { split_at(key) }?;
    let (integrity, address) = match entry.resolution {
        Some(found) => (
            found.integrity,
            found.tarball.filter(|_| entry.name.is_some()).or(found.repo).or(found.directory),
        ),
        None => (None, None),
    };
    let strange = version.contains(':')
        || name.contains(':')
        || !version.starts_with(|first: char| first.is_ascii_digit());
    let elsewhere = address.or_else(|| strange.then(|| key.to_owned()));
    Some(Package {
        name: PackageName::new(Ecosystem::Npm, entry.name.as_deref().unwrap_or(name)),
        version: entry.version.unwrap_or_else(|| version.to_owned()),
        origin: elsewhere.map_or(Origin::Registry, Origin::Elsewhere),
        licence: None,
        hashes: integrity.into_iter().collect(),
        place,
    })
}

/// `/@scope/name/1.0.0_peer@2.0.0` of version 5.
fn split_slashes(key: &str) -> Option<(&str, &str)> {
    let (name, version) = key.trim_start_matches('/').rsplit_once('/')?;
    Some((name, version.split('_').next().unwrap_or(version)))
}

/// `/@scope/name@1.0.0(peer@2.0.0)` of version 6, without the slash since 9.
fn split_at(key: &str) -> Option<(&str, &str)> {
    let key = key.trim_start_matches('/').split('(').next()?;
    let scope = usize::from(key.starts_with('@'));
    let at = key.get(scope..)?.find('@')? + scope;
    Some((key.get(..at)?, key.get(at + 1..)?))
}

/// The first line of every key of `packages`.
fn places_of<'a>(lines: &Lines<'_>, text: &'a str) -> BTreeMap<&'a str, Place> {
    let mut places = BTreeMap::new();
    let mut at = 0;
    let mut inside = false;
    for line in text.split_inclusive('\n') {
        let content = line.trim_end();
        if !content.starts_with(' ') && !content.is_empty() {
            inside = content == "packages:";
        }
        let key = content.strip_prefix("  ").filter(|rest| inside && !rest.starts_with(' '));
        if let Some((key, _)) = key.and_then(|rest| rest.rsplit_once(':')) {
            let key = key.trim_matches(['\'', '"']);
            places.entry(key).or_insert_with(|| lines.place(at + 2..at + content.len()));
        }
        at += line.len();
    }
    places
}

#[cfg(test)]
mod tests {
    use super::*;

    fn packages(text: &str) -> Vec<String> {
        let manifest = read("pnpm-lock.yaml", text);
        assert_eq!(manifest.unread, []);
        let line = |one: Package| format!("{}@{} {}", one.name, one.version, one.origin == Origin::Registry);
        manifest.packages.into_iter().map(line).collect()
    }

    #[test]
    fn all_versions_are_read() {
        let five = "lockfileVersion: 5.4\npackages:\n  /@s/a/1.0.0_b@2.0.0:\n    resolution: {integrity: sha512-x}\n  /c/3.0.0:\n    dev: true\n";
        assert_eq!(packages(five), ["@s/a@1.0.0 true", "c@3.0.0 true"]);
        let six = "lockfileVersion: '6.0'\npackages:\n\n  /@s/a@1.0.0(b@2.0.0):\n    resolution: {integrity: sha512-x}\n";
        assert_eq!(packages(six), ["@s/a@1.0.0 true"]);
        let nine = "lockfileVersion: '9.0'\n\npackages:\n\n  '@s/a@1.0.0':\n    resolution: {integrity: sha512-x}\n\n  d@https://example.org/d.tgz:\n    resolution: {tarball: https://example.org/d.tgz}\n    version: 4.0.0\n";
        assert_eq!(packages(nine), ["@s/a@1.0.0 true", "d@4.0.0 false"]);
        assert_eq!(read("p", nine).packages[0].place.span.unwrap().line, 5);
    }

    #[test]
    fn strange_entries_cost_only_themselves() {
        let manifest = read("p", "packages:\n  what:\n    dev: true\n  a@1.0.0: {}\n");
        assert_eq!((manifest.packages.len(), manifest.unread.len()), (1, 1));
        assert_eq!(read("p", "packages: [").unread.len(), 1);
        let deep = read("p", &"[".repeat(1_000_000));
        assert!(deep.unread[0].reason.contains("nest deeper"), "{deep:?}");
    }
}
