//! Files that are read beside the walk: by name, wherever the project has them.

use std::{
    fs::File,
    io::{self, Read},
    os::unix::fs::OpenOptionsExt,
    path::Path,
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

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;

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
