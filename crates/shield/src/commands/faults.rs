//! What `load`, `drill` and `ship` need before they break anything.

use std::{
    env,
    fs::{self, DirBuilder},
    io,
    os::unix::fs::{DirBuilderExt, MetadataExt},
    path::{Path, PathBuf},
};

use rustix::process::getuid;
use shield_load::{GuardProgram, undo_leftovers};

use crate::{
    exit::{Exit, Failure},
    output,
};

/// Mode of the directory of undo journals.
const OWNER_ONLY: u32 = 0o700;
/// The bits that let somebody else write.
const OTHERS: u32 = 0o022;

/// This program, as the guard of its faults.
pub(crate) fn guard_program() -> Result<GuardProgram, Failure> {
    let program = env::current_exe().map_err(|error| Failure::unexpected("find this program", &error))?;
    Ok(GuardProgram { program, arguments: vec!["fault-guard".into()] })
}

/// Where undo journals are: one place per user, so that every later run finds what an earlier one left.
pub(crate) fn journal_directory() -> PathBuf {
    let user = getuid().as_raw();
    env::temp_dir().join(format!("shield-faults-{user}"))
}

/// The same, made where it is missing. A journal says what is removed, signalled and started: it is believed only in a directory
/// that nobody else could have made or written to.
pub(crate) fn journals() -> Result<PathBuf, Failure> {
    let directory = journal_directory();
    let failed = |problem: String, hint: &str| {
        let message = format!("failed to keep undo journals in `{}`: {problem}", directory.display());
        Failure::plain(Exit::NotRecorded, &message, hint)
    };
    if let Err(error) = DirBuilder::new().mode(OWNER_ONLY).create(&directory)
        && error.kind() != io::ErrorKind::AlreadyExists
    {
        return Err(failed(error.to_string(), "set TMPDIR to a directory that can be written"));
    }
    let found = fs::symlink_metadata(&directory).map_err(|error| failed(error.to_string(), "set TMPDIR"))?;
    let ours = found.is_dir() && found.uid() == getuid().as_raw() && found.mode() & OTHERS == 0;
    if ours {
        Ok(directory)
    } else {
        Err(failed("others own it, or may write to it".to_owned(), "remove it, or set TMPDIR"))
    }
}

/// What a killed guard left is undone before anything else.
pub(crate) fn undo_what_was_left(journals: &Path) -> Result<(), Failure> {
    let left = undo_leftovers(journals).map_err(|error| {
        Failure::new(Exit::NotRecorded, &error, &["undo it by hand, then remove the journal".to_owned()])
    })?;
    output::load::leftovers(&left);
    Ok(())
}
