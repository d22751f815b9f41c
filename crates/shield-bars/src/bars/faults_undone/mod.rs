//! `load.faults-undone`: whoever makes the faults dies, and nothing stays broken.
//!
//! A round starts victims of every kind of fault, writes a load file with all of them, at moments and in an order drawn from
//! the round's number, and runs the real `shield load`. Everything is seen from outside:
//!
//! - that a fault is in effect, on its victim: a process is stopped or gone, a file system of its own is full, a limit is
//!   lowered, an offset file is skewed, a child of the guard keeps a processor busy or holds memory; and 13 clients ask services
//!   through the proxies of the guard and get no answer, a reset, a refusal, a status, an expired certificate, no name. The
//!   first look of an unbroken row that shows it counts, so that the time between two looks, and the 20 ms after which a client
//!   counts as held up, are part of how late it is said to be;
//! - when it was to begin: by the file and its seed, drawn here, on a clock whose start the arrivals of the load at its target
//!   tell. The schedule of `shield` is never asked for: one that differed would begin its faults at other times;
//! - that it is undone: the victim is as it was before the fault, and no client hangs. What is gone stays gone (`kill`), or has
//!   its successor (`restart`). The proxies end with the guard, so for `refuse`, which looks the same to a client, the guard's
//!   end counts. The guard, its children and its journal must be gone, too.
//!
//! A round counts as one of the hundred if every fault that was due by the end was seen within 100 ms of its time and not
//! before it, and everything was undone within 5 s of the `SIGKILL` of `shield`, which comes at a moment drawn from the round's
//! number. One more round in ten is about a `shield` that is stopped (`SIGSTOP`) instead: its connection stays open, only the
//! lease of 5 s can tell, and 6 s are allowed. One more in ten kills the guard as well; what outlives both must be undone
//! within 5 s of the start of the next `shield load`, which breaks nothing itself. These two are counted apart.

mod local;
mod network;
mod player;
mod round;
mod scene;
mod sight;

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::Semaphore;
use tokio::task::JoinSet;

use super::Options;
use crate::harness::{Result, Trouble, Verdict, build_programs};
use round::{End, LATE_MAX, Outcome, round};

const ROUNDS: u32 = 100;
/// Rounds under way at the same time: more of them would measure the machine.
const AT_ONCE: usize = 3;
/// For so many rounds that kill `shield`, there is one of each other kind.
const OTHERS_EVERY: u32 = 10;
const ENDS: [(End, &str); 3] = [
    (End::Death, "`shield` killed"),
    (End::Silence, "`shield` stopped"),
    (End::BothDie, "`shield` and its guard killed, `shield load` run again"),
];

pub(crate) async fn run(options: &Options) -> Result<Verdict> {
    let program = Arc::new(build_programs().await?.shield);
    let rounds = options.kills.unwrap_or(ROUNDS);
    let others = rounds.div_ceil(OTHERS_EVERY);
    println!("  {rounds} rounds and {others} of each other end, {AT_ONCE} at once");
    let ends = [(End::Death, rounds), (End::Silence, others), (End::BothDie, others)];
    let ends = ends.into_iter().flat_map(|(end, count)| (0..count).map(move |_| end));
    let places = Arc::new(Semaphore::new(AT_ONCE));
    let mut running = JoinSet::new();
    for (seed, end) in (1..).zip(ends) {
        let (places, program) = (Arc::clone(&places), Arc::clone(&program));
        running.spawn(async move {
            let _place = places.acquire().await;
            round(&program, seed, end).await
        });
    }
    let (mut verdict, mut outcomes) = (Verdict::default(), Vec::new());
    while let Some(joined) = running.join_next().await {
        let outcome = joined.map_err(|error| Trouble::caused("finish a round", error))??;
        for fault in &outcome.broken {
            verdict.demand(false, || format!("round {} ({:?}): {fault}", outcome.seed, outcome.end));
        }
        outcomes.push(outcome);
    }
    Ok(judge(&outcomes, verdict))
}

fn judge(outcomes: &[Outcome], mut verdict: Verdict) -> Verdict {
    let mut late: Vec<(Duration, &str)> =
        outcomes.iter().flat_map(|outcome| &outcome.late).map(|(name, late)| (*late, *name)).collect();
    late.sort_unstable();
    let (latest, name) = late.last().copied().unwrap_or_default();
    let (median, _) = late.get(late.len() / 2).copied().unwrap_or_default();
    println!(
        "  {} faults seen on their victims, {median:?} late in the median, `{name}` {latest:?}",
        late.len()
    );
    let mut figures = Vec::new();
    for (end, what) in ENDS {
        let of_end = || outcomes.iter().filter(|outcome| outcome.end == end);
        let (rounds, whole) =
            (of_end().count(), of_end().filter(|outcome| outcome.broken.is_empty()).count());
        let (active, left): (usize, usize) =
            (of_end().map(|outcome| outcome.active).sum(), of_end().map(|outcome| outcome.left).sum());
        let worst = of_end().filter_map(|outcome| outcome.undone_after).max().unwrap_or_default();
        let outlived = if left > 0 { format!(", {left} outlived the guard") } else { String::new() };
        println!("  {what}: {active} faults in effect{outlived}; all undone after {worst:?} at most");
        figures.push(format!("{what}: {whole} of {rounds}, undone after {:.2} s", worst.as_secs_f64()));
        verdict.demand(active > 0, || format!("{what}: no fault was in effect"));
        verdict.demand(end != End::BothDie || left > 0, || format!("{what}: nothing was left to undo"));
    }
    verdict.demand(!late.is_empty() && latest <= LATE_MAX, || format!("a fault began {latest:?} late"));
    let latest_ms = latest.as_secs_f64() * 1000.0;
    verdict.with_figure(format!("{}; {latest_ms:.0} ms late at most", figures.join("; ")))
}
