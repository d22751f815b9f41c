//! What a project depends on, and from which source that is known.
//!
//! [`read_project`] reads every file that says something of packages, [`read_environment`] what is installed. Each package
//! carries where it is said; what cannot be read is an entry of its own and stops nothing. Nothing is run or resolved: a list that
//! leaves versions open says what is asked for, not what is used.

pub mod bill;
mod disagreements;
mod form;
mod go;
mod identity;
mod licences;
mod lines;
mod manifest;
mod npm;
mod project;
mod python;
pub mod rules;
mod shape;
mod toml_lock;

pub use disagreements::find_disagreements;
pub use identity::{Ecosystem, PackageName};
pub use licences::{Licence, crate_licence, package_json_licence};
pub use manifest::read_manifest;
pub use project::{Believed, Project, read_project};
pub use python::{
    Distribution, Environment, ReadEnvironmentError, RecordedFile, read_environment, read_record,
};
pub use shape::{Include, Manifest, Origin, Package, Requirement, SourceKind, Unread};
