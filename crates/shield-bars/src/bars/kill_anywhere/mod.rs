//! `ship.kill-anywhere`: no moment at which a process dies loses anything.
//!
//! Two parts. The control plane is killed at every point of a release: before and after each journal record, each effect,
//! each start of an edge and each table, counted by the failpoints of a build of its own. The edge is killed at random
//! moments, also while a release is under way.

mod control;
mod edge;

use std::time::Duration;

use super::Options;
use crate::harness::{ManifestSettings, Result, Verdict, build_failpoints};

pub(crate) async fn run(options: &Options) -> Result<Verdict> {
    let programs = build_failpoints().await?;
    let mut verdict = Verdict::default();
    let points = control::run(&programs, options.points, &mut verdict).await?;
    let edges = edge::run(&programs, options.kills, &mut verdict).await?;
    Ok(verdict.with_figure(format!("{points}; {edges}")))
}

/// Short waits: a point is passed no faster or slower for them, and there are many.
pub(super) fn short_settings() -> ManifestSettings {
    ManifestSettings {
        min_healthy: Duration::from_millis(200),
        watch: Duration::from_millis(300),
        ..ManifestSettings::default()
    }
}
