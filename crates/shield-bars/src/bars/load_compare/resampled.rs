//! Comparisons drawn from recordings of real A/A runs.
//!
//! Whole stretches of a recording are drawn, so that noise that lasts stays together. For each a coin says which process is
//! called A: both were the same program, so neither is. One coin for the whole stretch, because a process has luck that lasts
//! (where the kernel put its threads): a coin per block would shuffle that luck away, and count too few false alarms. A change
//! is applied to B's figures.

use std::time::Instant;

use fastrand::Rng;
use shield_load::{Block, CompareSettings, Comparison, Finding, Side, analyse, record};

use super::{CLIENTS, PLAIN, WAITING};
use crate::harness::{Result, Trouble, Verdict, WorkSettings, WorkingServer};

/// Recordings of each service, each of servers of their own.
const RECORDINGS: u64 = 3;
/// Blocks of each.
const RECORDED: usize = 200;
/// Comparisons drawn of each kind.
const DRAWN: u32 = 2_000;
/// Blocks that are drawn together.
const STRETCH: usize = 20;
const POWER_MIN: f64 = 0.95;
const FALSE_ALARMS_MAX: f64 = 0.01;

/// What is done to B.
struct Planted {
    name: &'static str,
    apply: fn(Side) -> Side,
}

const NOTHING: &str = "nothing planted";
const PLANTED: [Planted; 3] = [
    Planted { name: NOTHING, apply: |side| side },
    Planted { name: "5 % less throughput", apply: slower },
    Planted { name: "10 % more p99", apply: longer_tail },
];

/// A recording of an A/A run.
struct Recorded {
    blocks: Vec<Block>,
    /// As many blocks as would have been made in the longest time.
    blocks_max: usize,
}

/// Comparisons of one kind that were drawn.
#[derive(Default)]
struct Outcome {
    alarms: u32,
    found: u32,
    blocks: usize,
}

pub(super) async fn run(settings: &CompareSettings, verdict: &mut Verdict) -> Result<String> {
    let (mut power, mut false_alarms) = (1.0_f64, 0.0_f64);
    for (name, work) in [("one answer in 50 waits", WAITING), ("no answer waits", PLAIN)] {
        let recordings = recordings(name, work, settings).await?;
        for planted in &PLANTED {
            let outcome = draw(&recordings, planted, settings)?;
            let share = |count: u32| f64::from(count) / f64::from(DRAWN);
            let (alarms, found) = (share(outcome.alarms), share(outcome.found));
            let blocks = outcome.blocks as f64 / f64::from(DRAWN);
            let what = format!("{name}, {}", planted.name);
            println!(
                "    {what}: {DRAWN} comparisons of {blocks:.0} blocks on average, a difference in {:.2} %, a regression in {:.2} %",
                alarms * 100.0,
                found * 100.0
            );
            if planted.name == NOTHING {
                false_alarms = false_alarms.max(alarms);
                verdict.demand(alarms <= FALSE_ALARMS_MAX, || format!("{what}: too many false alarms"));
            } else {
                power = power.min(found);
                verdict.demand(found >= POWER_MIN, || format!("{what}: found too rarely"));
            }
        }
    }
    Ok(format!(
        "resampled: found in >= {:.2} %, false alarms <= {:.2} %",
        power * 100.0,
        false_alarms * 100.0
    ))
}

async fn recordings(name: &str, work: WorkSettings, settings: &CompareSettings) -> Result<Vec<Recorded>> {
    let mut recordings = Vec::new();
    for seed in 0..RECORDINGS {
        let (a, b) = (WorkingServer::start(work).await?, WorkingServer::start(work).await?);
        let whole = CompareSettings {
            blocks_min: RECORDED,
            blocks_max: RECORDED,
            seed: settings.seed + seed,
            ..settings.clone()
        };
        let began = Instant::now();
        let recording = record(a.plan(CLIENTS), b.plan(CLIENTS), &whole)
            .await
            .map_err(|error| Trouble::caused("record an A/A run", error))?;
        println!("  recorded: {name}\n{}", compared(&recording.blocks, &whole)?);
        let blocks_max = settings.limit.div_duration_f64(began.elapsed()) * RECORDED as f64;
        recordings.push(Recorded { blocks: recording.blocks, blocks_max: blocks_max as usize });
    }
    Ok(recordings)
}

fn draw(recordings: &[Recorded], planted: &Planted, settings: &CompareSettings) -> Result<Outcome> {
    let mut outcome = Outcome::default();
    for seed in 0..u64::from(DRAWN) {
        let mut random = Rng::with_seed(seed);
        let recording = &recordings[random.usize(0..recordings.len())];
        let comparison = one(recording, planted, settings, &mut random)?;
        outcome.alarms += u32::from(comparison.metrics.iter().any(|metric| metric.finding.is_difference()));
        outcome.found += u32::from(comparison.finding() == Finding::Regression);
        outcome.blocks += comparison.blocks;
    }
    Ok(outcome)
}

/// One comparison as [`record`] would have made it, of stretches of the recording.
fn one(
    recorded: &Recorded,
    planted: &Planted,
    settings: &CompareSettings,
    random: &mut Rng,
) -> Result<Comparison> {
    let settings = &CompareSettings { blocks_max: recorded.blocks_max, ..settings.clone() };
    let recording = &recorded.blocks;
    let mut blocks: Vec<Block> = Vec::new();
    let (mut at, mut exchanged) = (0, false);
    loop {
        if blocks.len().is_multiple_of(STRETCH) {
            (at, exchanged) = (random.usize(0..recording.len()), random.bool());
        }
        let Block { a, b } = recording[at % recording.len()];
        let (a, b) = if exchanged { (b, a) } else { (a, b) };
        blocks.push(Block { a, b: (planted.apply)(b) });
        at += 1;
        if settings.looks().any(|look| look == blocks.len()) {
            let comparison = compared(&blocks, settings)?;
            if comparison.decided() {
                return Ok(comparison);
            }
        }
    }
}

fn compared(blocks: &[Block], settings: &CompareSettings) -> Result<Comparison> {
    analyse(blocks, settings).map_err(|error| Trouble::caused("compare", error))
}

/// 5 % fewer answers in the same time, which therefore took longer.
fn slower(side: Side) -> Side {
    let kept = |count: u64| (count as f64 * 0.95).round() as u64;
    let longer = |latency: Option<f64>| latency.map(|latency| latency / 0.95);
    Side {
        answered_in_time: kept(side.answered_in_time),
        answered: kept(side.answered),
        p50_ms: longer(side.p50_ms),
        p99_ms: longer(side.p99_ms),
        ..side
    }
}

fn longer_tail(side: Side) -> Side {
    Side { p99_ms: side.p99_ms.map(|p99| p99 * 1.1), ..side }
}
