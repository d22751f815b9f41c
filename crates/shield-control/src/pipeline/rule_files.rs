//! Rule files of an audit, from the disk.

use std::{
    collections::BTreeSet,
    fs, io,
    path::{Path, PathBuf},
};

use shield_audit::{
    custom::{LoadRulesError, RuleFile, Rules},
    tree::{locate_in, read_regular},
};
use shield_types::settings::DOCUMENT_BYTES_MAX;

/// Loads rule files by their paths, relative to `root`; one that is named twice counts once.
///
/// # Errors
/// What is wrong with them, unreadable ones included; then none is loaded.
pub fn load_rules(root: &Path, paths: &[String]) -> Result<Rules, LoadRulesError> {
    let mut seen = BTreeSet::new();
    let located = paths.iter().map(|path| (path, root.join(path)));
    let once = located.filter(|(_, location)| seen.insert(canonical(location)));
    let files: Vec<_> = once
        .map(|(path, location)| RuleFile { name: name(root, path, &location), text: read(root, path) })
        .collect();
    Rules::load(&files)
}

fn canonical(path: &Path) -> PathBuf {
    fs::canonicalize(path).unwrap_or_else(|_| path.to_owned())
}

/// What reports call it: its path in the project, which is the same on every machine, or what it was called.
fn name(root: &Path, path: &str, location: &Path) -> String {
    let (root, location) = (canonical(root), canonical(location));
    match location.strip_prefix(root) {
        Ok(inside) if !inside.as_os_str().is_empty() => inside.to_string_lossy().into_owned(),
        _ => path.to_owned(),
    }
}

/// A file that the project names lies in it, behind whatever link.
fn read(root: &Path, path: &str) -> Result<String, String> {
    let bytes_max = u64::try_from(DOCUMENT_BYTES_MAX).unwrap_or(u64::MAX);
    let read = locate_in(root, Path::new(path)).and_then(|location| read_regular(&location, bytes_max));
    let bytes = read.map_err(|error| match error.kind() {
        io::ErrorKind::FileTooLarge => format!("is larger than {DOCUMENT_BYTES_MAX} bytes: split it"),
        io::ErrorKind::IsADirectory | io::ErrorKind::InvalidInput => "is no file".to_owned(),
        _ => format!("cannot be read: {error}"),
    })?;
    String::from_utf8(bytes)
        .map_err(|error| format!("is not UTF-8 at byte {}", error.utf8_error().valid_up_to()))
}
