//! Key files: made on first use, refused when others could have read or planted them.
//!
//! Order on first use: public file, then private file, each complete or absent, under the directory's lock. So the
//! private file is the mark that a key exists, two processes racing end with one key, and a crash leaves none or both.

use std::{io, path::Path};

use crate::{
    disk::{self, FileError, LockKind, SmallFile},
    key::{GenerateKeyError, ParsePublicKeyError, PublicKey, SigningKey, signing::generate_pkcs8},
    names::{PUBLIC_KEY_FILE, SIGNING_KEY_FILE},
};

/// A key file is about 100 bytes; more is something else.
const KEY_FILE_BYTES_MAX: u64 = 4096;

/// Why there is no signing key to use.
#[derive(Debug, thiserror::Error)]
pub enum OpenKeyError {
    /// A file could not be used.
    #[error("use the key files of the evidence log")]
    File {
        /// Which, and why.
        #[source]
        source: FileError,
    },
    /// No key could be drawn.
    #[error("make the key of the evidence log")]
    Generate {
        /// Why.
        #[source]
        source: GenerateKeyError,
    },
    /// Others may read the private key.
    #[error("trust signing key `{path}`: mode {mode:04o} lets others use it; run `chmod 600 {path}`")]
    Exposed {
        /// The file.
        path: String,
        /// Its permission bits.
        mode: u32,
    },
    /// Somebody else's file.
    #[error("trust signing key `{path}`: it belongs to user {owner}, this process runs as user {user}")]
    NotOurs {
        /// The file.
        path: String,
        /// Who owns it.
        owner: u32,
        /// Who we are.
        user: u32,
    },
    /// Not a PKCS#8 Ed25519 key.
    #[error("read signing key `{path}`: not an Ed25519 key in PKCS#8 ({reason}); restore it from a backup")]
    Rejected {
        /// The file.
        path: String,
        /// What the parser said.
        reason: String,
    },
    /// The public file does not belong to the private one.
    #[error(
        "match `{path}` with the signing key: the file is missing or holds another key; find out who changed it, \
         then write `{expected}` into it"
    )]
    PublicDiffers {
        /// The public key file.
        path: String,
        /// What it has to hold.
        expected: PublicKey,
    },
}

/// Why a public key file could not be read.
#[derive(Debug, thiserror::Error)]
pub enum ReadPublicKeyError {
    /// The file could not be used.
    #[error("use the public key file")]
    File {
        /// Which, and why.
        #[source]
        source: FileError,
    },
    /// The content is not a key.
    #[error("read public key file `{path}`")]
    Parse {
        /// The file.
        path: String,
        /// What is wrong with it.
        #[source]
        source: ParsePublicKeyError,
    },
}

impl SigningKey {
    /// The key of `directory`; made, with both files, when there is none.
    pub fn open_or_create(directory: &Path) -> Result<Self, OpenKeyError> {
        let file = |source| OpenKeyError::File { source };
        disk::create_directory(directory).map_err(file)?;
        let _lock = disk::lock(directory, LockKind::Exclusive).map_err(file)?;
        open_or_create_locked(directory)
    }
}

impl PublicKey {
    /// Reads a public key file.
    pub fn read(path: &Path) -> Result<Self, ReadPublicKeyError> {
        let file = disk::read_small(path, KEY_FILE_BYTES_MAX);
        let file = file.and_then(|file| {
            file.ok_or_else(|| FileError {
                action: "read",
                path: path.to_owned(),
                source: io::ErrorKind::NotFound.into(),
            })
        });
        let content = file.map_err(|source| ReadPublicKeyError::File { source })?.content;
        Self::from_file_content(&content)
            .map_err(|source| ReadPublicKeyError::Parse { path: path.display().to_string(), source })
    }
}

/// [`SigningKey::open_or_create`] for callers that hold the directory's exclusive lock.
pub(crate) fn open_or_create_locked(directory: &Path) -> Result<SigningKey, OpenKeyError> {
    match open_existing(directory)? {
        Some(key) => Ok(key),
        None => create(directory),
    }
}

fn open_existing(directory: &Path) -> Result<Option<SigningKey>, OpenKeyError> {
    let path = directory.join(SIGNING_KEY_FILE);
    let found =
        disk::read_small(&path, KEY_FILE_BYTES_MAX).map_err(|source| OpenKeyError::File { source })?;
    let Some(file) = found else { return Ok(None) };
    let path = path.display().to_string();
    require_ours(&path, &file, disk::current_user())?;
    let key = SigningKey::from_pkcs8(&file.content)
        .map_err(|error| OpenKeyError::Rejected { path, reason: error.to_string() })?;
    require_public_file(directory, &key)?;
    Ok(Some(key))
}

fn require_ours(path: &str, file: &SmallFile, user: u32) -> Result<(), OpenKeyError> {
    if file.owner != user {
        return Err(OpenKeyError::NotOurs { path: path.to_owned(), owner: file.owner, user });
    }
    if file.mode & 0o077 != 0 {
        return Err(OpenKeyError::Exposed { path: path.to_owned(), mode: file.mode });
    }
    Ok(())
}

fn require_public_file(directory: &Path, key: &SigningKey) -> Result<(), OpenKeyError> {
    let path = directory.join(PUBLIC_KEY_FILE);
    let found =
        disk::read_small(&path, KEY_FILE_BYTES_MAX).map_err(|source| OpenKeyError::File { source })?;
    match found {
        Some(file) if file.content == key.public().file_content().as_bytes() => Ok(()),
        _ => Err(OpenKeyError::PublicDiffers { path: path.display().to_string(), expected: *key.public() }),
    }
}

fn create(directory: &Path) -> Result<SigningKey, OpenKeyError> {
    let document = generate_pkcs8().map_err(|source| OpenKeyError::Generate { source })?;
    let path = directory.join(SIGNING_KEY_FILE);
    let key = SigningKey::from_pkcs8(&document).map_err(|error| OpenKeyError::Rejected {
        path: path.display().to_string(),
        reason: error.to_string(),
    })?;
    let file = |source| OpenKeyError::File { source };
    disk::replace(&directory.join(PUBLIC_KEY_FILE), key.public().file_content().as_bytes(), 0o644)
        .map_err(file)?;
    disk::replace(&path, &document, 0o600).map_err(file)?;
    Ok(key)
}

#[cfg(test)]
mod tests;
