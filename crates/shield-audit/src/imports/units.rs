//! Folders of a project that are built or started by themselves: services and libraries of one repository.
//!
//! What such a folder builds can be installed beside any other, so that its modules are found by the names that it gives them. By the names
//! that the repository as a whole would give them they are found by nobody: each unit runs without the folders around it.

use super::{
    files::{Files, join},
    layout::{manifest, packaged, value_at},
    own_path::normal,
};

/// Files beside which a program is built or started.
const STARTED: [&str; 9] = [
    "Dockerfile",
    "Pipfile",
    "Procfile",
    "environment.yml",
    "manage.py",
    "pyproject.toml",
    "setup.cfg",
    "setup.py",
    "tox.ini",
];

/// The units below a project's folder.
#[derive(Clone, Copy, Debug)]
pub(super) struct Units<'a> {
    /// The project's folder.
    pub(super) project: &'a str,
    /// The folders.
    pub(super) folders: &'a [String],
}

/// Whether a file of this name stands where a program is built or started.
pub(super) fn marks_unit(name: &str) -> bool {
    let requirements =
        name.starts_with("requirements") && [".txt", ".in"].iter().any(|end| name.ends_with(end));
    STARTED.contains(&name) || requirements
}

/// Whether a path lies in a folder, however deep.
pub(super) fn lies_in(path: &str, folder: &str) -> bool {
    folder.is_empty() || path.strip_prefix(folder).is_some_and(|rest| rest.starts_with('/'))
}

/// Whether a path is that of a folder or lies in it, by the names in both: `/a/bc` does not lie in `/a/b`.
pub(super) fn is_within(path: &str, folder: &str) -> bool {
    let folder = folder.trim_end_matches('/');
    path == folder || lies_in(path, folder)
}

// === impl Units ===

impl<'a> Units<'a> {
    /// The units that a file lies in.
    pub(super) fn around(self, path: &'a str) -> impl Iterator<Item = &'a str> {
        self.folders.iter().map(String::as_str).filter(move |folder| lies_in(path, folder))
    }

    /// The innermost of them; the project's folder if there is none.
    fn of(self, path: &str) -> &'a str {
        let around = self.folders.iter().filter(|folder| lies_in(path, folder));
        around.max_by_key(|folder| folder.len()).map_or(self.project, String::as_str)
    }

    /// Whether a file can mean what lies at `path` by the name that the whole project gives it.
    pub(super) fn shows(self, file: &str, path: &str) -> bool {
        lies_in(file, self.of(path))
    }

    /// The folders that distributions of the units put on the search path of whoever installs them.
    pub(super) fn brought(self, files: &dyn Files) -> Vec<String> {
        let built = self.folders.iter().filter(|unit| is_distribution(files, unit));
        let roots = |unit: &String| {
            let named = packaged(files, unit).into_iter().map(|(folder, _)| folder);
            let inside = named.chain(["src".to_owned()]).map(|folder| normal(unit, &folder));
            let inside = inside.filter(|folder| is_within(folder, self.project));
            inside.chain([unit.clone()]).collect::<Vec<_>>()
        };
        built.flat_map(roots).collect()
    }
}

/// Whether a folder says how a distribution is built from it.
fn is_distribution(files: &dyn Files, folder: &str) -> bool {
    let built = |keys: &[&str]| manifest(files, folder).is_some_and(|table| value_at(&table, keys).is_some());
    let set_up = ["setup.py", "setup.cfg"].iter().any(|name| files.read(&join(folder, name)).is_ok());
    set_up || built(&["project"]) || built(&["tool", "poetry"]) || built(&["build-system"])
}
