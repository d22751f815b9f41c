//! `load.compare`: a change that was put there is found, and none that was not.
//!
//! Its parts can be run alone. Resampled: real A/A runs against two processes of the same server are recorded, and thousands of
//! comparisons drawn from the recordings, with and without a change applied. Live: comparisons of real servers, of which half
//! are the same program and half one that does more work or waits longer, by amounts that are measured as well.

mod live;
mod resampled;

use shield_load::CompareSettings;

use super::{Options, Part};
use crate::harness::{Result, Verdict, WorkSettings};

/// Clients of each side: enough to keep two processors busy.
const CLIENTS: usize = 8;
/// A tenth of a millisecond of work; one answer in fifty waits as well, so that the 99th percentile is such an answer.
const WAITING: WorkSettings = WorkSettings { rounds: 100_000, wait_share: 0.02, wait_us: 4_000 };
/// The same work and nothing else: what is slow here is slow by the scheduler's doing.
const PLAIN: WorkSettings = WorkSettings { wait_share: 0.0, ..WAITING };

pub(crate) async fn run(options: &Options) -> Result<Verdict> {
    let settings = CompareSettings::default();
    println!(
        "  {CLIENTS} clients, closed model; {} or more blocks of four slices of {:?} after {:?} to settle, {:?} at most",
        settings.blocks_min, settings.slice, settings.settle, settings.limit
    );
    let mut verdict = Verdict::default();
    let mut figures = Vec::new();
    if matches!(options.part, None | Some(Part::Resampled)) {
        figures.push(resampled::run(&settings, &mut verdict).await?);
    }
    if matches!(options.part, None | Some(Part::Live | Part::LiveSame)) {
        figures.push(live::same(&settings, &mut verdict).await?);
    }
    if matches!(options.part, None | Some(Part::Live | Part::LivePlanted)) {
        figures.push(live::planted(&settings, &mut verdict).await?);
    }
    Ok(verdict.with_figure(figures.join("; ")))
}
