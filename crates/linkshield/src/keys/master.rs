//! The master key: 32 random bytes in a file that only its owner reads.
//!
//! Keys for one purpose each are derived from it (HKDF-SHA-256, RFC 5869), so that none of them is stored and none helps to
//! find another. It is made on first use, and not once something is sealed; two processes that start at once end up with the same one. **Deployment.** Whoever
//! has this file and the database can act as anybody; a backup of the database alone opens nothing. Without the file
//! nothing that is sealed can be opened, so keep a copy of it apart from that of the database.

use std::{
    fs::{self, File, OpenOptions},
    io::{self, Read, Write},
    os::unix::fs::{MetadataExt, OpenOptionsExt},
    path::{Path, PathBuf},
};

use ring::hkdf::{HKDF_SHA256, Salt};
use shield_types::Secret;
use thiserror::Error;
use uuid::Uuid;

use super::random::random_bytes;

/// Its name in the data directory.
pub const MASTER_KEY_FILE: &str = "master.key";

const KEY_BYTES: usize = 32;
const OWNER_ONLY: u32 = 0o600;
/// Bits of a mode that let others in.
const OTHERS: u32 = 0o077;

/// What other keys are derived from.
#[derive(Debug, Clone)]
pub struct MasterKey(Secret<[u8; KEY_BYTES]>);

/// What a derived key is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum KeyPurpose {
    /// Sealing what has to be readable later: private parts of signing keys.
    Sealing,
    /// Making refresh tokens.
    RefreshTokens,
    /// Making CSRF tokens.
    Csrf,
}

/// Why there is no master key.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum MasterKeyError {
    /// There is no file, though something is sealed under the key that was in it.
    #[error("the master key `{}` is missing", path.display())]
    Missing {
        /// The file.
        path: PathBuf,
    },
    /// The file cannot be made.
    #[error("master key `{}` cannot be made", path.display())]
    Make {
        /// The file.
        path: PathBuf,
        /// The system's reason.
        #[source]
        source: io::Error,
    },
    /// The file cannot be read.
    #[error("master key `{}` cannot be read", path.display())]
    Read {
        /// The file.
        path: PathBuf,
        /// The system's reason.
        #[source]
        source: io::Error,
    },
    /// Others may read or change it.
    #[error("master key `{}` has mode `{mode:o}`, expected `600`: nobody but its owner may read it", path.display())]
    Exposed {
        /// The file.
        path: PathBuf,
        /// Its mode.
        mode: u32,
    },
    /// It is not 32 bytes long.
    #[error("master key `{}` has {bytes} bytes, expected {KEY_BYTES}", path.display())]
    Length {
        /// The file.
        path: PathBuf,
        /// Its length.
        bytes: u64,
    },
}

// === impl MasterKey ===

impl MasterKey {
    /// The key in the file at `path`, which is made if it is not there.
    ///
    /// # Errors
    /// When it can be neither read nor made, when others can read it, or when it is no key. It is never made anew in the
    /// place of one that cannot be read.
    pub fn open_or_make(path: &Path) -> Result<Self, MasterKeyError> {
        match Self::open(path) {
            Err(MasterKeyError::Missing { .. }) => {
                make(path).map_err(|source| MasterKeyError::Make { path: path.to_owned(), source })?;
                Self::read(path)
            }
            outcome => outcome,
        }
    }

    /// The key in the file at `path`, which nothing is put in the place of: something is sealed under it.
    ///
    /// # Errors
    /// When it is not there, and as for [`Self::open_or_make`].
    pub fn open(path: &Path) -> Result<Self, MasterKeyError> {
        match Self::read(path) {
            Err(MasterKeyError::Read { path, source }) if source.kind() == io::ErrorKind::NotFound => {
                Err(MasterKeyError::Missing { path })
            }
            outcome => outcome,
        }
    }

    /// The key for one purpose.
    pub fn derive(&self, purpose: KeyPurpose) -> Secret<[u8; KEY_BYTES]> {
        let extracted = Salt::new(HKDF_SHA256, b"linkshield").extract(self.0.expose());
        let label = [purpose.label()];
        let expanded = extracted.expand(&label, HKDF_SHA256).expect("as many bytes as one hash has");
        let mut key = [0; KEY_BYTES];
        expanded.fill(&mut key).expect("as many bytes as were asked for");
        Secret::new(key)
    }

    fn read(path: &Path) -> Result<Self, MasterKeyError> {
        let failed = |source| MasterKeyError::Read { path: path.to_owned(), source };
        let mut file = File::open(path).map_err(failed)?;
        let metadata = file.metadata().map_err(failed)?;
        let mode = metadata.mode() & 0o777;
        if mode & OTHERS != 0 {
            return Err(MasterKeyError::Exposed { path: path.to_owned(), mode });
        }
        if metadata.len() != KEY_BYTES as u64 {
            return Err(MasterKeyError::Length { path: path.to_owned(), bytes: metadata.len() });
        }
        let mut key = [0; KEY_BYTES];
        file.read_exact(&mut key).map_err(failed)?;
        Ok(Self(Secret::new(key)))
    }
}

/// Makes a key under another name first: whoever finds the file finds all of it. Of two makers the first one's stays.
fn make(path: &Path) -> io::Result<()> {
    let unfinished = path.with_extension(Uuid::now_v7().to_string());
    let mut file = OpenOptions::new().write(true).create_new(true).mode(OWNER_ONLY).open(&unfinished)?;
    let linked = file
        .write_all(&random_bytes::<KEY_BYTES>())
        .and_then(|()| file.sync_all())
        .and_then(|()| fs::hard_link(&unfinished, path));
    fs::remove_file(&unfinished)?;
    match linked {
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => Ok(()),
        Err(error) => Err(error),
        // The name must outlive a power cut as surely as what is sealed under the key.
        Ok(()) => File::open(directory(path))?.sync_all(),
    }
}

/// Where a file lies; a bare name lies in the working directory.
fn directory(path: &Path) -> &Path {
    let parent = path.parent().filter(|parent| !parent.as_os_str().is_empty());
    parent.unwrap_or(Path::new("."))
}

// === impl KeyPurpose ===

impl KeyPurpose {
    const fn label(self) -> &'static [u8] {
        match self {
            Self::Sealing => b"sealing 1",
            Self::RefreshTokens => b"refresh tokens 1",
            Self::Csrf => b"csrf 1",
        }
    }
}

#[cfg(test)]
mod tests {
    use std::{os::unix::fs::PermissionsExt, thread};

    use super::*;
    use crate::scratch::ScratchDirectory;

    #[test]
    fn bare_names_lie_in_the_working_directory() {
        for (path, expected) in [("master.key", "."), ("keys/master.key", "keys"), ("/master.key", "/")] {
            assert_eq!(directory(Path::new(path)), Path::new(expected), "{path}");
        }
    }

    #[test]
    fn racing_makers_get_one_key() {
        let directory = ScratchDirectory::new();
        let path = directory.path().join(MASTER_KEY_FILE);
        let keys: Vec<_> = thread::scope(|scope| {
            let makers: Vec<_> =
                (0..8).map(|_| scope.spawn(|| MasterKey::open_or_make(&path).unwrap())).collect();
            makers.into_iter().map(|maker| maker.join().unwrap()).collect()
        });
        assert!(keys.iter().all(|key| key.0 == keys[0].0));
        assert_eq!(fs::metadata(&path).unwrap().mode() & 0o777, 0o600);
        assert_eq!(fs::read_dir(directory.path()).unwrap().count(), 1, "nothing unfinished is left");
    }

    #[test]
    fn purposes_have_different_keys() {
        let key = MasterKey(Secret::new([7; KEY_BYTES]));
        let again = MasterKey(Secret::new([7; KEY_BYTES]));
        assert!(key.derive(KeyPurpose::Sealing) == again.derive(KeyPurpose::Sealing));
        assert!(key.derive(KeyPurpose::Sealing) != key.derive(KeyPurpose::RefreshTokens));
    }

    #[test]
    fn asvs_v13_3_1_refuses_exposed_or_cut_files() {
        let directory = ScratchDirectory::new();
        let path = directory.path().join(MASTER_KEY_FILE);
        MasterKey::open_or_make(&path).unwrap();
        fs::set_permissions(&path, fs::Permissions::from_mode(0o640)).unwrap();
        let exposed = MasterKey::open_or_make(&path);
        assert!(matches!(exposed, Err(MasterKeyError::Exposed { mode: 0o640, .. })), "{exposed:?}");
        fs::set_permissions(&path, fs::Permissions::from_mode(0o600)).unwrap();
        fs::write(&path, [1; 31]).unwrap();
        let cut = MasterKey::open_or_make(&path);
        assert!(matches!(cut, Err(MasterKeyError::Length { bytes: 31, .. })), "{cut:?}");
        assert_eq!(fs::read(&path).unwrap(), [1; 31], "what is there is never replaced");
    }
}
