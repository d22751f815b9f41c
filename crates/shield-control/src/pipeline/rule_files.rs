//! Rule files of an audit, from the disk.

use std::{
    collections::BTreeSet,
    fs::{self, File},
    io::{self, Read},
    path::{Path, PathBuf},
};

use shield_audit::custom::{LoadRulesError, RuleFile, Rules};
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
        .map(|(path, location)| RuleFile { name: name(root, path, &location), text: read(&location) })
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

/// A pipe is not opened: that would wait for a writer.
fn read(path: &Path) -> Result<String, String> {
    let unread = |error: io::Error| format!("cannot be read: {error}");
    let kind = fs::metadata(path).map_err(unread)?.file_type();
    if !kind.is_file() {
        return Err("is no file".to_owned());
    }
    let bytes_max = u64::try_from(DOCUMENT_BYTES_MAX).unwrap_or(u64::MAX);
    let mut bytes = Vec::new();
    // One byte more than is accepted: a longer one is noticed and still not read to its end.
    File::open(path)
        .and_then(|file| file.take(bytes_max.saturating_add(1)).read_to_end(&mut bytes))
        .map_err(unread)?;
    if bytes.len() > DOCUMENT_BYTES_MAX {
        return Err(format!("is larger than {DOCUMENT_BYTES_MAX} bytes: split it"));
    }
    String::from_utf8(bytes)
        .map_err(|error| format!("is not UTF-8 at byte {}", error.utf8_error().valid_up_to()))
}
