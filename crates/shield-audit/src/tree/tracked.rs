//! What a repository has of directories that installers fill: committed code ships, whatever its directory is called.

use std::{
    collections::HashSet,
    path::Path,
    process::{Command, Stdio},
};

/// Variables that point `git` to another repository than the directory's: set inside of hooks.
const POINTERS: [&str; 4] = ["GIT_DIR", "GIT_WORK_TREE", "GIT_INDEX_FILE", "GIT_CEILING_DIRECTORIES"];

/// What `git` says where there is only something called `.git`. Of one that leads nowhere it says something else.
const NO_REPOSITORY: &str = "not a git repository (or any ";

/// The files below these directories of `root` that its repository tracks, as paths relative to `root`; an empty set where there is
/// no repository.
///
/// # Errors
/// Why `git` could not say: then code that ships may look like installed code.
pub(super) fn tracked(root: &Path, directories: &[&str]) -> Result<HashSet<String>, String> {
    if directories.is_empty() || !root.ancestors().any(|above| above.join(".git").exists()) {
        return Ok(HashSet::new());
    }
    let mut git = Command::new("git");
    // Nothing in the settings of a repository may make it run a program; so it does not matter whose it is, which in a container is
    // often somebody else's.
    git.arg("-C").arg(root).args(["-c", "core.fsmonitor=false", "-c", "safe.directory=*"]);
    git.args(["--literal-pathspecs", "ls-files", "-z", "--"]).args(directories);
    git.env("GIT_OPTIONAL_LOCKS", "0").env("LC_ALL", "C").stdin(Stdio::null());
    for pointer in POINTERS {
        git.env_remove(pointer);
    }
    let answer = git.output().map_err(|error| format!("`git` cannot be run: {error}"))?;
    if !answer.status.success() {
        let message = String::from_utf8_lossy(&answer.stderr);
        if message.contains(NO_REPOSITORY) {
            return Ok(HashSet::new());
        }
        return Err(format!("`git ls-files`: {}", message.lines().next().unwrap_or_default()));
    }
    let names = answer.stdout.split(|byte| *byte == 0).filter(|name| !name.is_empty());
    Ok(names.map(|name| String::from_utf8_lossy(name).into_owned()).collect())
}
