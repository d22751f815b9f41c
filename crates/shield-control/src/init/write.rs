//! Writing a first `shield.toml`.

use std::{
    fs::{self, File},
    io::{self, Write},
    path::{Path, PathBuf},
    process,
};

use super::{
    guess::{Guess, inspect},
    render::render,
};
use crate::manifest::FILE_NAME;

/// What to do with a `shield.toml` that is already there.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Existing {
    /// It stays, and nothing is written.
    Keep,
    /// It is replaced.
    Replace,
}

/// What was written.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Written {
    /// The file.
    pub path: PathBuf,
    /// What it says, and why.
    pub guess: Guess,
}

/// Why no `shield.toml` was written.
#[derive(Debug, thiserror::Error)]
pub enum WriteManifestError {
    /// There is one already.
    #[error("write `{}`, which is already there", path.display())]
    Exists {
        /// The file.
        path: PathBuf,
    },
    /// The operating system refused.
    #[error("write `{}`", path.display())]
    Write {
        /// The file.
        path: PathBuf,
        /// What the operating system said.
        #[source]
        source: io::Error,
    },
}

// === impl WriteManifestError ===

impl WriteManifestError {
    /// What to do next, in the imperative.
    pub fn hints(&self) -> Vec<String> {
        match self {
            Self::Exists { .. } => vec!["edit it, or run `shield init --force` to replace it".to_owned()],
            Self::Write { .. } => Vec::new(),
        }
    }
}

/// Looks at `directory` and writes its `shield.toml`.
pub fn write(directory: &Path, existing: Existing) -> Result<Written, WriteManifestError> {
    let path = directory.join(FILE_NAME);
    let guess = inspect(directory);
    let text = render(&guess);
    let result = match existing {
        Existing::Keep => create(&path, &text),
        Existing::Replace => replace(&path, &text),
    };
    match result {
        Ok(()) => Ok(Written { path, guess }),
        Err(source) if source.kind() == io::ErrorKind::AlreadyExists => {
            Err(WriteManifestError::Exists { path })
        }
        Err(source) => Err(WriteManifestError::Write { path, source }),
    }
}

/// Creates the file in one step with the check that it is not there; an unfinished one does not stay.
fn create(path: &Path, text: &str) -> io::Result<()> {
    let mut file = File::create_new(path)?;
    file.write_all(text.as_bytes()).and_then(|()| file.sync_all()).inspect_err(|_| {
        // The first error is the one to report.
        let _ = fs::remove_file(path);
    })
}

/// Replaces the file as a whole: a crash leaves the old one or the new one.
fn replace(path: &Path, text: &str) -> io::Result<()> {
    let temporary = path.with_extension(format!("toml.{}", process::id()));
    let mut file = File::create(&temporary)?;
    let written = file.write_all(text.as_bytes()).and_then(|()| file.sync_all());
    written.and_then(|()| fs::rename(&temporary, path)).inspect_err(|_| {
        // The first error is the one to report.
        let _ = fs::remove_file(&temporary);
    })
}
