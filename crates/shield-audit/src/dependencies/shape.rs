//! What a file says of packages.

use serde::Serialize;

use super::{Ecosystem, PackageName};
use crate::finding::Place;

/// A kind of file that says something of packages. For Python in the order of trust: what is installed before what is
/// locked before what is asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum SourceKind {
    /// `*.dist-info/METADATA`.
    Installed,
    /// `uv.lock`.
    UvLock,
    /// `poetry.lock`.
    PoetryLock,
    /// `pdm.lock`.
    PdmLock,
    /// `pylock.toml` and `pylock.NAME.toml` (PEP 751).
    PyLock,
    /// `Pipfile.lock`.
    PipfileLock,
    /// `requirements*.txt`, and `constraints*.txt`.
    Requirements,
    /// `pyproject.toml`: PEP 621, dependency groups, Poetry's table.
    PyProject,
    /// `Pipfile`.
    Pipfile,
    /// `setup.cfg`.
    SetupCfg,
    /// `setup.py`, as far as it is plain.
    SetupPy,
    /// `Cargo.lock`.
    CargoLock,
    /// `package-lock.json`, `npm-shrinkwrap.json`.
    PackageLock,
    /// `pnpm-lock.yaml`.
    PnpmLock,
    /// `go.mod`.
    GoMod,
    /// `go.sum`.
    GoSum,
}

/// Where a package comes from.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Origin {
    /// A registry, or a mirror of it: advisories speak of these.
    Registry,
    /// A repository, an archive or a directory: its version says nothing about which code it is.
    Elsewhere(String),
}

/// One version of a package that is used.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Package {
    /// What.
    pub name: PackageName,
    /// Which, as written.
    pub version: String,
    /// From where.
    pub origin: Origin,
    /// Its licence as its own metadata has it: an SPDX expression, or words.
    pub licence: Option<String>,
    /// `sha256:…` and others, of the archives it may be.
    pub hashes: Vec<String>,
    /// Where that is said.
    pub place: Place,
}

/// A package that is asked for.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Requirement {
    /// Which.
    pub name: PackageName,
    /// With these extras of it, normalised and in order.
    pub extras: Vec<String>,
    /// In these versions (`>=1,<2`); empty: any.
    pub specifiers: String,
    /// From this address instead.
    pub url: Option<String>,
    /// Only where this holds.
    pub marker: Option<String>,
    /// For this extra, group or environment of the project; none: always.
    pub group: Option<String>,
    /// Whether it only limits what others ask for (`-c`).
    pub constraint: bool,
    /// `sha256:…` and others that are allowed.
    pub hashes: Vec<String>,
    /// Where it is asked for.
    pub place: Place,
}

/// Something that could not be read. Everything else was.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
pub struct Unread {
    /// Where.
    pub place: Place,
    /// Why.
    pub reason: String,
}

/// All that one file says.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Manifest {
    /// What kind of file it is.
    pub kind: SourceKind,
    /// Which: relative to the audited directory.
    pub file: String,
    /// What is used.
    pub packages: Vec<Package>,
    /// What is asked for.
    pub requirements: Vec<Requirement>,
    /// Other files that belong to it (`-r`), relative as written.
    pub includes: Vec<Include>,
    /// Folders of the audited directory, as written, whose distributions are asked for (`-e ../libs/common`).
    pub folders: Vec<Include>,
    /// What could not be read.
    pub unread: Vec<Unread>,
}

/// A file that another one names.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Include {
    /// As written: relative to the directory of the file that names it.
    pub file: String,
    /// Whether only its limits count (`-c`).
    pub constraint: bool,
    /// Where it is named.
    pub place: Place,
}

// === impl SourceKind ===

impl SourceKind {
    /// Whose packages it speaks of.
    #[must_use]
    pub const fn ecosystem(self) -> Ecosystem {
        match self {
            Self::CargoLock => Ecosystem::CratesIo,
            Self::PackageLock | Self::PnpmLock => Ecosystem::Npm,
            Self::GoMod | Self::GoSum => Ecosystem::Go,
            _ => Ecosystem::PyPi,
        }
    }

    /// Whether a file of it has every package that is used, not only those that are asked for.
    #[must_use]
    pub const fn locks(self) -> bool {
        !matches!(
            self,
            Self::Requirements
                | Self::PyProject
                | Self::Pipfile
                | Self::SetupCfg
                | Self::SetupPy
                | Self::GoMod
        )
    }

    /// The kind of a file by its path; none if it is none of these.
    #[must_use]
    pub fn of(path: &str) -> Option<Self> {
        let mut names = path.rsplit('/');
        let name = names.next().unwrap_or(path);
        let directory = names.next().unwrap_or_default();
        let text_list = name.ends_with(".txt") || name.ends_with(".in");
        Some(match name {
            "METADATA" if directory.ends_with(".dist-info") => Self::Installed,
            "uv.lock" => Self::UvLock,
            "poetry.lock" => Self::PoetryLock,
            "pdm.lock" => Self::PdmLock,
            _ if name == "pylock.toml" || name.starts_with("pylock.") && name.ends_with(".toml") => {
                Self::PyLock
            }
            "Pipfile.lock" => Self::PipfileLock,
            "pyproject.toml" => Self::PyProject,
            "Pipfile" => Self::Pipfile,
            "setup.cfg" => Self::SetupCfg,
            "setup.py" => Self::SetupPy,
            "Cargo.lock" => Self::CargoLock,
            "package-lock.json" | "npm-shrinkwrap.json" => Self::PackageLock,
            "pnpm-lock.yaml" => Self::PnpmLock,
            "go.mod" => Self::GoMod,
            "go.sum" => Self::GoSum,
            _ if text_list && (name.contains("requirements") || name.starts_with("constraints")) => {
                Self::Requirements
            }
            _ if text_list && directory == "requirements" => Self::Requirements,
            _ => return None,
        })
    }
}

// === impl Manifest ===

impl Manifest {
    /// A file of which nothing is known yet.
    pub(super) fn new(kind: SourceKind, file: String) -> Self {
        let (packages, requirements, includes) = (Vec::new(), Vec::new(), Vec::new());
        Self { kind, file, packages, requirements, includes, folders: Vec::new(), unread: Vec::new() }
    }

    /// Says that something of it could not be read.
    pub(super) fn refuse(&mut self, place: Place, reason: impl Into<String>) {
        self.unread.push(Unread { place, reason: reason.into() });
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn files_are_known_by_their_names() {
        let kind = SourceKind::of;
        assert_eq!(kind("a/requirements-dev.txt"), Some(SourceKind::Requirements));
        assert_eq!(kind("requirements/base.txt"), Some(SourceKind::Requirements));
        assert_eq!(kind("pylock.test.toml"), Some(SourceKind::PyLock));
        assert_eq!(kind("lib/x-1.dist-info/METADATA"), Some(SourceKind::Installed));
        assert_eq!((kind("docs/METADATA"), kind("notes.txt"), kind("lock")), (None, None, None));
    }
}
