//! What a project depends on, and from which source that is known.

mod identity;
mod lines;
mod manifest;
mod shape;
mod toml_lock;

pub use identity::{Ecosystem, PackageName};
pub use manifest::read_manifest;
pub use shape::{Include, Manifest, Origin, Package, Requirement, SourceKind, Unread};
