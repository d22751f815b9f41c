//! `ship.kill-anywhere`: no moment at which a process dies loses anything.
//!
//! Two parts. The control plane is killed at every point of a release: before and after each journal record, each effect,
//! each start of an edge and each table, counted by the failpoints of a build of its own. The edge is killed at random
//! moments, also while a release is under way.

mod control;
mod edge;

use super::Options;
use crate::harness::{Result, Verdict, build_failpoints};

pub(crate) async fn run(options: &Options) -> Result<Verdict> {
    let programs = build_failpoints().await?;
    let mut verdict = Verdict::default();
    let points = control::run(&programs, options.points, &mut verdict).await?;
    let edges = edge::run(&programs, options.kills, &mut verdict).await?;
    Ok(verdict.with_figure(format!("{points}; {edges}")))
}
