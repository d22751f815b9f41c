//! The control plane: release executor, journal, lock, adoption, the pipeline of stages, admin API.
#![cfg_attr(test, expect(clippy::unwrap_used, reason = "a panic is a test's failure"))]

pub mod admin;
pub mod advisories;
mod authority;
mod clock;
mod control;
pub mod drill;
mod durable;
mod edge;
mod evidence;
mod executor;
mod failpoint;
pub mod init;
mod journal;
mod launch;
mod layout;
mod listeners;
mod lock;
pub mod manifest;
pub mod pipeline;
mod spawn;
mod staging;
mod store;
mod tls;

pub use authority::{Authority, AuthorityDamage, AuthorityError, Leaf};
pub use clock::now;
pub use control::{RunControlError, run_control};
pub use durable::StateFileError;
pub use executor::StartControlError;
pub use journal::{AppendJournalError, JournalDamage, OpenJournalError};
pub use launch::{EdgeLimits, LaunchSettings, ReadLaunchSettingsError};
pub use layout::{Layout, OpenLayoutError};
pub use listeners::{BindError, PortHolder};
pub use spawn::{
    SpawnControlError, anything_runs, control_holder, ensure_control, revivable, revive_control,
    running_binary_digest,
};
pub use store::{ArtifactError, StoreError, StoredArtifact, artifact_digest, store_artifact};
