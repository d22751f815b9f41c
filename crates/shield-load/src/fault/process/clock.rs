//! Another time of day for one process: possible where libfaketime was loaded at its start, and refused elsewhere.
//!
//! libfaketime reads the offset from the file named by `FAKETIME_TIMESTAMP_FILE` whenever the process asks for the time, if
//! `FAKETIME_NO_CACHE=1` is set (else up to 10 s late) and `FAKETIME` is not (it would win). The fault is what stands in the
//! file.

use std::fs;
use std::io::{self, ErrorKind};
use std::path::{Path, PathBuf};

use crate::fault::process::identity::{ProcessIdentity, TargetError};
use crate::fault::process::procfs;

/// Longest offset file that is kept and restored.
const FILE_BYTES_MAX: usize = 4096;

/// A clock was not changed.
#[derive(Debug, thiserror::Error)]
pub(crate) enum ClockError {
    #[error("change the clock of a process")]
    Target(#[source] TargetError),
    #[error(
        "change the clock of {process}: {missing}; a process that was started without libfaketime cannot be skewed"
    )]
    Fixed { process: ProcessIdentity, missing: &'static str },
    #[error("change the clock: the offset file `{}` is longer than {FILE_BYTES_MAX} bytes", path.display())]
    Long { path: PathBuf },
    #[error("change the offset file `{}`", path.display())]
    File {
        path: PathBuf,
        #[source]
        source: io::Error,
    },
}

/// The offset file of a process, if its clock can be changed.
pub(crate) fn offset_file(process: ProcessIdentity) -> Result<PathBuf, ClockError> {
    process.open().map_err(ClockError::Target)?;
    let fixed = |missing| Err(ClockError::Fixed { process, missing });
    if !procfs::maps_file(process.pid, "libfaketime") {
        return fixed("it does not run under libfaketime");
    }
    if procfs::variable(process.pid, "FAKETIME").is_some() {
        return fixed("`FAKETIME` is set for it, which outranks a file");
    }
    if procfs::variable(process.pid, "FAKETIME_NO_CACHE").as_deref() != Some("1") {
        return fixed("`FAKETIME_NO_CACHE` is not `1` for it, so it would be seconds late");
    }
    match procfs::variable(process.pid, "FAKETIME_TIMESTAMP_FILE").map(PathBuf::from) {
        Some(path) if path.is_absolute() => Ok(path),
        _ => fixed("`FAKETIME_TIMESTAMP_FILE` is not an absolute path for it"),
    }
}

/// What stands in the file; `None` if there is none.
pub(crate) fn read(path: &Path) -> Result<Option<String>, ClockError> {
    match fs::read_to_string(path) {
        Ok(content) if content.len() > FILE_BYTES_MAX => Err(ClockError::Long { path: path.to_owned() }),
        Ok(content) => Ok(Some(content)),
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(None),
        Err(source) => Err(ClockError::File { path: path.to_owned(), source }),
    }
}

/// Puts the clock `seconds` off.
pub(crate) fn skew(path: &Path, seconds: i64) -> Result<(), ClockError> {
    write(path, Some(&format!("{seconds:+}\n")))
}

/// Makes the file what it was; nobody ever reads half of it.
pub(crate) fn write(path: &Path, content: Option<&str>) -> Result<(), ClockError> {
    let written = match content {
        Some(content) => {
            let mut name = path.as_os_str().to_owned();
            name.push(".shield-new");
            let new = PathBuf::from(name);
            fs::write(&new, content).and_then(|()| fs::rename(&new, path))
        }
        None => match fs::remove_file(path) {
            Err(error) if error.kind() == ErrorKind::NotFound => Ok(()),
            other => other,
        },
    };
    written.map_err(|source| ClockError::File { path: path.to_owned(), source })
}
