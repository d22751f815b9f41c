//! The pipeline of stages: build, test, audit, bench, staging, smoke, load, drill, release, watch.
//!
//! Each stage ends in a signed statement about one artifact digest; a stage that fails ends the pipeline. Stages that run in
//! the project (build, test) and requests to staging happen in the process that asked; staging instances and releases belong
//! to the control plane, so a pipeline that is killed leaves nothing behind and a release under way goes on.

mod accept;
mod audit;
mod bench;
mod command;
mod drills;
mod http;
mod load;
mod notary;
mod prepare;
mod production;
mod project;
mod rule_files;
mod ship;
mod smoke;
mod stage;
mod staging;

pub use accept::{AcceptError, Acceptance, AcceptedFindings, AuditWith, accept_findings};
pub use audit::{AuditRunError, advisories_path, audit_project, audit_settings};
pub use bench::{BENCH_DATA, BenchRunError, bench_artifact, bench_running};
pub(crate) use notary::{Finding, Notary};
pub use rule_files::load_rules;
pub use ship::{ShipError, ShipOrder, ShipSummary, release_artifact, ship};
pub use stage::{PipelineEvent, StageFailure, StageName, StageOutcome, StageResult};
