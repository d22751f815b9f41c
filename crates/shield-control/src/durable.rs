//! Files that are either old or new after a crash, never in between.

use std::{
    fs::{self, File, OpenOptions},
    io::{self, Write},
    os::unix::fs::{DirBuilderExt, OpenOptionsExt, PermissionsExt},
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
    replace(path, content, Mode::Private)
}

/// Replaces a file that is the user's rather than ours, in the same way: one that is there keeps its permissions, and its place
/// behind a link; a new one has those that the user gives to new files.
pub(crate) fn replace_shared(path: &Path, content: &[u8]) -> Result<(), StateFileError> {
    match fs::canonicalize(path).and_then(|place| Ok((fs::metadata(&place)?.permissions().mode(), place))) {
        Ok((mode, place)) => replace(&place, content, Mode::Kept(mode)),
        Err(_) => replace(path, content, Mode::Fresh),
    }
}

/// Who may read a file.
#[derive(Clone, Copy)]
enum Mode {
    /// Its owner.
    Private,
    /// Whom the user lets read new files.
    Fresh,
    /// Whoever could before.
    Kept(u32),
}

fn replace(path: &Path, content: &[u8], mode: Mode) -> Result<(), StateFileError> {
    let directory = path.parent().filter(|parent| !parent.as_os_str().is_empty()).unwrap_or(Path::new("."));
    let temporary = path.with_extension(format!("tmp-{}", std::process::id()));
    let result = write_new(&temporary, content, mode)
        .and_then(|()| fs::rename(&temporary, path))
        .and_then(|()| sync_directory(directory));
    if result.is_err() {
        // The temporary file is of no use to anybody; the first error is the one to report.
        let _ = fs::remove_file(&temporary);
    }
    result.map_err(failed("write", path))
}

fn write_new(path: &Path, content: &[u8], mode: Mode) -> io::Result<()> {
    let at_first = if matches!(mode, Mode::Fresh) { 0o666 } else { 0o600 };
    let mut file = OpenOptions::new().write(true).create(true).truncate(true).mode(at_first).open(path)?;
    if let Mode::Kept(mode) = mode {
        file.set_permissions(fs::Permissions::from_mode(mode))?;
    }
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

#[cfg(test)]
mod tests {
    use super::*;

    fn mode(path: &Path) -> u32 {
        fs::metadata(path).unwrap().permissions().mode() & 0o777
    }

    #[test]
    fn shared_files_keep_permissions_and_links() {
        let directory = tempfile::tempdir().unwrap();
        let [file, link, private] = ["file", "link", "private"].map(|name| directory.path().join(name));
        replace_shared(&file, b"one").unwrap();
        fs::set_permissions(&file, fs::Permissions::from_mode(0o664)).unwrap();
        std::os::unix::fs::symlink(&file, &link).unwrap();
        replace_shared(&link, b"two").unwrap();
        assert_eq!((fs::read(&file).unwrap(), mode(&file)), (b"two".to_vec(), 0o664));
        assert!(fs::symlink_metadata(&link).unwrap().is_symlink());
        write_atomically(&private, b"three").unwrap();
        assert_eq!(mode(&private), 0o600);
        assert_eq!(fs::read_dir(directory.path()).unwrap().count(), 3, "nothing else stays");
    }

    #[test]
    fn failure_keeps_the_file_before() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("taken");
        fs::create_dir_all(path.join("inside")).unwrap();
        assert_eq!(replace_shared(&path, b"x").unwrap_err().action, "write");
        assert!(path.join("inside").is_dir());
        assert_eq!(fs::read_dir(directory.path()).unwrap().count(), 1);
    }
}
