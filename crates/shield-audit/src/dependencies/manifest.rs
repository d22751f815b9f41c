//! Reads a file by its kind.

use super::{Manifest, SourceKind, form::MAKE_ANEW, go, npm, python, toml_lock};
use crate::finding::Place;

/// Reads what a file says of packages. Nothing stops it: what cannot be read is named in the answer, the rest is there.
#[must_use]
pub fn read_manifest(kind: SourceKind, file: &str, bytes: &[u8]) -> Manifest {
    let text = match std::str::from_utf8(bytes) {
        Ok(text) => text.trim_start_matches('\u{feff}'),
        Err(error) => {
            let mut manifest = Manifest::new(kind, file.to_owned());
            manifest.refuse(Place { file: file.to_owned(), span: None }, error.to_string());
            return manifest;
        }
    };
    if text.trim().is_empty() && kind.locks() {
        let mut manifest = Manifest::new(kind, file.to_owned());
        let place = Place { file: file.to_owned(), span: None };
        manifest.refuse(
            place,
            format!("the file is empty, so that nothing is known of what it locks: {MAKE_ANEW}"),
        );
        return manifest;
    }
    match kind {
        SourceKind::CargoLock
        | SourceKind::UvLock
        | SourceKind::PoetryLock
        | SourceKind::PdmLock
        | SourceKind::PyLock => toml_lock::read(kind, file, text),
        SourceKind::Installed => python::read_metadata(file, text),
        SourceKind::PipfileLock => python::read_pipfile_lock(file, text),
        SourceKind::Requirements => python::read_requirements(file, text),
        SourceKind::Pipfile => python::read_pipfile(file, text),
        SourceKind::PyProject => python::read_pyproject(file, text),
        SourceKind::SetupCfg => python::read_setup_cfg(file, text),
        SourceKind::SetupPy => python::read_setup_py(file, text),
        SourceKind::PackageLock => npm::read_package_lock(file, text),
        SourceKind::PnpmLock => npm::read_pnpm_lock(file, text),
        SourceKind::GoMod => go::read_mod(file, text),
        SourceKind::GoSum => go::read_sum(file, text),
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const KINDS: [SourceKind; 16] = [
        SourceKind::Installed,
        SourceKind::UvLock,
        SourceKind::PoetryLock,
        SourceKind::PdmLock,
        SourceKind::PyLock,
        SourceKind::PipfileLock,
        SourceKind::Requirements,
        SourceKind::PyProject,
        SourceKind::Pipfile,
        SourceKind::SetupCfg,
        SourceKind::SetupPy,
        SourceKind::CargoLock,
        SourceKind::PackageLock,
        SourceKind::PnpmLock,
        SourceKind::GoMod,
        SourceKind::GoSum,
    ];

    #[test]
    fn undecodable_files_are_named() {
        for kind in KINDS {
            assert_eq!(read_manifest(kind, "f", b"a \xff").unread.len(), 1, "{kind:?}");
        }
    }

    /// What is said of a lock file, and how many packages are in it.
    fn said(kind: SourceKind, text: &str) -> (String, usize) {
        let manifest = read_manifest(kind, "lock", text.as_bytes());
        let said: Vec<_> = manifest.unread.into_iter().map(|one| one.reason).collect();
        (said.join("; "), manifest.packages.len())
    }

    #[test]
    fn empty_locks_are_named() {
        for kind in KINDS.into_iter().filter(|kind| kind.locks()) {
            assert!(said(kind, "\n").0.contains("is empty"), "{kind:?}");
        }
        assert_eq!(said(SourceKind::Requirements, "").0, "");
    }

    #[test]
    fn senseless_locks_are_named() {
        for (kind, text) in [
            (SourceKind::UvLock, "# nothing\n"),
            (SourceKind::PoetryLock, "name = 1\n"),
            (SourceKind::CargoLock, "# generated\n"),
            (SourceKind::PackageLock, "{}"),
            (SourceKind::PackageLock, r#"{"lockfileVersion": 3}"#),
            (SourceKind::PipfileLock, "{}"),
            (SourceKind::PnpmLock, "settings: {}\n"),
            (SourceKind::GoMod, "require example.org/a v1.0.0\n"),
            (SourceKind::GoMod, "module m\nrequire (\n"),
        ] {
            assert!(said(kind, text).0.contains("make it anew"), "{kind:?} {text}");
        }
    }

    #[test]
    fn forms_of_next_year_are_named() {
        for (kind, text, packages) in [
            (SourceKind::UvLock, "version = 99\n[[package]]\nname = \"a\"\nversion = \"1\"\n", 1),
            (SourceKind::CargoLock, "version = 99\n", 0),
            (SourceKind::PoetryLock, "package = []\n[metadata]\nlock-version = \"9.0\"\n", 0),
            (SourceKind::PdmLock, "[metadata]\nlock_version = \"99\"\n", 0),
            (SourceKind::PyLock, "lock-version = \"2.0\"\n", 0),
            (
                SourceKind::PackageLock,
                r#"{"lockfileVersion": 9, "packages": {"node_modules/a": {"version": "1.0.0"}}}"#,
                1,
            ),
            (SourceKind::PipfileLock, r#"{"_meta": {"pipfile-spec": 7}}"#, 0),
            (SourceKind::PnpmLock, "lockfileVersion: 99\npackages:\n  a@1.0.0: {}\n", 1),
        ] {
            let (reason, read) = said(kind, text);
            assert!(reason.contains("not known here") && read == packages, "{kind:?} {reason} {read}");
        }
    }

    #[test]
    fn locks_of_nothing_are_believed() {
        for (kind, text) in [
            (SourceKind::UvLock, "version = 1\nrequires-python = \">=3.12\"\n"),
            (SourceKind::PoetryLock, "package = []\n\n[metadata]\nlock-version = \"2.1\"\n"),
            (SourceKind::CargoLock, "version = 4\n"),
            (SourceKind::PackageLock, r#"{"name": "a", "lockfileVersion": 1}"#),
            (SourceKind::PackageLock, r#"{"name": "a", "lockfileVersion": 3, "packages": {}}"#),
            (SourceKind::PipfileLock, r#"{"_meta": {"pipfile-spec": 6}, "default": {}}"#),
            (SourceKind::PnpmLock, "lockfileVersion: '9.0'\n\nimporters:\n\n  .: {}\n"),
            (SourceKind::GoMod, "module example.org/m\n"),
        ] {
            assert_eq!(said(kind, text), (String::new(), 0), "{kind:?} {text}");
        }
    }

    proptest! {
        #[test]
        fn any_text_is_answered(text in "[a-z\\[\\]{}:=,.'\"@/ ()\n0-9é-]{0,80}") {
            for kind in KINDS {
                let manifest = read_manifest(kind, "f", text.as_bytes());
                prop_assert_eq!(manifest.kind, kind);
            }
        }
    }
}
