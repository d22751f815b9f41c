//! What a repository has of directories that installers fill: committed code ships, whatever its directory is called.

use std::{
    collections::HashSet,
    path::Path,
    process::{Command, Stdio},
};

/// Variables that point `git` to another repository than the directory's: set inside of hooks.
const POINTERS: [&str; 4] = ["GIT_DIR", "GIT_WORK_TREE", "GIT_INDEX_FILE", "GIT_CEILING_DIRECTORIES"];

/// The files below these directories of `root` that its repository tracks, as paths relative to `root`. None where there is no
/// repository, or no `git` that could have made one.
pub(super) fn tracked(root: &Path, directories: &[&str]) -> HashSet<String> {
    if directories.is_empty() || !root.ancestors().any(|above| above.join(".git").exists()) {
        return HashSet::new();
    }
    let mut git = Command::new("git");
    // Nothing in the settings of a repository may make it run a program.
    git.arg("-C").arg(root).args([
        "-c",
        "core.fsmonitor=false",
        "--literal-pathspecs",
        "ls-files",
        "-z",
        "--",
    ]);
    git.args(directories).env("GIT_OPTIONAL_LOCKS", "0").stdin(Stdio::null()).stderr(Stdio::null());
    for pointer in POINTERS {
        git.env_remove(pointer);
    }
    let Ok(answer) = git.output() else { return HashSet::new() };
    let names = answer.stdout.split(|byte| *byte == 0).filter(|name| !name.is_empty());
    names.map(|name| String::from_utf8_lossy(name).into_owned()).collect()
}
