//! What a project depends on, and from which source that is known.

mod identity;

pub use identity::{Ecosystem, PackageName};
