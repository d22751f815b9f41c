//! The file that one audit leaves for the next one of the same tree: `shield/audits/DIGEST` in the user's cache, DIGEST being that
//! of the tree's path.
//!
//! It is written beside the old one and renamed, so that of two audits at once each reads a whole file and the later one's stays;
//! results of different audits are never mixed. What it holds is bound to this program ([`shield_audit::cache`] says how).
//!
//! **Caveat.** Who writes this file decides what is found. It is made for its owner alone (0600, in a directory of 0700), and one
//! that belongs to somebody else, that others may read or write, or that is a link, is not read. Nothing helps against whoever
//! has the owner's rights, or against a directory that is carried from machine to machine: then there is `--no-cache`.

use std::{
    fs::{self, File},
    io::Read,
    os::unix::{
        ffi::OsStrExt,
        fs::{MetadataExt, OpenOptionsExt},
    },
    path::{Path, PathBuf},
    time::{Duration, SystemTime},
};

use shield_audit::cache::{BYTES_MAX, Cache};
use shield_types::Sha256Digest;

use super::{audit::user_cache, program};
use crate::durable::{create_private_directory, write_atomically};

/// Of trees that nobody audits any more nothing is kept.
const AGE_MAX: Duration = Duration::from_secs(30 * 24 * 3_600);
/// What all of these files may have together.
const TOGETHER_BYTES_MAX: u64 = 4 * BYTES_MAX as u64;

/// Where results of audits of one tree are kept.
#[derive(Debug)]
pub struct KeptFile {
    path: PathBuf,
    program: Sha256Digest,
}

// === impl KeptFile ===

impl KeptFile {
    /// Of the tree at `root`. None if nothing can be kept: the tree or the program cannot be found, or there is no place.
    #[must_use]
    pub fn of(root: &Path) -> Option<Self> {
        Self::within(&user_cache()?.join("audits"), root)
    }

    fn within(directory: &Path, root: &Path) -> Option<Self> {
        let root = fs::canonicalize(root).ok()?;
        let name = Sha256Digest::of(root.as_os_str().as_bytes()).hex();
        Some(Self { path: directory.join(name), program: program::identity().ok()? })
    }

    /// What was kept; empty if there is nothing, or nothing that can be trusted.
    #[must_use]
    pub fn open(&self) -> Cache {
        Cache::open(self.read().unwrap_or_default(), self.program)
    }

    /// Keeps what an audit leaves. An audit is none the worse if that cannot be done: the next one begins anew.
    pub fn keep(&self, cache: Cache) {
        let Some(directory) = self.path.parent() else { return };
        let kept = match cache.into_bytes() {
            Some(bytes) => create_private_directory(directory)
                .and_then(|()| write_atomically(&self.path, &bytes))
                .is_ok(),
            // Its time says when it was of use last.
            None => File::open(&self.path).and_then(|file| file.set_modified(SystemTime::now())).is_ok(),
        };
        if kept {
            tidy(directory, &self.path);
        }
    }

    fn read(&self) -> Option<Vec<u8>> {
        let no_link = rustix::fs::OFlags::NOFOLLOW | rustix::fs::OFlags::NONBLOCK;
        let flags = i32::try_from(no_link.bits()).ok()?;
        let file = fs::OpenOptions::new().read(true).custom_flags(flags).open(&self.path).ok()?;
        let metadata = file.metadata().ok()?;
        let own = metadata.uid() == rustix::process::geteuid().as_raw() && metadata.mode() & 0o077 == 0;
        // A list and results.
        let limit = 2 * BYTES_MAX as u64;
        if !metadata.is_file() || !own || metadata.len() > limit {
            return None;
        }
        let mut bytes = Vec::with_capacity(usize::try_from(metadata.len()).ok()?);
        file.take(limit).read_to_end(&mut bytes).ok()?;
        Some(bytes)
    }
}

/// Drops what has not been of use for long, and then the oldest until the rest is little enough; never `latest`.
fn tidy(directory: &Path, latest: &Path) {
    let Ok(entries) = fs::read_dir(directory) else { return };
    let others = entries.flatten().filter_map(|entry| {
        let metadata = entry.metadata().ok().filter(|metadata| metadata.is_file())?;
        Some((metadata.modified().ok()?, metadata.len(), entry.path()))
    });
    let mut others: Vec<_> = others.filter(|(.., path)| path != latest).collect();
    others.sort_unstable_by(|left, right| right.cmp(left));
    let now = SystemTime::now();
    let mut together = fs::metadata(latest).map(|metadata| metadata.len()).unwrap_or_default();
    for (modified, bytes, path) in others {
        together = together.saturating_add(bytes);
        let old = now.duration_since(modified).is_ok_and(|age| age > AGE_MAX);
        if old || together > TOGETHER_BYTES_MAX {
            // Another audit may have dropped it first.
            let _ = fs::remove_file(path);
        }
    }
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::{PermissionsExt, symlink};

    use super::*;

    /// A directory of caches, and the file of one tree in it.
    fn place() -> (tempfile::TempDir, KeptFile) {
        let directory = tempfile::tempdir().unwrap();
        let kept = KeptFile::within(&directory.path().join("audits"), directory.path()).unwrap();
        (directory, kept)
    }

    fn mode(path: &Path) -> u32 {
        fs::metadata(path).unwrap().mode() & 0o777
    }

    #[test]
    fn only_the_owners_file_is_read() {
        let (directory, kept) = place();
        kept.keep(Cache::open(Vec::new(), kept.program));
        assert!(kept.read().is_none(), "an audit that made nothing keeps nothing");
        create_private_directory(kept.path.parent().unwrap()).unwrap();
        write_atomically(&kept.path, b"kept").unwrap();
        assert_eq!((kept.read().unwrap(), mode(&kept.path)), (b"kept".to_vec(), 0o600));
        assert_eq!(mode(kept.path.parent().unwrap()), 0o700);
        for open_to_others in [0o620, 0o602, 0o640, 0o604] {
            fs::set_permissions(&kept.path, fs::Permissions::from_mode(open_to_others)).unwrap();
            assert!(kept.read().is_none(), "{open_to_others:o}");
        }
        let elsewhere = directory.path().join("elsewhere");
        write_atomically(&elsewhere, b"kept").unwrap();
        fs::remove_file(&kept.path).unwrap();
        symlink(&elsewhere, &kept.path).unwrap();
        assert!(kept.read().is_none(), "a link");
    }

    #[test]
    fn what_is_old_or_too_much_goes() {
        let (_directory, kept) = place();
        let directory = kept.path.parent().unwrap();
        create_private_directory(directory).unwrap();
        let day = Duration::from_secs(24 * 3_600);
        for (name, days, bytes) in [
            ("new", 1, TOGETHER_BYTES_MAX / 2),
            ("more", 2, TOGETHER_BYTES_MAX),
            ("small", 3, 1),
            ("old", 31, 1),
        ] {
            let file = File::create(directory.join(name)).unwrap();
            file.set_len(bytes).unwrap();
            file.set_modified(SystemTime::now() - day * days).unwrap();
        }
        fs::write(&kept.path, "kept").unwrap();
        tidy(directory, &kept.path);
        let left: Vec<_> = fs::read_dir(directory).unwrap().map(|entry| entry.unwrap().path()).collect();
        assert_eq!(left.len(), 2, "{left:?}");
        assert!(left.contains(&kept.path) && left.contains(&directory.join("new")));
    }

    #[test]
    fn trees_have_files_of_their_own() {
        let (directory, kept) = place();
        let tree = directory.path().join("tree");
        fs::create_dir(&tree).unwrap();
        let other = KeptFile::within(kept.path.parent().unwrap(), &tree).unwrap();
        assert_ne!(other.path, kept.path);
        assert_eq!(other.program, kept.program);
        assert!(KeptFile::within(directory.path(), &tree.join("gone")).is_none());
    }
}
