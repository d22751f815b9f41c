//! The files of one directory, read and replaced without ever leaving it.
//!
//! Every name on the way to a file is opened by itself and never through a symbolic link, so nothing that lies elsewhere is read
//! or written, whatever links are planted meanwhile. A file is replaced whole or not at all: the new bytes lie on disk under another name in the
//! same directory before they get the file's own, and the directory is synced after that.

use std::{
    fs::File,
    io::{self, Read, Write},
    os::fd::{AsFd, OwnedFd},
    path::Path,
};

use rustix::{
    fs::{AtFlags, FileType, Mode, OFlags, Stat},
    io::Errno,
};
use shield_types::Sha256Digest;

/// Bytes that a file may have to be changed: more is no source file.
const FILE_BYTES_MAX: u64 = 64 << 20;

/// A directory.
#[derive(Debug)]
pub(super) struct Root {
    folder: OwnedFd,
    #[cfg(test)]
    pub(super) steps: Option<std::sync::Arc<std::sync::atomic::AtomicU32>>,
}

/// Which directory of a machine one is: what is copied to another place, or comes with a repository, cannot know.
#[derive(Clone, Copy, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub(super) struct Place {
    device: u64,
    inode: u64,
}

/// A file as it was read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Held {
    pub(super) bytes: Vec<u8>,
    pub(super) digest: Sha256Digest,
    pub(super) access: Access,
    /// Whether it has more than one name.
    pub(super) linked: bool,
}

/// Who may do what with a file.
#[derive(Clone, Copy, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub(super) struct Access {
    mode: u32,
    user: u32,
    group: u32,
}

/// Why a file was not read or written.
#[derive(Debug, thiserror::Error)]
pub(super) enum FileError {
    /// It is not what it was when the change was planned.
    #[error("`{file}` changed since it was read")]
    Changed { file: String },
    /// It is owned or may be used by others than when it was written.
    #[error("the permissions of `{file}` changed since it was mended")]
    Permissions { file: String },
    /// It has several names, of which only one would get what is written.
    #[error("`{file}` has hard links: they would no longer be the same file")]
    Linked { file: String },
    /// A name on the way is a link, or leads nowhere inside.
    #[error("`{file}` is reached through a link, or is no file inside of the directory")]
    Elsewhere { file: String },
    /// It is too large.
    #[error("`{file}` has more than {FILE_BYTES_MAX} bytes")]
    Large { file: String },
    /// The operating system refused.
    #[error("`{file}`")]
    Refused {
        file: String,
        #[source]
        source: io::Error,
    },
}

// === impl Access ===

impl Access {
    /// A file of whoever runs this.
    pub(super) fn own(mode: u32) -> Self {
        let (user, group) = (rustix::process::geteuid().as_raw(), rustix::process::getegid().as_raw());
        Self { mode, user, group }
    }

    const fn of(stat: &Stat) -> Self {
        Self { mode: stat.st_mode & 0o7777, user: stat.st_uid, group: stat.st_gid }
    }

    /// Whether nobody else wrote what it is about.
    pub(super) fn is_own(self) -> bool {
        self.user == rustix::process::geteuid().as_raw() && self.mode & 0o022 == 0
    }
}

// === impl Root ===

impl Root {
    /// The directory itself may be reached through links: whoever names it means what it leads to.
    pub(super) fn open(path: &Path) -> io::Result<Self> {
        let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::CLOEXEC;
        let folder = rustix::fs::open(path, flags, Mode::empty())?;
        Ok(Self {
            folder,
            #[cfg(test)]
            steps: None,
        })
    }

    /// Which directory it is on this machine, if it is the caller's alone to write to.
    pub(super) fn own_place(&self) -> io::Result<Option<Place>> {
        let stat = rustix::fs::fstat(&self.folder)?;
        let access = Access::of(&stat);
        Ok(access.is_own().then_some(Place { device: stat.st_dev, inode: stat.st_ino }))
    }

    /// A file with what is in it; `None` if there is none.
    pub(super) fn read(&self, file: &str) -> Result<Option<Held>, FileError> {
        let (folder, name) = self.folder_of(file)?;
        self.held(&folder, file, name)
    }

    /// Puts bytes in place of a file that is still `expected` (`None`: that is not there).
    pub(super) fn write(
        &self,
        file: &str,
        bytes: &[u8],
        expected: Option<Sha256Digest>,
        access: Option<Access>,
    ) -> Result<(), FileError> {
        let (folder, name) = self.folder_of(file)?;
        let refused = |source: io::Error| FileError::Refused { file: file.to_owned(), source };
        let beside = beside(name);
        self.step().map_err(refused)?;
        remove_if_there(&folder, &beside).map_err(refused)?;
        self.write_beside(&folder, &beside, bytes, access).map_err(refused)?;
        let held = self.held(&folder, file, name)?;
        if held.as_ref().map(|held| held.digest) != expected {
            remove_if_there(&folder, &beside).map_err(refused)?;
            return Err(FileError::Changed { file: file.to_owned() });
        }
        self.step().map_err(refused)?;
        let named = if expected.is_some() {
            rustix::fs::renameat(&folder, &beside, &folder, name)
        } else {
            // A link is refused where a file has appeared meanwhile; a rename would replace it.
            rustix::fs::linkat(&folder, &beside, &folder, name, AtFlags::empty())
                .and_then(|()| rustix::fs::unlinkat(&folder, &beside, AtFlags::empty()))
        };
        match named {
            Err(Errno::EXIST) => return Err(FileError::Changed { file: file.to_owned() }),
            named => named.map_err(|error| refused(error.into()))?,
        }
        self.step().and_then(|()| Ok(rustix::fs::fsync(&folder)?)).map_err(refused)
    }

    /// Removes a file that is still `expected`.
    pub(super) fn remove(&self, file: &str, expected: Sha256Digest) -> Result<(), FileError> {
        let (folder, name) = self.folder_of(file)?;
        let refused = |source: io::Error| FileError::Refused { file: file.to_owned(), source };
        if self.held(&folder, file, name)?.is_none_or(|held| held.digest != expected) {
            return Err(FileError::Changed { file: file.to_owned() });
        }
        self.step().map_err(refused)?;
        rustix::fs::unlinkat(&folder, name, AtFlags::empty()).map_err(|error| refused(error.into()))?;
        self.step().and_then(|()| Ok(rustix::fs::fsync(&folder)?)).map_err(refused)
    }

    /// Removes what a write that never ended left beside a file.
    pub(super) fn clean(&self, file: &str) -> Result<(), FileError> {
        let (folder, name) = self.folder_of(file)?;
        let refused = |source: io::Error| FileError::Refused { file: file.to_owned(), source };
        self.step().and_then(|()| remove_if_there(&folder, &beside(name))).map_err(refused)
    }

    fn write_beside(
        &self,
        folder: &OwnedFd,
        beside: &str,
        bytes: &[u8],
        access: Option<Access>,
    ) -> io::Result<()> {
        let flags = OFlags::WRONLY | OFlags::CREATE | OFlags::EXCL | OFlags::NOFOLLOW | OFlags::CLOEXEC;
        let mode = if access.is_some() { Mode::RUSR | Mode::WUSR } else { Mode::from_raw_mode(0o666) };
        let mut file = File::from(rustix::fs::openat(folder, beside, flags, mode)?);
        self.step()?;
        file.write_all(bytes)?;
        if let Some(access) = access {
            let stat = rustix::fs::fstat(&file)?;
            if (stat.st_uid, stat.st_gid) != (access.user, access.group) {
                let user = rustix::fs::Uid::from_raw(access.user);
                let group = rustix::fs::Gid::from_raw(access.group);
                rustix::fs::fchown(&file, Some(user), Some(group))?;
            }
            // After the owner: a change of owner takes bits away.
            rustix::fs::fchmod(&file, Mode::from_raw_mode(access.mode))?;
        }
        self.step()?;
        file.sync_all()
    }

    /// The directory of a file, opened name by name, and the file's own name.
    fn folder_of<'f>(&self, file: &'f str) -> Result<(OwnedFd, &'f str), FileError> {
        let elsewhere = || FileError::Elsewhere { file: file.to_owned() };
        let mut parts: Vec<&str> = file.split('/').collect();
        let name = parts.pop().filter(|name| is_plain(name)).ok_or_else(elsewhere)?;
        let refused = |source: io::Error| FileError::Refused { file: file.to_owned(), source };
        let mut folder = self.folder.as_fd().try_clone_to_owned().map_err(refused)?;
        for part in parts {
            if !is_plain(part) {
                return Err(elsewhere());
            }
            let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::NOFOLLOW | OFlags::CLOEXEC;
            folder = match rustix::fs::openat(&folder, part, flags, Mode::empty()) {
                Ok(folder) => folder,
                Err(Errno::LOOP | Errno::NOTDIR) => return Err(elsewhere()),
                Err(error) => return Err(refused(error.into())),
            };
        }
        Ok((folder, name))
    }

    fn held(&self, folder: &OwnedFd, file: &str, name: &str) -> Result<Option<Held>, FileError> {
        let refused = |source: io::Error| FileError::Refused { file: file.to_owned(), source };
        // A pipe that nobody writes to must not hold this up.
        let flags = OFlags::RDONLY | OFlags::NOFOLLOW | OFlags::NONBLOCK | OFlags::CLOEXEC;
        let opened = match rustix::fs::openat(folder, name, flags, Mode::empty()) {
            Ok(opened) => File::from(opened),
            Err(Errno::NOENT) => return Ok(None),
            Err(Errno::LOOP) => return Err(FileError::Elsewhere { file: file.to_owned() }),
            Err(error) => return Err(refused(error.into())),
        };
        let stat: Stat = rustix::fs::fstat(&opened).map_err(|error| refused(error.into()))?;
        if FileType::from_raw_mode(stat.st_mode) != FileType::RegularFile {
            return Err(FileError::Elsewhere { file: file.to_owned() });
        }
        let mut bytes = Vec::new();
        opened.take(FILE_BYTES_MAX + 1).read_to_end(&mut bytes).map_err(refused)?;
        if bytes.len() as u64 > FILE_BYTES_MAX {
            return Err(FileError::Large { file: file.to_owned() });
        }
        let access = Access::of(&stat);
        let digest = Sha256Digest::of(&bytes);
        Ok(Some(Held { bytes, digest, access, linked: stat.st_nlink > 1 }))
    }

    /// Where the machine can die; in tests it does.
    #[cfg_attr(
        not(test),
        expect(clippy::unused_self, clippy::unnecessary_wraps, reason = "only tests die here")
    )]
    fn step(&self) -> io::Result<()> {
        #[cfg(test)]
        if let Some(steps) = &self.steps {
            use std::sync::atomic::Ordering::SeqCst;
            let left = steps.fetch_update(SeqCst, SeqCst, |left| left.checked_sub(1));
            return left.map(drop).map_err(|_| io::Error::other("dead"));
        }
        Ok(())
    }
}

/// Whether a part of a path is the name of something in a directory.
fn is_plain(name: &str) -> bool {
    !matches!(name, "" | "." | "..") && !name.contains(['/', '\0'])
}

/// Where the new bytes of a file lie until they are all there. One name for each file: what a dead process left is found again.
fn beside(name: &str) -> String {
    let start =
        name.char_indices().take_while(|(at, _)| *at < 200).last().map_or(0, |(at, c)| at + c.len_utf8());
    format!(".{}.shield-remedy", &name[..start])
}

fn remove_if_there(folder: &OwnedFd, name: &str) -> io::Result<()> {
    match rustix::fs::unlinkat(folder, name, AtFlags::empty()) {
        Err(Errno::NOENT) => Ok(()),
        removed => Ok(removed?),
    }
}

#[cfg(test)]
mod tests {
    use std::{
        fs,
        os::unix::fs::{PermissionsExt, symlink},
    };

    use super::*;

    fn write(root: &Root, file: &str, bytes: &[u8]) -> Result<(), FileError> {
        let held = root.read(file)?;
        let access = held.as_ref().map(|held| held.access);
        root.write(file, bytes, held.map(|held| held.digest), access)
    }

    #[test]
    fn permissions_are_kept() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a.py");
        fs::write(&path, "old").unwrap();
        fs::set_permissions(&path, fs::Permissions::from_mode(0o751)).unwrap();
        let root = Root::open(folder.path()).unwrap();
        write(&root, "a.py", b"new").unwrap();
        assert_eq!(fs::read(&path).unwrap(), b"new");
        assert_eq!(fs::metadata(&path).unwrap().permissions().mode() & 0o7777, 0o751);
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 1);
    }

    #[test]
    fn links_are_never_followed() {
        let outside = tempfile::tempdir().unwrap();
        let folder = tempfile::tempdir().unwrap();
        fs::write(outside.path().join("a.py"), "theirs").unwrap();
        symlink(outside.path(), folder.path().join("out")).unwrap();
        symlink(outside.path().join("a.py"), folder.path().join("a.py")).unwrap();
        let root = Root::open(folder.path()).unwrap();
        for file in ["out/a.py", "a.py", "../a.py", "/a.py", "out/../a.py", ".", ""] {
            assert!(matches!(root.read(file), Err(FileError::Elsewhere { .. })), "{file}");
            assert!(root.write(file, b"ours", None, None).is_err(), "{file}");
        }
        assert_eq!(fs::read(outside.path().join("a.py")).unwrap(), b"theirs");
    }

    #[test]
    fn changed_files_are_left_alone() {
        let folder = tempfile::tempdir().unwrap();
        fs::write(folder.path().join("a.py"), "theirs").unwrap();
        let root = Root::open(folder.path()).unwrap();
        for expected in [None, Some(Sha256Digest::of(b"old"))] {
            let refused = root.write("a.py", b"new", expected, None).unwrap_err();
            assert!(matches!(refused, FileError::Changed { .. }));
        }
        assert!(root.remove("a.py", Sha256Digest::of(b"old")).is_err());
        assert_eq!(fs::read(folder.path().join("a.py")).unwrap(), b"theirs");
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 1);
    }
}
