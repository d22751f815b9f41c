//! `shield.toml`: what a service is, how it is built, started, tested and released.
//!
//! One pass takes the text to a resolved [`Manifest`]: every default is filled in, every value is in its range, and
//! settings that contradict each other were refused. Everything wrong with a file is reported at once
//! ([`shield_types::settings::Mistakes`]); nothing is guessed and nothing is ignored. Only the resolved form is passed
//! on: it is part of a release's identity and crosses the admin API. `docs/shield-toml.md` lists every key.

mod audit;
mod bench;
mod drill;
mod edge;
mod exclusions;
mod load;
mod model;
mod release;
mod service;
mod stages;
mod status;
mod template;
#[cfg(test)]
mod tests;

pub use exclusions::Exclusions;
pub use load::{FILE_NAME, FORMAT, LoadManifestError};
pub use model::{
    AuditSettings, AuditStage, BenchSettings, BenchStage, BuildStage, CommandStage, DrillSettings,
    DrillStage, EdgeSettings, LoadStage, Manifest, ReadyProbe, ReleaseSettings, ServiceSettings,
    SmokeRequest, Stages, Strategy,
};
pub use status::{ParseStatusError, StatusRange};
pub use template::{ParseTemplateError, Placeholders, StartCommand, Template, Variables};
