//! All files of a project that say something of packages, and which of them to believe.
//!
//! One directory may have a lock file, two lists and an installed environment. What is installed is believed before what is
//! locked, and that before what is asked for (the order of [`SourceKind`]); which file was believed is part of the answer, and
//! where they disagree is a finding of [`super::find_disagreements`].

use std::{
    collections::{BTreeMap, BTreeSet, VecDeque},
    io,
};

use serde::Serialize;

use super::{Ecosystem, Include, Manifest, Package, SourceKind, read_manifest};
use crate::finding::Place;

/// Files that one project may name; more are refused by name.
const FILES_MAX: usize = 10_000;

/// What all files of a project say.
#[derive(Debug, Default)]
pub struct Project {
    /// In order of the files.
    pub manifests: Vec<Manifest>,
}

/// Which files were believed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Believed {
    /// In which directory; empty: the audited one.
    pub directory: String,
    /// Whose packages.
    pub ecosystem: Ecosystem,
    /// What kind of file.
    pub kind: SourceKind,
    /// The files.
    pub files: Vec<String>,
    /// What they say is used, each version of each package once.
    pub packages: Vec<Package>,
}

/// Reads the files whose names say what they are, and whatever these name in turn (`-r`). Paths are relative to the audited
/// directory; `read` gives the bytes of one.
pub fn read_project(paths: &[String], read: impl Fn(&str) -> io::Result<Vec<u8>>) -> Project {
    let mut known: BTreeSet<String> = BTreeSet::new();
    let mut waiting: VecDeque<Waiting> = VecDeque::new();
    for path in paths {
        if let Some(kind) = SourceKind::of(path).filter(|_| known.insert(path.clone())) {
            waiting.push_back(Waiting { path: path.clone(), kind, constraint: false, named: None });
        }
    }
    let mut manifests: BTreeMap<String, Manifest> = BTreeMap::new();
    let mut constraints: BTreeSet<String> = BTreeSet::new();
    while let Some(Waiting { path, kind, constraint, named }) = waiting.pop_front() {
        let mut manifest = match read(&path) {
            Ok(bytes) => read_manifest(kind, &path, &bytes),
            Err(error) => unreadable(kind, &path, named, &error),
        };
        for include in &manifest.includes {
            let target = joined(&path, &include.file);
            let constraint = constraint || include.constraint;
            if constraint {
                constraints.insert(target.clone());
            }
            if known.len() < FILES_MAX && known.insert(target.clone()) {
                let (kind, named) = (SourceKind::Requirements, Some(include.clone()));
                waiting.push_back(Waiting { path: target, kind, constraint, named });
            }
        }
        for folder in std::mem::take(&mut manifest.folders) {
            let target = joined(&path, &folder.file);
            let absolute = folder.file.starts_with('/');
            if absolute || !paths.iter().any(|path| builds(path, &target)) {
                let reason = format!("`{}` is no folder of a package in the audited directory", folder.file);
                manifest.refuse(folder.place.clone(), reason);
            }
            manifest.folders.push(folder);
        }
        if known.len() >= FILES_MAX {
            manifest.refuse(Place { file: path.clone(), span: None }, format!("more than {FILES_MAX} files"));
        }
        manifests.insert(path, manifest);
    }
    let manifests = manifests.into_values().map(|mut manifest| {
        if constraints.contains(&manifest.file) {
            manifest.packages.clear();
            manifest.requirements.iter_mut().for_each(|one| one.constraint = true);
        }
        manifest
    });
    Project { manifests: manifests.collect() }
}

struct Waiting {
    path: String,
    kind: SourceKind,
    constraint: bool,
    named: Option<Include>,
}

fn unreadable(kind: SourceKind, path: &str, named: Option<Include>, error: &io::Error) -> Manifest {
    let mut manifest = Manifest::new(kind, path.to_owned());
    let place = named.map_or_else(|| Place { file: path.to_owned(), span: None }, |include| include.place);
    manifest.refuse(place, format!("`{path}`: {error}"));
    manifest
}

/// Whether a file says how a distribution is built from a directory.
fn builds(file: &str, directory: &str) -> bool {
    let (folder, name) = file.rsplit_once('/').unwrap_or(("", file));
    folder == directory && matches!(name, "pyproject.toml" | "setup.py" | "setup.cfg")
}

/// A path relative to a file's directory. One that leads out of the audited directory keeps its `..`.
fn joined(file: &str, relative: &str) -> String {
    let mut parts: Vec<&str> = file.split('/').collect();
    parts.pop();
    for part in relative.split('/') {
        match part {
            "" | "." => {}
            ".." if parts.last().is_some_and(|last| *last != "..") => {
                parts.pop();
            }
            _ => parts.push(part),
        }
    }
    parts.join("/")
}

// === impl Project ===

impl Project {
    /// For every directory and ecosystem the files to believe: those of the first kind that says what is used.
    #[must_use]
    pub fn believed(&self) -> Vec<Believed> {
        let mut kinds: BTreeMap<(&str, Ecosystem), SourceKind> = BTreeMap::new();
        let used = || self.manifests.iter().filter(|manifest| !manifest.packages.is_empty());
        for manifest in used() {
            let key = (manifest.directory(), manifest.kind.ecosystem());
            let kind = kinds.entry(key).or_insert(manifest.kind);
            *kind = manifest.kind.min(*kind);
        }
        let believed = kinds.into_iter().map(|((directory, ecosystem), kind)| {
            let chosen: Vec<_> = used()
                .filter(|manifest| manifest.kind == kind && manifest.directory() == directory)
                .collect();
            let mut seen = BTreeSet::new();
            let packages = chosen.iter().flat_map(|manifest| &manifest.packages);
            let packages =
                packages.filter(|package| seen.insert((&package.name, &package.version, &package.origin)));
            Believed {
                directory: directory.to_owned(),
                ecosystem,
                kind,
                packages: packages.cloned().collect(),
                files: chosen.iter().map(|manifest| manifest.file.clone()).collect(),
            }
        });
        believed.collect()
    }
}

// === impl Manifest ===

impl Manifest {
    /// The directory that it speaks for; empty: the audited one. All of one installed environment is one directory.
    #[must_use]
    pub fn directory(&self) -> &str {
        let (directory, _) = self.file.rsplit_once('/').unwrap_or_default();
        match self.kind {
            SourceKind::Installed => directory.rsplit_once('/').unwrap_or_default().0,
            _ => directory,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn project(files: &[(&str, &str)]) -> Project {
        let paths: Vec<_> = files.iter().map(|(path, _)| (*path).to_owned()).collect();
        read_project(&paths, |path| {
            let found = files.iter().find(|(name, _)| *name == path);
            found
                .map(|(_, text)| text.as_bytes().to_vec())
                .ok_or_else(|| io::Error::from(io::ErrorKind::NotFound))
        })
    }

    #[test]
    fn named_files_are_followed_once() {
        let project = project(&[
            ("requirements.txt", "-r deps/base.list\n-c limits\n-r none.txt\n"),
            ("deps/base.list", "-r ../requirements.txt\na==1\n"),
            ("limits", "a==2\n"),
        ]);
        let files: Vec<_> =
            project.manifests.iter().map(|one| (one.file.as_str(), one.packages.len())).collect();
        assert_eq!(files, [("deps/base.list", 1), ("limits", 0), ("none.txt", 0), ("requirements.txt", 0)]);
        assert!(project.manifests[1].requirements[0].constraint);
        let unread = &project.manifests[2].unread[0];
        assert_eq!((unread.place.file.as_str(), unread.place.span.unwrap().line), ("requirements.txt", 3));
    }

    #[test]
    fn folders_of_the_tree_are_read_by_themselves() {
        let project = project(&[
            ("svc/requirements.txt", "-e ../libs/common\n-e .\n-e ../../away\n-e ../none\n-e /libs/common\n"),
            ("svc/setup.py", ""),
            ("libs/common/pyproject.toml", "[project]\nname = 'common'\n"),
        ]);
        let unread = project.manifests.iter().flat_map(|manifest| &manifest.unread);
        let lines: Vec<_> = unread.map(|one| one.place.span.unwrap().line).collect();
        assert_eq!(lines, [3, 4, 5]);
    }

    #[test]
    fn locks_are_believed_before_lists() {
        let project = project(&[
            ("requirements.txt", "a==1\n"),
            ("requirements-dev.txt", "a==1\nc==1\n"),
            ("uv.lock", "[[package]]\nname = \"a\"\nversion = \"2\"\nsource = {registry = \"x\"}\n"),
            ("web/package-lock.json", "{\"packages\": {\"node_modules/a\": {\"version\": \"3.0.0\"}}}"),
            ("sub/requirements.txt", "a==4\n"),
            ("sub/requirements-dev.txt", "a==4\n"),
        ]);
        let believed = project.believed();
        let of: Vec<_> =
            believed.iter().map(|one| (one.directory.as_str(), one.kind, one.packages.len())).collect();
        assert_eq!(
            of,
            [
                ("", SourceKind::UvLock, 1),
                ("sub", SourceKind::Requirements, 1),
                ("web", SourceKind::PackageLock, 1)
            ]
        );
        assert_eq!(believed[1].files.len(), 2);
    }

    #[test]
    fn paths_are_joined() {
        assert_eq!(joined("a/b/r.txt", "../c/./d.txt"), "a/c/d.txt");
        assert_eq!(joined("r.txt", "../../x.txt"), "../../x.txt");
    }
}
