//! Files that are either old or new after a crash, never in between.

use std::{
    fs::{self, File, OpenOptions},
    io::{self, Write},
    os::unix::fs::{DirBuilderExt, OpenOptionsExt},
    path::{Path, PathBuf},
};

/// A file of the state directory could not be written or read.
#[derive(Debug, thiserror::Error)]
#[error("{action} `{}`", path.display())]
pub struct StateFileError {
    /// What was tried, as a verb.
    pub action: &'static str,
    /// Which file.
    pub path: PathBuf,
    /// What the system said.
    #[source]
    pub source: io::Error,
}

/// Adds the action and the path to what the system said.
pub(crate) fn failed(action: &'static str, path: &Path) -> impl FnOnce(io::Error) -> StateFileError {
    let path = path.to_owned();
    move |source| StateFileError { action, path, source }
}

/// Replaces `path` by `content`, durably: temporary file, fsync, rename, fsync of the directory. Owner-only.
pub(crate) fn write_atomically(path: &Path, content: &[u8]) -> Result<(), StateFileError> {
    let directory = path.parent().unwrap_or(Path::new("."));
    let temporary = path.with_extension(format!("tmp-{}", std::process::id()));
    let result = write_new(&temporary, content)
        .and_then(|()| fs::rename(&temporary, path))
        .and_then(|()| sync_directory(directory));
    if result.is_err() {
        // The temporary file is of no use to anybody; the first error is the one to report.
        let _ = fs::remove_file(&temporary);
    }
    result.map_err(failed("write", path))
}

fn write_new(path: &Path, content: &[u8]) -> io::Result<()> {
    let mut file = OpenOptions::new().write(true).create(true).truncate(true).mode(0o600).open(path)?;
    file.write_all(content)?;
    file.sync_all()
}

/// Makes a rename or a new name in `directory` durable.
pub(crate) fn sync_directory(directory: &Path) -> io::Result<()> {
    File::open(directory)?.sync_all()
}

/// Makes `directory` and its parents, owner-only.
pub(crate) fn create_private_directory(directory: &Path) -> Result<(), StateFileError> {
    fs::DirBuilder::new().recursive(true).mode(0o700).create(directory).map_err(failed("create", directory))
}
