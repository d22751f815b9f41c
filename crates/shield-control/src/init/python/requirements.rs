//! Where a Python project names its dependencies.

use std::path::{Path, PathBuf};

use toml::{Table, Value};

use super::super::sources::read_text;

/// Files in the format of pip, the most usual first.
const PIP_FILES: [&str; 4] =
    ["requirements.txt", "requirements/production.txt", "requirements/prod.txt", "requirements/base.txt"];

/// Lock files that pin what `pyproject.toml` names.
const LOCKS: [&str; 2] = ["uv.lock", "poetry.lock"];

/// What lists the dependencies.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Requirements {
    /// A file in the format of pip.
    File(PathBuf),
    /// `[project] dependencies` of this `pyproject.toml`, and the file that pins them.
    Project(PathBuf, Option<PathBuf>),
    /// `[tool.poetry.dependencies]` of this `pyproject.toml`, and the file that pins them.
    Poetry(PathBuf, Option<PathBuf>),
    /// A `Pipfile`.
    Pipfile(PathBuf),
    /// This file describes a package that lists its dependencies only when it is built.
    Package(PathBuf),
    /// Nothing.
    Nowhere,
}

/// The list of dependencies of the project, or of a directory on the way to the application's file: the first that names
/// FastAPI, or else the first.
pub(super) fn requirements(root: &Path, application: &Path) -> Requirements {
    let mut directories: Vec<&Path> = application.ancestors().skip(1).collect();
    directories.reverse();
    let lists: Vec<Requirements> =
        directories.into_iter().flat_map(|directory| lists(root, directory)).collect();
    let naming = lists.iter().find(|list| names_fastapi(root, list));
    naming.or(lists.first()).cloned().unwrap_or(Requirements::Nowhere)
}

/// True when the list itself mentions FastAPI; it may also refer to another file.
pub(super) fn names_fastapi(root: &Path, requirements: &Requirements) -> bool {
    let text = requirements.file().and_then(|file| read_text(&root.join(file))).unwrap_or_default();
    let names = |line: &str| line.trim().to_ascii_lowercase().starts_with("fastapi");
    match requirements {
        Requirements::File(_) => text.lines().any(names),
        _ => text.to_ascii_lowercase().contains("fastapi"),
    }
}

/// True when pytest is among what the list installs: groups for development are not.
pub(super) fn names_pytest(root: &Path, requirements: &Requirements) -> bool {
    let names = |text: &str| text.trim().to_ascii_lowercase().starts_with("pytest");
    let text = requirements.file().and_then(|file| read_text(&root.join(file))).unwrap_or_default();
    let document = || text.parse::<Table>().ok();
    match requirements {
        Requirements::File(_) => text.lines().any(names),
        Requirements::Project(..) => document()
            .and_then(|it| it.get("project")?.get("dependencies")?.as_array().cloned())
            .is_some_and(|list| list.iter().filter_map(Value::as_str).any(names)),
        Requirements::Poetry(..) => document()
            .and_then(|it| it.get("tool")?.get("poetry")?.get("dependencies")?.as_table().cloned())
            .is_some_and(|table| table.keys().any(|name| names(name))),
        Requirements::Pipfile(_) | Requirements::Package(_) | Requirements::Nowhere => false,
    }
}

/// Every list in one directory.
fn lists(root: &Path, directory: &Path) -> Vec<Requirements> {
    let there = |name: &str| Some(directory.join(name)).filter(|file| root.join(file).is_file());
    let mut found: Vec<Requirements> =
        PIP_FILES.into_iter().filter_map(there).map(Requirements::File).collect();
    found.extend(
        there("pyproject.toml").and_then(|file| in_pyproject(root, file, LOCKS.into_iter().find_map(there))),
    );
    found.extend(there("Pipfile").map(Requirements::Pipfile));
    found.extend(["setup.py", "setup.cfg"].into_iter().find_map(there).map(Requirements::Package));
    found
}

fn in_pyproject(root: &Path, file: PathBuf, lock: Option<PathBuf>) -> Option<Requirements> {
    let document: Table = read_text(&root.join(&file))?.parse().ok()?;
    let listed =
        document.get("project").and_then(|project| project.get("dependencies")).and_then(Value::as_array);
    let poetry = document.get("tool").and_then(|tool| tool.get("poetry")?.get("dependencies")?.as_table());
    if listed.is_some_and(|list| !list.is_empty()) {
        Some(Requirements::Project(file, lock))
    } else if poetry.is_some() {
        Some(Requirements::Poetry(file, lock))
    } else {
        document.contains_key("build-system").then_some(Requirements::Package(file))
    }
}

// === impl Requirements ===

impl Requirements {
    /// The file that lists them.
    pub(super) fn file(&self) -> Option<&Path> {
        match self {
            Self::File(file)
            | Self::Project(file, _)
            | Self::Poetry(file, _)
            | Self::Pipfile(file)
            | Self::Package(file) => Some(file),
            Self::Nowhere => None,
        }
    }

    /// The file that pins them.
    pub(super) fn lock(&self) -> Option<&Path> {
        match self {
            Self::Project(_, lock) | Self::Poetry(_, lock) => lock.as_deref(),
            _ => None,
        }
    }
}
