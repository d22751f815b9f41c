//! Copying an artifact into the store, and removing what is no longer needed.

use std::{
    collections::BTreeSet,
    fs::{self, DirBuilder, File, Permissions},
    io,
    os::unix::fs::{DirBuilderExt, PermissionsExt, symlink},
    path::{Path, PathBuf},
    time::SystemTime,
};

use shield_types::ArtifactDigest;

use super::tree::{ArtifactError, Kind, artifact_digest, walk};
use crate::{
    durable::{StateFileError, failed, sync_directory},
    layout::Layout,
    manifest::Exclusions,
};

/// An artifact in the store.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StoredArtifact {
    /// Its identity.
    pub digest: ArtifactDigest,
    /// Where it lies.
    pub path: PathBuf,
}

/// The artifact could not be stored.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    /// It could not be read.
    #[error("store the artifact")]
    Read {
        /// Why.
        #[source]
        source: ArtifactError,
    },
    /// The store could not be written.
    #[error("store the artifact")]
    Write {
        /// Which file, and why.
        #[source]
        source: StateFileError,
    },
    /// It changed between hashing and copying.
    #[error("store artifact `{}`: it changed while it was copied (`{expected}`, then `{found}`)", path.display())]
    Changed {
        /// The artifact.
        path: PathBuf,
        /// Its digest before.
        expected: ArtifactDigest,
        /// The digest of the copy.
        found: ArtifactDigest,
    },
}

impl From<ArtifactError> for StoreError {
    fn from(source: ArtifactError) -> Self {
        Self::Read { source }
    }
}

impl From<StateFileError> for StoreError {
    fn from(source: StateFileError) -> Self {
        Self::Write { source }
    }
}

/// Copies the artifact at `path` into the store, unless it is there. The digest is taken from the copy's own bytes, so what
/// runs is what was named.
pub fn store_artifact(
    layout: &Layout,
    path: &Path,
    exclude: &Exclusions,
) -> Result<StoredArtifact, StoreError> {
    let digest = artifact_digest(path, exclude)?;
    let target = layout.artifact(digest);
    if target.exists() {
        touch(&target);
        return Ok(StoredArtifact { digest, path: target });
    }
    let temporary = layout.store().join(format!(".tmp-{}-{}", std::process::id(), digest.0.short()));
    let stored = copy_and_verify(path, exclude, &temporary, digest).and_then(|()| {
        fs::rename(&temporary, &target).map_err(failed("rename", &temporary))?;
        Ok(sync_directory(&layout.store()).map_err(failed("sync", &layout.store()))?)
    });
    if stored.is_err() {
        remove(&temporary);
    }
    stored.map(|()| StoredArtifact { digest, path: target })
}

fn copy_and_verify(
    from: &Path,
    exclude: &Exclusions,
    to: &Path,
    expected: ArtifactDigest,
) -> Result<(), StoreError> {
    remove(to);
    if from.is_dir() {
        copy_tree(from, exclude, to)?;
    } else {
        copy_file(from, to)?;
    }
    let found = artifact_digest(to, &Exclusions::none())?;
    if found == expected {
        Ok(())
    } else {
        Err(StoreError::Changed { path: from.to_owned(), expected, found })
    }
}

fn copy_tree(from: &Path, exclude: &Exclusions, to: &Path) -> Result<(), StoreError> {
    let create = |path: &Path| DirBuilder::new().mode(0o700).create(path).map_err(failed("create", path));
    create(to)?;
    for entry in walk(from, exclude)? {
        let target = to.join(&entry.path);
        match &entry.kind {
            Kind::Directory => create(&target)?,
            Kind::File { .. } => copy_file(&from.join(&entry.path), &target)?,
            Kind::Link { target: link } => symlink(link, &target).map_err(failed("link", &target))?,
        }
    }
    Ok(())
}

fn copy_file(from: &Path, to: &Path) -> Result<(), StateFileError> {
    fs::copy(from, to).map_err(failed("copy to", to))?;
    let executable = fs::metadata(from).map_err(failed("inspect", from))?.permissions().mode() & 0o100 != 0;
    let mode = if executable { 0o500 } else { 0o400 };
    fs::set_permissions(to, Permissions::from_mode(mode)).map_err(failed("set the mode of", to))?;
    File::open(to).and_then(|file| file.sync_all()).map_err(failed("sync", to))
}

/// Marks an artifact as recently used, so that [`prune`] keeps it.
fn touch(path: &Path) {
    if let Ok(file) = File::open(path) {
        // Only the order of removal depends on it.
        let _ = file.set_modified(SystemTime::now());
    }
}

/// Removes all but the `keep` most recently stored artifacts and those in `used`.
pub(crate) fn prune(
    layout: &Layout,
    keep: usize,
    used: &BTreeSet<ArtifactDigest>,
) -> Result<Vec<PathBuf>, StateFileError> {
    let store = layout.store();
    let mut artifacts = Vec::new();
    for child in fs::read_dir(&store).map_err(failed("list", &store))? {
        let path = child.map_err(failed("list", &store))?.path();
        let modified =
            fs::metadata(&path).and_then(|metadata| metadata.modified()).unwrap_or(SystemTime::UNIX_EPOCH);
        artifacts.push((modified, path));
    }
    artifacts.sort();
    artifacts.reverse();
    let used: BTreeSet<PathBuf> = used.iter().map(|digest| layout.artifact(*digest)).collect();
    let hidden = |path: &Path| path.file_name().is_some_and(|name| name.to_string_lossy().starts_with('.'));
    let unneeded = artifacts.into_iter().map(|(_, path)| path).filter(|path| !hidden(path)).skip(keep);
    Ok(unneeded.filter(|path| !used.contains(path)).inspect(|path| remove(path)).collect())
}

/// Removes a file or a tree whose parts may be read-only. What cannot be removed stays: it only takes space.
fn remove(path: &Path) {
    let removed = match fs::symlink_metadata(path) {
        Ok(metadata) if metadata.is_dir() => fs::remove_dir_all(path),
        Ok(_) => fs::remove_file(path),
        Err(_) => Ok(()),
    };
    if let Err(error) = removed
        && error.kind() != io::ErrorKind::NotFound
    {
        tracing::warn!(path = %path.display(), %error, "could not remove");
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn stores_once_and_keeps_the_mode() {
        let directory = tempfile::tempdir().unwrap();
        let layout = Layout::open(&directory.path().join(".shield")).unwrap();
        let artifact = directory.path().join("program");
        fs::write(&artifact, "#!/bin/sh\n").unwrap();
        fs::set_permissions(&artifact, Permissions::from_mode(0o755)).unwrap();
        let stored = store_artifact(&layout, &artifact, &Exclusions::default()).unwrap();
        fs::write(&artifact, "rebuilt").unwrap();
        assert_eq!(fs::read_to_string(&stored.path).unwrap(), "#!/bin/sh\n");
        assert_eq!(fs::metadata(&stored.path).unwrap().permissions().mode() & 0o777, 0o500);
        assert_ne!(store_artifact(&layout, &artifact, &Exclusions::default()).unwrap().digest, stored.digest);
    }

    #[test]
    fn prunes_the_oldest_unused() {
        let directory = tempfile::tempdir().unwrap();
        let layout = Layout::open(&directory.path().join(".shield")).unwrap();
        let artifact = directory.path().join("program");
        let mut stored = Vec::new();
        for (content, age) in [("a", 4), ("b", 3), ("c", 2), ("d", 1)] {
            fs::write(&artifact, content).unwrap();
            let one = store_artifact(&layout, &artifact, &Exclusions::default()).unwrap();
            let past = SystemTime::now() - std::time::Duration::from_secs(age * 60);
            File::open(&one.path).unwrap().set_modified(past).unwrap();
            stored.push(one);
        }
        let removed = prune(&layout, 2, &BTreeSet::from([stored[0].digest])).unwrap();
        assert_eq!(removed, [stored[1].path.clone()]);
        assert!(stored[0].path.exists() && stored[2].path.exists() && stored[3].path.exists());
    }
}
