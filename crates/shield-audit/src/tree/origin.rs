//! Whose code a file is.

use std::collections::BTreeSet;

use serde::Serialize;

/// Directories that installers fill, wherever they are.
const INSTALLED: [&str; 6] =
    ["site-packages", "dist-packages", "node_modules", "__pypackages__", ".tox", ".nox"];

/// The file that makes a directory a virtual environment (PEP 405).
pub(super) const ENVIRONMENT_MARK: &str = "pyvenv.cfg";

/// Whose code a file is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Origin {
    /// The project's own.
    Project,
    /// Installed: it came with a dependency.
    Dependency,
}

/// The virtual environments of a tree: directories with a `pyvenv.cfg`.
#[derive(Debug, Default)]
pub(super) struct Environments(BTreeSet<String>);

// === impl Environments ===

impl Environments {
    /// Those that the files of a tree mark. Paths have `/` between names.
    pub(super) fn among<'a>(paths: impl Iterator<Item = &'a str>) -> Self {
        let marked = paths.filter_map(|path| path.strip_suffix(ENVIRONMENT_MARK)?.strip_suffix('/'));
        Self(marked.map(str::to_owned).collect())
    }

    /// Whether a path is where one of them has its interpreter: `bin/python3`.
    pub(super) fn has_interpreter(&self, path: &str) -> bool {
        let parts =
            path.rsplit_once('/').and_then(|(folder, name)| Some((folder.strip_suffix("/bin")?, name)));
        parts.is_some_and(|(directory, name)| {
            let version = ["python", "pypy"].iter().find_map(|start| name.strip_prefix(start));
            let plain = |version: &str| version.bytes().all(|byte| byte.is_ascii_digit() || byte == b'.');
            self.0.contains(directory) && version.is_some_and(plain)
        })
    }

    /// The outermost directory around a file that an installer filled, if there is one.
    pub(super) fn installed<'p>(&self, path: &'p str) -> Option<&'p str> {
        let mut directories = path.match_indices('/').map(|(end, _)| &path[..end]);
        directories.find(|directory| {
            let name = directory.rsplit('/').next().unwrap_or(directory);
            INSTALLED.contains(&name) || self.0.contains(*directory)
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn environments_and_installed_are_dependencies() {
        let environments =
            Environments::among(["env/pyvenv.cfg", "a/pyvenv.cfg.py", "pyvenv.cfg"].into_iter());
        for (path, origin) in [
            ("env/bin/activate.py", Origin::Dependency),
            ("env.py", Origin::Project),
            ("environment/x.py", Origin::Project),
            ("a/x.py", Origin::Project),
            ("lib/python3/site-packages/x.py", Origin::Dependency),
            ("site-packages.py", Origin::Project),
            ("web/node_modules/x/y.js", Origin::Dependency),
        ] {
            assert_eq!(environments.installed(path).is_some(), origin == Origin::Dependency, "{path}");
        }
        for (path, expected) in [
            ("env/bin/python3.11", true),
            ("env/bin/python", true),
            ("env/bin/python-evil.py", false),
            ("env/lib/python3", false),
            ("bin/python", false),
        ] {
            assert_eq!(environments.has_interpreter(path), expected, "{path}");
        }
    }
}
