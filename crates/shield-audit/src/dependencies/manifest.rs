//! Reads a file by its kind.

use super::{Manifest, SourceKind, go, npm, python, toml_lock};
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
    match kind {
        SourceKind::CargoLock
        | SourceKind::UvLock
        | SourceKind::PoetryLock
        | SourceKind::PdmLock
        | SourceKind::PyLock => toml_lock::read(kind, file, text),
        SourceKind::Installed => python::read_metadata(file, text),
        SourceKind::PipfileLock => python::read_pipfile_lock(file, text),
        SourceKind::Requirements => python::read_requirements(file, text),
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

    const KINDS: [SourceKind; 15] = [
        SourceKind::Installed,
        SourceKind::UvLock,
        SourceKind::PoetryLock,
        SourceKind::PdmLock,
        SourceKind::PyLock,
        SourceKind::PipfileLock,
        SourceKind::Requirements,
        SourceKind::PyProject,
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
