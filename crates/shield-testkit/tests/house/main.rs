//! Rules about the house itself: who may import whom, under which licences, one crypto provider.
#![expect(clippy::unwrap_used, reason = "a panic is a test's failure")]

mod direction;
mod features;
mod licences;

use cargo_metadata::{Metadata, MetadataCommand};

fn metadata() -> Metadata {
    // Crates of other platforms need not be downloaded.
    let platform = format!("{}-unknown-linux-gnu", std::env::consts::ARCH);
    MetadataCommand::new()
        .other_options(["--locked".to_owned(), "--filter-platform".to_owned(), platform])
        .exec()
        .unwrap()
}
