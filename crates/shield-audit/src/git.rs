//! `git` as a child process: the one place that makes its command.
//!
//! The audited repository may be anybody's, and so may its `.git`. No setting of it runs a program, asks the network or leads
//! elsewhere: what could is overruled here, whatever runs beside it is not used (only plumbing is run, which applies no filter, no
//! `textconv` and no external difference to what it reads from the object store), and what the caller's environment says of
//! repositories is not heard. So it does not matter whose a repository is, which in a container is often somebody else's.
//!
//! What `git` complains about is never passed on: it quotes lines of files below `.git`, which may be links to anywhere.

use std::{
    env,
    ffi::OsString,
    fs,
    path::{Path, PathBuf},
    process::{Command, Output, Stdio},
};

/// Settings that stand above those of any file. What is named as a program or file is none.
const SETTINGS: [&str; 12] = [
    "safe.directory=*",
    "core.fsmonitor=false",
    "core.hooksPath=/dev/null",
    "core.attributesFile=/dev/null",
    "core.pager=cat",
    "core.alternateRefsCommand=false",
    "core.sshCommand=false",
    "protocol.allow=never",
    "log.showSignature=false",
    "mailmap.file=",
    "mailmap.blob=",
    "blame.ignoreRevsFile=",
];

/// How its environment differs from ours once all that is called `GIT_*` is gone: no settings but the repository's and ours,
/// objects as they were committed, none from the network, no question, no lock; messages in English.
const ENVIRONMENT: [(&str, &str); 9] = [
    ("GIT_CONFIG_NOSYSTEM", "1"),
    ("GIT_CONFIG_GLOBAL", "/dev/null"),
    ("GIT_ATTR_NOSYSTEM", "1"),
    ("GIT_NO_REPLACE_OBJECTS", "1"),
    ("GIT_NO_LAZY_FETCH", "1"),
    // Older versions do not know the last one; this one overrules every setting of a protocol.
    ("GIT_ALLOW_PROTOCOL", "none"),
    ("GIT_TERMINAL_PROMPT", "0"),
    ("GIT_OPTIONAL_LOCKS", "0"),
    ("LC_ALL", "C"),
];

/// What `git` says where there is no repository; where there is only something called `.git`, too. Of one that leads nowhere it
/// says something else.
const NO_REPOSITORY: &[u8] = b"not a git repository (or any ";

/// A `git` in `directory`, without input. Its arguments are not settings: the first is a command of the plumbing.
pub(crate) fn git(directory: &Path) -> Command {
    let mut git = Command::new("git");
    for (name, _) in env::vars_os().filter(|(name, _)| name.as_encoded_bytes().starts_with(b"GIT_")) {
        git.env_remove(name);
    }
    git.envs(ENVIRONMENT).env("PATH", search_path(directory)).stdin(Stdio::null());
    git.arg("-C").arg(directory).args(["--no-pager", "--literal-pathspecs"]);
    for setting in SETTINGS {
        git.args(["-c", setting]);
    }
    git
}

/// Whether it failed because there is no repository.
pub(crate) fn no_repository(answer: &Output) -> bool {
    !answer.status.success() && memchr::memmem::find(&answer.stderr, NO_REPOSITORY).is_some()
}

/// The directories where programs are looked for, without those that the audited tree may have filled.
fn search_path(directory: &Path) -> OsString {
    let audited = fs::canonicalize(directory).unwrap_or_else(|_| directory.to_owned());
    let foreign = |program: &PathBuf| {
        program.is_absolute() && !fs::canonicalize(program).is_ok_and(|place| place.starts_with(&audited))
    };
    let path = env::var_os("PATH").unwrap_or_default();
    env::join_paths(env::split_paths(&path).filter(foreign)).unwrap_or_default()
}
