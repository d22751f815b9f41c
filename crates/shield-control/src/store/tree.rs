//! What an artifact consists of, and its digest.

use std::{
    fs::{self, File},
    io,
    os::unix::fs::PermissionsExt,
    path::{Path, PathBuf},
};

use shield_types::{ArtifactDigest, DigestHasher, Sha256Digest};

use super::inventory::Inventory;
use crate::{
    durable::{StateFileError, failed},
    manifest::Exclusions,
};

/// Most files in a directory artifact.
const FILES_MAX: usize = 200_000;
/// Deepest nesting of a directory artifact.
const DEPTH_MAX: usize = 64;

/// The artifact cannot be read.
#[derive(Debug, thiserror::Error)]
pub enum ArtifactError {
    /// It is not there.
    #[error("read artifact `{}`: no such file or directory", path.display())]
    Missing {
        /// Where it should be.
        path: PathBuf,
    },
    /// A part of it cannot be read.
    #[error("read the artifact")]
    File {
        /// Which, and why.
        #[source]
        source: StateFileError,
    },
    /// It holds a socket, a device or a pipe, or too much.
    #[error("read artifact `{}`: {problem}", path.display())]
    Unfit {
        /// The part.
        path: PathBuf,
        /// What is wrong with it.
        problem: &'static str,
    },
}

impl From<StateFileError> for ArtifactError {
    fn from(source: StateFileError) -> Self {
        Self::File { source }
    }
}

/// One part of a directory artifact.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Entry {
    /// Path below the artifact's root.
    pub(super) path: PathBuf,
    pub(super) kind: Kind,
}

#[derive(Debug, PartialEq, Eq)]
pub(super) enum Kind {
    Directory,
    File { executable: bool },
    Link { target: PathBuf },
}

/// The digest of the file or directory at `path`; of a directory, `exclude` stays out.
pub fn artifact_digest(path: &Path, exclude: &Exclusions) -> Result<ArtifactDigest, ArtifactError> {
    let metadata = match fs::metadata(path) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => {
            return Err(ArtifactError::Missing { path: path.to_owned() });
        }
        other => other.map_err(failed("inspect", path))?,
    };
    if metadata.is_file() {
        return Ok(ArtifactDigest(file_digest(path)?));
    }
    Ok(Inventory::take(path, exclude)?.digest())
}

pub(super) fn file_digest(path: &Path) -> Result<Sha256Digest, StateFileError> {
    let mut file = File::open(path).map_err(failed("open", path))?;
    let mut hasher = DigestHasher::new();
    io::copy(&mut file, &mut hasher).map_err(failed("read", path))?;
    Ok(hasher.finish())
}

/// The parts of the directory at `root`, sorted by path, parents before children.
pub(super) fn walk(root: &Path, exclude: &Exclusions) -> Result<Vec<Entry>, ArtifactError> {
    let mut entries = Vec::new();
    let mut pending = vec![PathBuf::new()];
    while let Some(directory) = pending.pop() {
        let absolute = root.join(&directory);
        for child in fs::read_dir(&absolute).map_err(failed("list", &absolute))? {
            let path = directory.join(child.map_err(failed("list", &absolute))?.file_name());
            if exclude.leave_out(&path) {
                continue;
            }
            let kind = kind_of(&root.join(&path))?;
            if kind == Kind::Directory {
                pending.push(path.clone());
            }
            let too_much = entries.len() >= FILES_MAX || path.components().count() > DEPTH_MAX;
            if too_much {
                return Err(ArtifactError::Unfit {
                    path: root.to_owned(),
                    problem: "over 200,000 files, or deeper than 64",
                });
            }
            entries.push(Entry { path, kind });
        }
    }
    entries.sort_by(|a, b| a.path.cmp(&b.path));
    Ok(entries)
}

pub(super) fn kind_of(path: &Path) -> Result<Kind, ArtifactError> {
    let metadata = fs::symlink_metadata(path).map_err(failed("inspect", path))?;
    if metadata.is_symlink() {
        return Ok(Kind::Link { target: fs::read_link(path).map_err(failed("read link", path))? });
    }
    if metadata.is_dir() {
        return Ok(Kind::Directory);
    }
    if metadata.is_file() {
        return Ok(Kind::File { executable: metadata.permissions().mode() & 0o100 != 0 });
    }
    Err(ArtifactError::Unfit { path: path.to_owned(), problem: "neither a file, a directory nor a link" })
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::symlink;

    use super::*;

    fn tree() -> tempfile::TempDir {
        let directory = tempfile::tempdir().unwrap();
        fs::create_dir(directory.path().join("lib")).unwrap();
        fs::write(directory.path().join("lib/a.py"), "a").unwrap();
        fs::write(directory.path().join("main.py"), "m").unwrap();
        symlink("main.py", directory.path().join("link")).unwrap();
        directory
    }

    fn digest(directory: &tempfile::TempDir) -> ArtifactDigest {
        artifact_digest(directory.path(), &Exclusions::new(vec!["*.pyc".to_owned(), ".git".to_owned()]))
            .unwrap()
    }

    #[test]
    fn equal_trees_have_equal_digests() {
        assert_eq!(digest(&tree()), digest(&tree()));
    }

    #[test]
    fn every_change_changes_the_digest() {
        type Change = fn(&Path);
        let changes: [Change; 5] = [
            |root| fs::write(root.join("main.py"), "n").unwrap(),
            |root| fs::rename(root.join("lib/a.py"), root.join("lib/b.py")).unwrap(),
            |root| fs::set_permissions(root.join("main.py"), fs::Permissions::from_mode(0o755)).unwrap(),
            |root| fs::create_dir(root.join("empty")).unwrap(),
            |root| {
                fs::remove_file(root.join("link")).unwrap();
                symlink("lib", root.join("link")).unwrap()
            },
        ];
        for (index, change) in changes.iter().enumerate() {
            let changed = tree();
            change(changed.path());
            assert_ne!(digest(&changed), digest(&tree()), "change {index}");
        }
    }

    #[test]
    fn excluded_files_do_not_count() {
        let changed = tree();
        fs::write(changed.path().join("lib/a.pyc"), "cache").unwrap();
        fs::create_dir(changed.path().join(".git")).unwrap();
        assert_eq!(digest(&changed), digest(&tree()));
    }
}
