//! The only code here that touches files: bounded reads, synced writes, the lock.
//!
//! Guarantees: what a function says is written was fsynced, names included (fsync of the directory); a file that is
//! replaced is either the old or the new one after a crash. Symbolic links are not followed to the files of a log.
//! A wait for the lock is bounded. Decides nothing: which file may be read or repaired is its callers' business.
#![expect(clippy::disallowed_methods, reason = "this is the module the bans point to")]

use std::{
    fs::{self, DirBuilder, File, OpenOptions},
    io::{self, ErrorKind, Read, Write},
    os::unix::fs::{DirBuilderExt, FileExt, MetadataExt, OpenOptionsExt},
    path::{Path, PathBuf},
    thread,
    time::Duration,
};

use rustix::{
    fs::{FallocateFlags, FlockOperation, OFlags, fallocate, flock},
    io::Errno,
};

const LOCK_PAUSE: Duration = Duration::from_millis(1);
/// 30 seconds of pauses; a holder needs the lock for a few fsyncs.
const LOCK_ATTEMPTS_MAX: u32 = 30_000;

/// A file or directory could not be used.
#[derive(Debug, thiserror::Error)]
#[error("{action} `{}`", path.display())]
pub struct FileError {
    /// What was tried: `read`, `write`, `lock`.
    pub action: &'static str,
    /// On what.
    pub path: PathBuf,
    /// What the operating system said.
    #[source]
    pub source: io::Error,
}

impl FileError {
    fn at(action: &'static str, path: &Path) -> impl FnOnce(io::Error) -> Self {
        let path = path.to_owned();
        move |source| Self { action, path, source }
    }
}

/// Held for as long as it lives; the kernel releases it when the process dies.
pub(crate) struct DirectoryLock {
    _directory: File,
}

/// Whom a lock keeps out.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum LockKind {
    /// Everybody else.
    Exclusive,
    /// Writers.
    Shared,
}

/// Locks `directory`. The lock is on the directory itself, so that readers need no right to write and no file of
/// its own lies among the evidence.
pub(crate) fn lock(directory: &Path, kind: LockKind) -> Result<DirectoryLock, FileError> {
    let operation = match kind {
        LockKind::Exclusive => FlockOperation::NonBlockingLockExclusive,
        LockKind::Shared => FlockOperation::NonBlockingLockShared,
    };
    let handle = File::open(directory).map_err(FileError::at("open", directory))?;
    for _ in 0..LOCK_ATTEMPTS_MAX {
        match flock(&handle, operation) {
            Ok(()) => return Ok(DirectoryLock { _directory: handle }),
            Err(Errno::WOULDBLOCK) => thread::sleep(LOCK_PAUSE),
            Err(Errno::INTR) => {}
            Err(errno) => return Err(FileError::at("lock", directory)(errno.into())),
        }
    }
    let busy = io::Error::new(ErrorKind::TimedOut, "another process has held the lock for 30 seconds");
    Err(FileError::at("lock", directory)(busy))
}

/// Creates `directory` for its owner only, if it is not there.
pub(crate) fn create_directory(directory: &Path) -> Result<(), FileError> {
    if directory.is_dir() {
        return Ok(());
    }
    DirBuilder::new()
        .recursive(true)
        .mode(0o700)
        .create(directory)
        .map_err(FileError::at("create directory", directory))?;
    match directory.parent() {
        Some(parent) if parent.as_os_str().is_empty() => sync_directory(Path::new(".")),
        Some(parent) => sync_directory(parent),
        None => Ok(()),
    }
}

pub(crate) fn sync_directory(directory: &Path) -> Result<(), FileError> {
    File::open(directory).and_then(|handle| handle.sync_all()).map_err(FileError::at("sync", directory))
}

/// The length of the file at `path`, or `None` when there is none.
pub(crate) fn length(path: &Path) -> Result<Option<u64>, FileError> {
    match fs::symlink_metadata(path) {
        Ok(metadata) => Ok(Some(metadata.len())),
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(None),
        Err(error) => Err(FileError::at("look up", path)(error)),
    }
}

/// Creates an empty file; one that exists is left alone. The name is durable after [`sync_directory`].
pub(crate) fn create_empty(path: &Path) -> Result<(), FileError> {
    let created = OpenOptions::new().create_new(true).write(true).mode(0o644).open(path);
    match created.and_then(|file| file.sync_all()) {
        Err(error) if error.kind() != ErrorKind::AlreadyExists => Err(FileError::at("create", path)(error)),
        _ => Ok(()),
    }
}

/// Replaces the file at `path`: complete and durable, or not at all. Callers hold the lock, so one name for the
/// unfinished file is enough and what a crash left of it can go.
pub(crate) fn replace(path: &Path, content: &[u8], mode: u32) -> Result<(), FileError> {
    let mut unfinished = path.as_os_str().to_owned();
    unfinished.push(".unfinished");
    let unfinished = PathBuf::from(unfinished);
    remove(&unfinished)?;
    let mut file = OpenOptions::new()
        .create_new(true)
        .write(true)
        .mode(mode)
        .open(&unfinished)
        .map_err(FileError::at("create", &unfinished))?;
    file.write_all(content).and_then(|()| file.sync_all()).map_err(FileError::at("write", &unfinished))?;
    fs::rename(&unfinished, path).map_err(FileError::at("rename to", path))?;
    sync_directory(path.parent().unwrap_or(Path::new(".")))
}

/// Sets space aside behind the end of the file at `path`, where the file system can: what is written there next needs none.
pub(crate) fn reserve(path: &Path, bytes: u64) -> Result<(), FileError> {
    let failed = |source| FileError::at("set space aside for", path)(source);
    let file = open_regular(path, OpenOptions::new().write(true)).map_err(failed)?;
    let length = file.metadata().map_err(failed)?.len();
    match fallocate(&file, FallocateFlags::KEEP_SIZE, length, bytes) {
        Err(Errno::OPNOTSUPP) => Ok(()),
        reserved => reserved.map_err(|errno| failed(errno.into())),
    }
}

/// Removes the file at `path`, if there is one.
pub(crate) fn remove(path: &Path) -> Result<(), FileError> {
    match fs::remove_file(path) {
        Err(error) if error.kind() != ErrorKind::NotFound => Err(FileError::at("remove", path)(error)),
        _ => Ok(()),
    }
}

/// A small file with what decides whether it may be trusted.
pub(crate) struct SmallFile {
    pub(crate) content: Vec<u8>,
    /// Permission bits.
    pub(crate) mode: u32,
    pub(crate) owner: u32,
}

/// Reads the file at `path`, or `None` when there is none. Of a longer file only `bytes_max + 1` bytes are returned:
/// whoever expects a short one finds that it is not what it should be.
pub(crate) fn read_small(path: &Path, bytes_max: u64) -> Result<Option<SmallFile>, FileError> {
    let read = || -> io::Result<SmallFile> {
        let file = open_regular(path, OpenOptions::new().read(true))?;
        let metadata = file.metadata()?;
        let mut content = Vec::new();
        (&file).take(bytes_max + 1).read_to_end(&mut content)?;
        Ok(SmallFile { content, mode: metadata.mode() & 0o7777, owner: metadata.uid() })
    };
    match read() {
        Ok(file) => Ok(Some(file)),
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(None),
        Err(error) => Err(FileError::at("read", path)(error)),
    }
}

/// The user this process acts as.
pub(crate) fn current_user() -> u32 {
    rustix::process::geteuid().as_raw()
}

fn open_regular(path: &Path, options: &mut OpenOptions) -> io::Result<File> {
    // NONBLOCK: opening a FIFO somebody put there must not hang; it has no effect on a regular file.
    let flags = (OFlags::NOFOLLOW | OFlags::NONBLOCK).bits();
    let file = options.custom_flags(flags.cast_signed()).open(path)?;
    if !file.metadata()?.is_file() {
        return Err(io::Error::new(ErrorKind::InvalidInput, "not a regular file"));
    }
    Ok(file)
}

/// A file that grows at its end, as the log needs it. A trait, so that tests can make each operation fail.
pub(crate) trait AppendFile {
    fn length(&self) -> io::Result<u64>;
    fn read_at(&self, buffer: &mut [u8], offset: u64) -> io::Result<usize>;
    fn write_at(&self, bytes: &[u8], offset: u64) -> io::Result<()>;
    fn truncate(&self, length: u64) -> io::Result<()>;
    fn sync(&self) -> io::Result<()>;
}

/// Which file a handle stands for: device and inode.
pub(crate) type FileIdentity = (u64, u64);

/// Opens a file of the log, to append as well as to read when `writable`.
pub(crate) fn open_log_file(path: &Path, access: Access) -> Result<Option<(File, FileIdentity)>, FileError> {
    let opened = open_regular(path, OpenOptions::new().read(true).write(access == Access::ReadWrite));
    match opened.and_then(|file| file.metadata().map(|metadata| (file, (metadata.dev(), metadata.ino())))) {
        Ok(opened) => Ok(Some(opened)),
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(None),
        Err(error) => Err(FileError::at("open", path)(error)),
    }
}

/// What a file of the log is opened for.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Access {
    Read,
    ReadWrite,
}

impl AppendFile for File {
    fn length(&self) -> io::Result<u64> {
        self.metadata().map(|metadata| metadata.len())
    }

    fn read_at(&self, buffer: &mut [u8], offset: u64) -> io::Result<usize> {
        FileExt::read_at(self, buffer, offset)
    }

    fn write_at(&self, bytes: &[u8], offset: u64) -> io::Result<()> {
        self.write_all_at(bytes, offset)
    }

    fn truncate(&self, length: u64) -> io::Result<()> {
        self.set_len(length)
    }

    fn sync(&self) -> io::Result<()> {
        self.sync_all()
    }
}

/// A directory beside another one that vanishes with this value.
pub(crate) struct ScratchDirectory {
    path: PathBuf,
}

impl ScratchDirectory {
    /// Creates `path`, which must not exist.
    pub(crate) fn create(path: PathBuf) -> Result<Self, FileError> {
        fs::create_dir(&path).map_err(FileError::at("create directory", &path))?;
        Ok(Self { path })
    }

    pub(crate) fn path(&self) -> &Path {
        &self.path
    }

    /// Puts `content` under `name`, or nothing.
    pub(crate) fn put(&self, name: &str, content: Option<&[u8]>) -> Result<(), FileError> {
        let path = self.path.join(name);
        match content {
            Some(content) => fs::write(&path, content).map_err(FileError::at("write", &path)),
            None => remove(&path),
        }
    }
}

impl Drop for ScratchDirectory {
    fn drop(&mut self) {
        // A copy left behind is a nuisance, not a loss; there is nobody to tell from here.
        let _ = fs::remove_dir_all(&self.path);
    }
}
