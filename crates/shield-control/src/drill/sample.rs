//! What the tests of drills share.

use super::{
    catalogue::{Surroundings, drill},
    model::{Drill, DrillName},
};
use crate::manifest::Manifest;

/// A service with every default.
pub(super) fn manifest() -> Manifest {
    let text = "format = 1\nname = \"shop\"\n[service]\nstart = \"a {port}\"\nready = { path = \"/\" }\n[stage.build]\nartifact = \"a\"\n";
    Manifest::parse(text, "shield.toml").unwrap()
}

/// The drill of this name for that service, with a load that the edge may send again.
pub(super) fn sample(name: DrillName) -> Drill {
    drill(name, Surroundings { manifest: &manifest(), repeatable: true })
}
