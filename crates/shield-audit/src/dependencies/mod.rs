//! What a project depends on, and from which source that is known.

mod go;
mod identity;
mod lines;
mod manifest;
mod npm;
mod python;
mod shape;
mod toml_lock;

pub use identity::{Ecosystem, PackageName};
pub use manifest::read_manifest;
pub use python::{Distribution, Environment, ReadEnvironmentError, RecordedFile, read_environment, read_record};
pub use shape::{Include, Manifest, Origin, Package, Requirement, SourceKind, Unread};
