//! A file that fills a filesystem, made only on a filesystem that was named.
//!
//! Space is reserved with `fallocate`, which takes no time, and written where that is not supported. The file is filled by a
//! thread of its own, so that a slow disk keeps nobody from undoing it.

use std::fs::{self, File, OpenOptions};
use std::io::{self, ErrorKind, Write};
use std::os::unix::fs::{MetadataExt, OpenOptionsExt};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::{self, JoinHandle};

use rustix::fs::{FallocateFlags, fallocate, fstatvfs};
use rustix::io::Errno;

use crate::fault::plan::model::DiskAmount;

/// How the names of such files begin; no other file is ever removed.
const NAME: &str = "shield-fault-fill-";
/// Most bytes that are reserved at once.
const RESERVE_BYTES: u64 = 256 << 20;
/// Most bytes that are written at once, where reserving is not supported.
const WRITE_BYTES: usize = 1 << 20;
/// A remainder smaller than this is left.
const BLOCK_BYTES: u64 = 4096;

/// A file that fills.
#[derive(Debug)]
pub(crate) struct DiskFill {
    path: PathBuf,
    amount: DiskAmount,
    told_to_stop: Arc<AtomicBool>,
    filler: Option<JoinHandle<io::Result<()>>>,
}

/// A filesystem was not filled.
#[derive(Debug, thiserror::Error)]
pub(crate) enum DiskError {
    #[error("look at `{}`", path.display())]
    Unreadable {
        path: PathBuf,
        #[source]
        source: io::Error,
    },
    #[error("look at `{}`: it is not an absolute path", path.display())]
    Relative { path: PathBuf },
    #[error("fill `{}`: it is not a mount point", path.display())]
    NotMounted { path: PathBuf },
    #[error(
        "fill the filesystem of `{}`: it is not the one mounted at `{}`, which was named",
        directory.display(),
        filesystem.display()
    )]
    NotNamed { directory: PathBuf, filesystem: PathBuf },
    #[error("make the file `{}`", path.display())]
    Make {
        path: PathBuf,
        #[source]
        source: io::Error,
    },
    #[error("fill the file `{}`", path.display())]
    Fill {
        path: PathBuf,
        #[source]
        source: io::Error,
    },
    #[error("remove the file `{}`", path.display())]
    Remove {
        path: PathBuf,
        #[source]
        source: io::Error,
    },
    #[error("remove the file `{}`: no fault makes a file of this name", path.display())]
    Foreign { path: PathBuf },
}

// === impl DiskFill ===

impl DiskFill {
    /// Checks where the file would be made; makes nothing.
    pub(crate) fn prepare(
        directory: &Path,
        filesystem: &Path,
        amount: DiskAmount,
    ) -> Result<Self, DiskError> {
        let directory = canonical(directory)?;
        let filesystem = canonical(filesystem)?;
        let device = device(&filesystem)?;
        if let Some(parent) = filesystem.parent()
            && self::device(parent)? == device
        {
            return Err(DiskError::NotMounted { path: filesystem });
        }
        if self::device(&directory)? != device {
            return Err(DiskError::NotNamed { directory, filesystem });
        }
        let path = directory.join(format!("{NAME}{:016x}", fastrand::u64(..)));
        Ok(Self { path, amount, told_to_stop: Arc::default(), filler: None })
    }

    /// The file that will be made.
    pub(crate) fn path(&self) -> &Path {
        &self.path
    }

    /// Makes the file and begins to fill it.
    pub(crate) fn begin(&mut self) -> Result<(), DiskError> {
        let made = OpenOptions::new().write(true).create_new(true).mode(0o600).open(&self.path);
        let make = |source| DiskError::Make { path: self.path.clone(), source };
        let file = made.map_err(make)?;
        let (amount, told_to_stop) = (self.amount, Arc::clone(&self.told_to_stop));
        let filler = thread::Builder::new().name("disk-fill".to_owned());
        let filler = filler.spawn(move || fill(&file, amount, &told_to_stop)).map_err(make)?;
        self.filler = Some(filler);
        Ok(())
    }

    /// Ends the filling; says whether all of it went well.
    pub(crate) fn stop(&mut self) -> Result<(), DiskError> {
        self.told_to_stop.store(true, Ordering::Relaxed);
        let outcome = self.filler.take().map_or(Ok(()), |filler| {
            filler.join().unwrap_or_else(|_| Err(io::Error::other("the filling thread panicked")))
        });
        outcome.map_err(|source| DiskError::Fill { path: self.path.clone(), source })
    }
}

/// Removes a file that a fault made; content if it is gone.
pub(crate) fn remove(path: &Path) -> Result<(), DiskError> {
    let named = path.file_name().and_then(|name| name.to_str()).is_some_and(|name| name.starts_with(NAME));
    if !named {
        return Err(DiskError::Foreign { path: path.to_owned() });
    }
    match fs::remove_file(path) {
        Err(error) if error.kind() != ErrorKind::NotFound => {
            Err(DiskError::Remove { path: path.to_owned(), source: error })
        }
        _ => Ok(()),
    }
}

fn fill(file: &File, amount: DiskAmount, told_to_stop: &AtomicBool) -> io::Result<()> {
    let (mut taken, mut reserve_max) = (0, RESERVE_BYTES);
    while !told_to_stop.load(Ordering::Relaxed) {
        let missing = missing(file, amount, taken)?;
        if missing < BLOCK_BYTES {
            break;
        }
        let bytes = missing.min(reserve_max);
        match take(file, taken, bytes) {
            Ok(more) => taken += more,
            // The filesystem needs room for its own tables: smaller pieces may still fit.
            Err(error) if error.kind() == ErrorKind::StorageFull => reserve_max = bytes / 2,
            Err(error) => return Err(error),
        }
        if reserve_max < BLOCK_BYTES {
            break;
        }
    }
    Ok(())
}

/// How many bytes are still to be taken.
fn missing(file: &File, amount: DiskAmount, taken: u64) -> io::Result<u64> {
    Ok(match amount {
        DiskAmount::Take(bytes) => bytes.saturating_sub(taken),
        DiskAmount::Leave(bytes) => {
            let filesystem = fstatvfs(file)?;
            (filesystem.f_bavail * filesystem.f_frsize).saturating_sub(bytes)
        }
    })
}

fn take(mut file: &File, offset: u64, bytes: u64) -> io::Result<u64> {
    match fallocate(file, FallocateFlags::empty(), offset, bytes) {
        Ok(()) => Ok(bytes),
        Err(Errno::OPNOTSUPP) => {
            let block = vec![0; WRITE_BYTES.min(usize::try_from(bytes).unwrap_or(WRITE_BYTES))];
            Ok(file.write(&block)? as u64)
        }
        Err(error) => Err(error.into()),
    }
}

/// The guard has left the directory that a relative path would count from.
fn canonical(path: &Path) -> Result<PathBuf, DiskError> {
    if path.is_relative() {
        return Err(DiskError::Relative { path: path.to_owned() });
    }
    fs::canonicalize(path).map_err(|source| DiskError::Unreadable { path: path.to_owned(), source })
}

fn device(path: &Path) -> Result<u64, DiskError> {
    let metadata = fs::metadata(path);
    metadata
        .map(|metadata| metadata.dev())
        .map_err(|source| DiskError::Unreadable { path: path.to_owned(), source })
}
