//! `load.faults-undone`: whoever makes the faults dies, and nothing stays broken.
//!
//! A hundred rounds with a seed each. In each, a process makes faults of every kind, on real victims, and is killed (`SIGKILL`)
//! at a moment drawn from the seed. In every tenth it is stopped (`SIGSTOP`) instead: its connection stays open then, so that
//! only the lease can tell. From that moment on, the bar looks at the victims, at the disk, at the network and at the guard
//! itself until everything is as it was.

mod player;
mod round;
mod scene;

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::Semaphore;
use tokio::task::JoinSet;

use super::Options;
use crate::harness::{Result, Trouble, Verdict, build_fault_process};
use round::{End, Outcome, round};

const ROUNDS: u32 = 100;
/// Rounds under way at the same time.
const AT_ONCE: usize = 8;
/// One of so many rounds tests the lease.
const SILENT_EVERY: u32 = 10;
/// A fault may begin so much later than planned.
const LATE_MAX: Duration = Duration::from_millis(100);

pub(crate) async fn run(options: &Options) -> Result<Verdict> {
    let program = Arc::new(build_fault_process().await?);
    let rounds = options.kills.unwrap_or(ROUNDS);
    println!("  {rounds} rounds, {AT_ONCE} at once; in every {SILENT_EVERY}th, silence instead of death");
    let places = Arc::new(Semaphore::new(AT_ONCE));
    let mut running = JoinSet::new();
    for seed in 0..rounds {
        let (places, program) = (Arc::clone(&places), Arc::clone(&program));
        let end = if seed % SILENT_EVERY == SILENT_EVERY - 1 { End::Silence } else { End::Death };
        running.spawn(async move {
            let _place = places.acquire().await;
            round(&program, u64::from(seed), end).await
        });
    }
    let (mut verdict, mut outcomes) = (Verdict::default(), Vec::new());
    while let Some(joined) = running.join_next().await {
        let outcome = joined.map_err(|error| Trouble::caused("finish a round", error))??;
        for fault in &outcome.broken {
            verdict.demand(false, || format!("round {}: {fault}", outcome.seed));
        }
        outcomes.push(outcome);
    }
    Ok(judge(&outcomes, verdict))
}

fn judge(outcomes: &[Outcome], mut verdict: Verdict) -> Verdict {
    let worst = |end| {
        outcomes.iter().filter(|outcome| outcome.end == end).filter_map(|outcome| outcome.undone_after).max()
    };
    let whole = outcomes.iter().filter(|outcome| outcome.broken.is_empty()).count();
    let mut late: Vec<Duration> = outcomes.iter().flat_map(|outcome| outcome.late.iter().copied()).collect();
    late.sort_unstable();
    let latest = late.last().copied().unwrap_or_default();
    let median = late.get(late.len() / 2).copied().unwrap_or_default();
    let active: usize = outcomes.iter().map(|outcome| outcome.active).sum();
    println!("  {} faults began, {median:?} late in the median, {latest:?} at most", late.len());
    println!("  {active} faults were in effect when their makers died or fell silent");
    for (end, name) in [(End::Death, "death"), (End::Silence, "silence")] {
        println!("  everything undone at most {:?} after {name}", worst(end).unwrap_or_default());
    }
    verdict.demand(!late.is_empty() && latest <= LATE_MAX, || format!("a fault began {latest:?} late"));
    verdict.with_figure(format!(
        "{whole} of {}, undone {:.2} s after death and {:.2} s after silence, {:.1} ms late at most",
        outcomes.len(),
        worst(End::Death).unwrap_or_default().as_secs_f64(),
        worst(End::Silence).unwrap_or_default().as_secs_f64(),
        latest.as_secs_f64() * 1000.0
    ))
}
