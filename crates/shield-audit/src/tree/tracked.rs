//! What a repository has of directories that installers fill: committed code ships, whatever its directory is called.

use std::{collections::HashSet, path::Path};

use crate::git::{git, no_repository};

/// The files below these directories of `root` that its repository tracks, as paths relative to `root`; an empty set where there is
/// no repository.
///
/// # Errors
/// Why `git` could not say: then code that ships may look like installed code.
pub(super) fn tracked(root: &Path, directories: &[&str]) -> Result<HashSet<String>, String> {
    if directories.is_empty() || !root.ancestors().any(|above| above.join(".git").exists()) {
        return Ok(HashSet::new());
    }
    let answer = git(root).args(["ls-files", "-z", "--"]).args(directories).output();
    let answer = answer.map_err(|error| format!("`git` cannot be run: {error}"))?;
    if no_repository(&answer) {
        return Ok(HashSet::new());
    }
    if !answer.status.success() {
        return Err(format!("`git ls-files` fails ({})", answer.status));
    }
    let names = answer.stdout.split(|byte| *byte == 0).filter(|name| !name.is_empty());
    Ok(names.map(|name| String::from_utf8_lossy(name).into_owned()).collect())
}
