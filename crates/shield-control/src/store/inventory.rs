//! The inventory of a directory artifact: every part with its kind and the digest of its content, in one canonical list.
//!
//! The digest of a directory is the SHA-256 of this list. The store keeps the list beside the directory, so that it can tell
//! later whether what was stored is still as it was, whatever a running service wrote into its working directory since.

use std::{
    collections::BTreeSet,
    ffi::OsStr,
    os::unix::ffi::OsStrExt,
    path::{Path, PathBuf},
};

use shield_types::{ArtifactDigest, Sha256Digest};

use super::tree::{ArtifactError, Kind, file_digest, kind_of, walk};
use crate::{durable::StateFileError, manifest::Exclusions};

/// First line; names the format.
const HEADER: &[u8] = b"shield-tree 1\n";
/// Bytes of a digest.
const DIGEST_BYTES: usize = 32;

/// The canonical list. Every path is preceded by its length, so that no two trees give the same bytes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Inventory(Vec<u8>);

/// One line of the list.
#[derive(Debug, PartialEq, Eq)]
struct Line {
    path: PathBuf,
    kind: u8,
    content: [u8; DIGEST_BYTES],
}

// === impl Inventory ===

impl Inventory {
    /// Reads the directory at `root`, without what `exclude` names.
    pub(super) fn take(root: &Path, exclude: &Exclusions) -> Result<Self, ArtifactError> {
        let mut bytes = HEADER.to_vec();
        for entry in walk(root, exclude)? {
            let line = Line::of(root, &entry.path, &entry.kind)?;
            line.write(&mut bytes);
        }
        Ok(Self(bytes))
    }

    /// The list as it was stored.
    pub(super) fn from_bytes(bytes: Vec<u8>) -> Self {
        Self(bytes)
    }

    pub(super) fn as_bytes(&self) -> &[u8] {
        &self.0
    }

    /// The digest of the directory.
    pub(super) fn digest(&self) -> ArtifactDigest {
        ArtifactDigest(Sha256Digest::of(&self.0))
    }

    /// Every part.
    pub(super) fn paths(&self) -> BTreeSet<PathBuf> {
        let mut paths = BTreeSet::new();
        let mut rest = self.0.strip_prefix(HEADER).unwrap_or_default();
        while let Some((line, after)) = Line::read(rest) {
            paths.insert(line.path);
            rest = after;
        }
        paths
    }

    /// The first listed part that is missing at `root`, or is not as it was. Parts that are not listed do not count. The
    /// list must be the one of a known digest.
    pub(super) fn first_change(&self, root: &Path) -> Option<PathBuf> {
        let mut rest = self.0.strip_prefix(HEADER)?;
        while let Some((line, after)) = Line::read(rest) {
            if !line.holds(root) {
                return Some(line.path);
            }
            rest = after;
        }
        (!rest.is_empty()).then(|| PathBuf::from("the inventory"))
    }
}

// === impl Line ===

impl Line {
    fn of(root: &Path, path: &Path, kind: &Kind) -> Result<Self, StateFileError> {
        let (kind, content) = match kind {
            Kind::Directory => (b'd', Sha256Digest::of(b"")),
            Kind::File { executable: false } => (b'f', file_digest(&root.join(path))?),
            Kind::File { executable: true } => (b'x', file_digest(&root.join(path))?),
            Kind::Link { target } => (b'l', Sha256Digest::of(target.as_os_str().as_bytes())),
        };
        Ok(Self { path: path.to_owned(), kind, content: *content.as_bytes() })
    }

    fn write(&self, bytes: &mut Vec<u8>) {
        let path = self.path.as_os_str().as_bytes();
        bytes.extend_from_slice(&(path.len() as u64).to_be_bytes());
        bytes.extend_from_slice(path);
        bytes.push(self.kind);
        bytes.extend_from_slice(&self.content);
    }

    /// The first line of `bytes`, and what follows it.
    fn read(bytes: &[u8]) -> Option<(Self, &[u8])> {
        let (length, rest) = bytes.split_first_chunk::<8>()?;
        let (path, rest) = rest.split_at_checked(usize::try_from(u64::from_be_bytes(*length)).ok()?)?;
        let (kind, rest) = rest.split_first()?;
        let (content, rest) = rest.split_first_chunk::<DIGEST_BYTES>()?;
        let path = PathBuf::from(OsStr::from_bytes(path));
        Some((Self { path, kind: *kind, content: *content }, rest))
    }

    /// The part is at `root` as the line says. What cannot be read does not hold.
    fn holds(&self, root: &Path) -> bool {
        let now = kind_of(&root.join(&self.path)).map(|kind| Self::of(root, &self.path, &kind));
        matches!(now, Ok(Ok(now)) if now == *self)
    }
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;

    #[test]
    fn additions_are_no_change() {
        let directory = tempfile::tempdir().unwrap();
        fs::create_dir(directory.path().join("lib")).unwrap();
        fs::write(directory.path().join("lib/a.py"), "a").unwrap();
        fs::write(directory.path().join("b.py"), "b").unwrap();
        let inventory = Inventory::take(directory.path(), &Exclusions::none()).unwrap();
        fs::create_dir(directory.path().join("lib/__pycache__")).unwrap();
        fs::write(directory.path().join("app.db"), "rows").unwrap();
        assert_eq!(inventory.first_change(directory.path()), None);
        fs::write(directory.path().join("lib/a.py"), "A").unwrap();
        assert_eq!(inventory.first_change(directory.path()), Some("lib/a.py".into()));
        fs::remove_file(directory.path().join("b.py")).unwrap();
        assert_eq!(inventory.first_change(directory.path()), Some("b.py".into()));
    }
}
