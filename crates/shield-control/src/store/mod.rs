//! The content-addressed store: what runs lies here, so that a rebuild never touches it.
//!
//! An artifact is copied under its digest, in one step (temporary name, then rename). A file's digest is its SHA-256; a
//! directory's is the Merkle digest of its sorted paths, modes, link targets and contents.

mod copy;
mod inventory;
mod tree;

pub use copy::{StoreError, StoredArtifact, store_artifact};
pub(crate) use copy::{additions, prune, sweep, verify_stored};
pub use tree::{ArtifactError, artifact_digest};
