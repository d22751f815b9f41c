//! Copying an artifact into the store, and removing what is no longer needed.

use std::{
    collections::BTreeSet,
    fs::{self, DirBuilder, File, Permissions},
    io,
    os::unix::fs::{DirBuilderExt, PermissionsExt, symlink},
    path::{Path, PathBuf},
    time::{Duration, SystemTime},
};

use shield_types::ArtifactDigest;

use super::{
    inventory::Inventory,
    tree::{ArtifactError, Kind, artifact_digest, file_digest, walk},
};
use crate::{
    durable::{StateFileError, failed, sync_directory, write_atomically},
    layout::{INVENTORY, Layout},
    manifest::Exclusions,
};

/// Names of what is to be removed begin with it.
const DISCARDED: &str = ".discarded-";
/// Names of what is being copied begin with it; the pid of the copying process follows.
const UNFINISHED: &str = ".tmp-";
/// Far longer than the moment between an inventory and its artifact.
const STORING_MAX: Duration = Duration::from_secs(600);

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

/// Copies the artifact at `path` into the store, unless it is there as it should be. The digest is taken from the copy's own
/// bytes, so what runs is what was named.
pub fn store_artifact(
    layout: &Layout,
    path: &Path,
    exclude: &Exclusions,
) -> Result<StoredArtifact, StoreError> {
    let digest = artifact_digest(path, exclude)?;
    let target = layout.artifact(digest);
    if verify_stored(layout, digest).is_ok() {
        touch(&target);
        return Ok(StoredArtifact { digest, path: target });
    }
    let temporary = layout.store().join(format!("{UNFINISHED}{}-{}", std::process::id(), digest.0.short()));
    let stored = copy_and_verify(path, exclude, &temporary, digest)
        .and_then(|inventory| Ok(put_in_place(layout, &temporary, digest, inventory)?));
    if stored.is_err() {
        remove(&temporary);
    }
    stored.map(|()| StoredArtifact { digest, path: target })
}

/// The inventory is there before the artifact is.
fn put_in_place(
    layout: &Layout,
    copy: &Path,
    digest: ArtifactDigest,
    inventory: Option<Inventory>,
) -> Result<(), StateFileError> {
    let target = layout.artifact(digest);
    if let Some(inventory) = inventory {
        write_atomically(&layout.inventory(digest), inventory.as_bytes())?;
    }
    if target.is_dir() {
        // It was changed since it was stored. What runs from it goes on with the good copy under the same name.
        tracing::warn!(path = %target.display(), "a stored artifact was changed; it is replaced");
        discard(&target)?;
    }
    fs::rename(copy, &target).map_err(failed("rename", copy))?;
    sync_directory(&layout.store()).map_err(failed("sync", &layout.store()))
}

/// Copies, and gives the copy's inventory if it is a directory.
fn copy_and_verify(
    from: &Path,
    exclude: &Exclusions,
    to: &Path,
    expected: ArtifactDigest,
) -> Result<Option<Inventory>, StoreError> {
    remove(to);
    let (found, inventory) = if from.is_dir() {
        copy_tree(from, exclude, to)?;
        let inventory = Inventory::take(to, &Exclusions::none())?;
        (inventory.digest(), Some(inventory))
    } else {
        copy_file(from, to)?;
        (artifact_digest(to, &Exclusions::none())?, None)
    };
    if found == expected {
        Ok(inventory)
    } else {
        Err(StoreError::Changed { path: from.to_owned(), expected, found })
    }
}

/// Files are durable one by one, directories once they are full.
fn copy_tree(from: &Path, exclude: &Exclusions, to: &Path) -> Result<(), StoreError> {
    let create = |path: &Path| DirBuilder::new().mode(0o700).create(path).map_err(failed("create", path));
    create(to)?;
    let mut directories = vec![to.to_owned()];
    for entry in walk(from, exclude)? {
        let target = to.join(&entry.path);
        match &entry.kind {
            Kind::Directory => {
                create(&target)?;
                directories.push(target);
            }
            Kind::File { .. } => copy_file(&from.join(&entry.path), &target)?,
            Kind::Link { target: link } => symlink(link, &target).map_err(failed("link", &target))?,
        }
    }
    for directory in directories {
        sync_directory(&directory).map_err(failed("sync", &directory))?;
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

/// A stored artifact cannot be used.
#[derive(Debug, thiserror::Error)]
pub(crate) enum VerifyStoredError {
    #[error("find it in the store: it is not there any more")]
    Missing,
    #[error("read it from the store")]
    File {
        #[source]
        source: StateFileError,
    },
    #[error("use the stored copy: `{}` was changed since it was stored", path.display())]
    Changed { path: PathBuf },
}

/// The artifact is in the store, and every part of it is as it was stored.
pub(crate) fn verify_stored(layout: &Layout, digest: ArtifactDigest) -> Result<(), VerifyStoredError> {
    let file = |source| VerifyStoredError::File { source };
    let path = layout.artifact(digest);
    let metadata = match fs::metadata(&path) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Err(VerifyStoredError::Missing),
        other => other.map_err(failed("inspect", &path)).map_err(file)?,
    };
    if metadata.is_file() {
        let found = file_digest(&path).map_err(file)?;
        return if found == digest.0 { Ok(()) } else { Err(VerifyStoredError::Changed { path }) };
    }
    let list = layout.inventory(digest);
    let inventory = Inventory::from_bytes(fs::read(&list).map_err(failed("read", &list)).map_err(file)?);
    if inventory.digest() != digest {
        return Err(VerifyStoredError::Changed { path: list });
    }
    match inventory.first_change(&path) {
        Some(part) => Err(VerifyStoredError::Changed { path: path.join(part) }),
        None => Ok(()),
    }
}

/// The topmost files and directories that were added to a stored directory since: a service wrote into its working directory.
/// Caches of interpreters do not count. Empty also when it cannot be read.
pub(crate) fn additions(layout: &Layout, digest: ArtifactDigest) -> Vec<PathBuf> {
    let Ok(list) = fs::read(layout.inventory(digest)) else { return Vec::new() };
    let stored = Inventory::from_bytes(list).paths();
    let caches = Exclusions::new(["__pycache__", "*.pyc", ".cache"].map(str::to_owned).to_vec());
    let Ok(entries) = walk(&layout.artifact(digest), &caches) else { return Vec::new() };
    let added = entries.into_iter().map(|entry| entry.path).filter(|path| !stored.contains(path));
    let inside = |path: &Path| {
        path.parent().is_some_and(|parent| !parent.as_os_str().is_empty() && !stored.contains(parent))
    };
    added.filter(|path| !inside(path)).collect()
}

/// Marks an artifact as recently used, so that [`prune`] keeps it.
fn touch(path: &Path) {
    if let Ok(file) = File::open(path) {
        // Only the order of removal depends on it.
        let _ = file.set_modified(SystemTime::now());
    }
}

/// Takes all but the `keep` most recently stored artifacts and those in `used` out of the store; [`sweep`] removes them.
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
    let unneeded = artifacts.into_iter().map(|(_, path)| path).filter(|path| !hidden(path)).skip(keep);
    let unneeded: Vec<PathBuf> = unneeded.filter(|path| !used.contains(path)).collect();
    for path in &unneeded {
        discard(path)?;
    }
    Ok(unneeded)
}

/// Removes what was taken out of the store, inventories of artifacts that are gone, and what a pipeline that was killed left
/// half copied. May take a while.
pub(crate) fn sweep(layout: &Layout) {
    for child in fs::read_dir(layout.store()).into_iter().flatten().flatten() {
        let name = child.file_name().to_string_lossy().into_owned();
        // An inventory is there a moment before its artifact.
        let age =
            child.metadata().and_then(|metadata| metadata.modified()).map(|modified| modified.elapsed());
        let settled = matches!(age, Ok(Ok(age)) if age > STORING_MAX);
        let gone = |digest: &str| settled && !layout.store().join(digest).exists();
        let dead = |rest: &str| {
            let pid = rest.split('-').next().unwrap_or_default();
            !Path::new("/proc").join(pid).exists()
        };
        let unneeded = name.starts_with(DISCARDED)
            || name.strip_prefix(INVENTORY).is_some_and(gone)
            || name.strip_prefix(UNFINISHED).is_some_and(dead);
        if unneeded {
            remove(&child.path());
        }
    }
}

/// In one step, so that nobody finds half an artifact.
fn discard(path: &Path) -> Result<(), StateFileError> {
    let name = path.file_name().unwrap_or_default().to_string_lossy();
    let aside = path.with_file_name(format!("{DISCARDED}{:08x}-{name}", fastrand::u32(..)));
    fs::rename(path, aside).map_err(failed("rename", path))
}

fn hidden(path: &Path) -> bool {
    path.file_name().is_some_and(|name| name.to_string_lossy().starts_with('.'))
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
        let dead = layout.store().join(format!("{UNFINISHED}{}-abc", u32::MAX));
        let own = layout.store().join(format!("{UNFINISHED}{}-abc", std::process::id()));
        fs::write(&dead, "").unwrap();
        fs::write(&own, "").unwrap();
        sweep(&layout);
        assert!(own.exists() && !dead.exists());
        assert_eq!(fs::read_dir(layout.store()).unwrap().count(), 4);
    }

    #[test]
    fn changed_artifact_is_stored_again() {
        let directory = tempfile::tempdir().unwrap();
        let layout = Layout::open(&directory.path().join(".shield")).unwrap();
        let tree = directory.path().join("tree");
        fs::create_dir(&tree).unwrap();
        for (artifact, part) in [(directory.path().join("program"), None), (tree.clone(), Some("main.py"))] {
            let inside = |root: &Path| part.map_or(root.to_owned(), |part| root.join(part));
            fs::write(inside(&artifact), "right").unwrap();
            let stored = store_artifact(&layout, &artifact, &Exclusions::default()).unwrap();
            let inside = inside(&stored.path);
            fs::remove_file(&inside).unwrap();
            fs::write(&inside, "wrong").unwrap();
            let error = verify_stored(&layout, stored.digest).unwrap_err();
            assert!(matches!(&error, VerifyStoredError::Changed { path } if *path == inside), "{error}");
            assert_eq!(store_artifact(&layout, &artifact, &Exclusions::default()).unwrap(), stored);
            assert_eq!(fs::read_to_string(&inside).unwrap(), "right");
            verify_stored(&layout, stored.digest).unwrap();
        }
        let stored = store_artifact(&layout, &tree, &Exclusions::default()).unwrap();
        assert_eq!(additions(&layout, stored.digest), Vec::<PathBuf>::new());
        fs::create_dir_all(stored.path.join("data/orders")).unwrap();
        fs::create_dir(stored.path.join("__pycache__")).unwrap();
        assert_eq!(additions(&layout, stored.digest), [PathBuf::from("data")]);
        sweep(&layout);
        assert_eq!(fs::read_dir(layout.store()).unwrap().count(), 3);
    }
}
