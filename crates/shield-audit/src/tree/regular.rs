//! Files that are read beside the walk: by name, wherever the project has them.

use std::{
    fs::{self, File},
    io::{self, Read},
    os::unix::fs::OpenOptionsExt,
    path::{Path, PathBuf},
};

use rustix::fs::OFlags;

/// Bytes that such a file may have: a configuration, a baseline, a module.
pub const REGULAR_BYTES_MAX: u64 = 64 << 20;

/// The bytes of a regular file, at most `bytes_max`. A pipe or a device, which could keep a reader for ever, is an error.
///
/// # Errors
/// If it is not there, cannot be read, is no regular file, or has more bytes.
pub fn read_regular(path: &Path, bytes_max: u64) -> io::Result<Vec<u8>> {
    // Opening a pipe without this waits for somebody who writes.
    let flags = OFlags::NONBLOCK.bits().cast_signed();
    let file = File::options().read(true).custom_flags(flags).open(path)?;
    let size = match file.metadata()? {
        data if data.is_file() => data.len(),
        data if data.is_dir() => return Err(io::ErrorKind::IsADirectory.into()),
        _ => return Err(io::Error::new(io::ErrorKind::InvalidInput, "it is not a regular file")),
    };
    let mut bytes = Vec::with_capacity(usize::try_from(size.min(bytes_max)).unwrap_or_default() + 1);
    file.take(bytes_max.saturating_add(1)).read_to_end(&mut bytes)?;
    if bytes.len() as u64 > bytes_max {
        return Err(io::Error::new(
            io::ErrorKind::FileTooLarge,
            format!("it has more than {bytes_max} bytes"),
        ));
    }
    Ok(bytes)
}

/// The text of a regular file, in UTF-8.
///
/// # Errors
/// As for [`read_regular`], with [`REGULAR_BYTES_MAX`], or if it is no UTF-8.
pub fn read_regular_text(path: &Path) -> io::Result<String> {
    let bytes = read_regular(path, REGULAR_BYTES_MAX)?;
    String::from_utf8(bytes).map_err(|error| io::Error::new(io::ErrorKind::InvalidData, error))
}

/// The directory that what belongs to an audit of `root` is relative to: `root`, or the one that it lies in, if it is a file.
#[must_use]
pub fn directory_of(root: &Path) -> &Path {
    match root.parent().filter(|_| root.is_file()) {
        Some(parent) if parent.as_os_str().is_empty() => Path::new("."),
        Some(parent) => parent,
        None => root,
    }
}

/// Where the file `path` of an audited directory is. Its links lead to nothing outside: whoever writes the directory may not be
/// allowed to read what this process can, and what is read may be quoted. An absolute path was given by who runs the audit, and may
/// lead anywhere.
///
/// # Errors
/// If it is not there, or lies outside.
pub fn locate_in(directory: &Path, path: &Path) -> io::Result<PathBuf> {
    let location = fs::canonicalize(directory.join(path))?;
    if path.is_absolute() || location.starts_with(fs::canonicalize(directory)?) {
        return Ok(location);
    }
    Err(io::Error::new(io::ErrorKind::PermissionDenied, "it lies outside of the audited directory"))
}

/// The text of a regular file of an audited directory, in UTF-8.
///
/// # Errors
/// As for [`locate_in`] and [`read_regular_text`].
pub fn read_text_in(directory: &Path, path: &Path) -> io::Result<String> {
    read_regular_text(&locate_in(directory, path)?)
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::symlink;

    use super::*;

    #[test]
    fn links_lead_nowhere_outside() {
        let (folder, outside) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
        let (inside, secret) = (folder.path().join("a"), outside.path().join("secret"));
        fs::write(&inside, "a").unwrap();
        fs::write(&secret, "secret").unwrap();
        symlink(&inside, folder.path().join("inner")).unwrap();
        symlink(&secret, folder.path().join("outer")).unwrap();
        symlink(outside.path(), folder.path().join("folder")).unwrap();
        let read = |path: &str| read_text_in(folder.path(), Path::new(path));
        assert_eq!((read("a").unwrap(), read("inner").unwrap()), ("a".to_owned(), "a".to_owned()));
        for path in ["outer", "folder/secret", "../../etc/passwd"] {
            assert!(read(path).is_err(), "{path}");
        }
        assert_eq!(read("none").unwrap_err().kind(), io::ErrorKind::NotFound);
        assert_eq!(read(secret.to_str().unwrap()).unwrap(), "secret", "somebody gave the whole path");
    }

    #[test]
    fn files_have_a_directory() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("one.py");
        assert_eq!(directory_of(&file), file, "it is not there, and somebody will say so");
        fs::write(&file, "").unwrap();
        assert_eq!((directory_of(&file), directory_of(folder.path())), (folder.path(), folder.path()));
        // Tests run in the directory of their package.
        assert_eq!(directory_of(Path::new("Cargo.toml")), Path::new("."));
    }

    #[test]
    fn pipes_and_devices_keep_nobody() {
        let folder = tempfile::tempdir().unwrap();
        let pipe = folder.path().join("pyproject.toml");
        rustix::fs::mkfifoat(rustix::fs::CWD, &pipe, rustix::fs::Mode::RUSR).unwrap();
        for path in [pipe.as_path(), Path::new("/dev/zero"), folder.path()] {
            read_regular(path, 10).unwrap_err();
        }
    }

    #[test]
    fn more_than_the_limit_is_told() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a");
        fs::write(&path, "0123456789").unwrap();
        assert_eq!(read_regular(&path, 10).unwrap(), b"0123456789");
        assert_eq!(read_regular(&path, 9).unwrap_err().kind(), io::ErrorKind::FileTooLarge);
    }
}
