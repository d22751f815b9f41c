//! Reads a file by its kind.

use super::{Manifest, SourceKind, toml_lock};
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
        _ => Manifest::new(kind, file.to_owned()),
    }
}
