//! What `load`, `drill` and `ship` need before they break anything.

use std::{
    env, fs,
    path::{Path, PathBuf},
};

use shield_load::{GuardProgram, undo_leftovers};

use crate::{
    exit::{Exit, Failure},
    output,
};

/// This program, as the guard of its faults.
pub(crate) fn guard_program() -> Result<GuardProgram, Failure> {
    let program = env::current_exe().map_err(|error| Failure::unexpected("find this program", &error))?;
    Ok(GuardProgram { program, arguments: vec!["fault-guard".into()] })
}

/// Where undo journals are: one place per user, so that every later run finds what an earlier one left.
pub(crate) fn journal_directory() -> PathBuf {
    let user = rustix::process::getuid().as_raw();
    env::temp_dir().join(format!("shield-faults-{user}"))
}

/// The same, made where it is missing.
pub(crate) fn journals() -> Result<PathBuf, Failure> {
    let directory = journal_directory();
    fs::create_dir_all(&directory).map_err(|error| {
        let message = format!("failed to make `{}`: {error}", directory.display());
        Failure::plain(Exit::NotRecorded, &message, "set TMPDIR to a directory that can be written")
    })?;
    Ok(directory)
}

/// What a killed guard left is undone before anything else.
pub(crate) fn undo_what_was_left(journals: &Path) -> Result<(), Failure> {
    let left = undo_leftovers(journals).map_err(|error| {
        Failure::new(Exit::NotRecorded, &error, &["undo it by hand, then remove the journal".to_owned()])
    })?;
    output::load::leftovers(&left);
    Ok(())
}
