//! `load.histogram`: latencies from 1 µs to 10 min are told within 0.1 %, and merging loses nothing.
//!
//! Values are spread evenly over the logarithm of that range, and over a shape as latencies have it (a body and a long tail).
//! Every quantile in steps of a thousandth is held against the sorted values. Then the same values are dealt out to workers,
//! whose histograms travel as JSON and are merged: the result must equal the one that saw all values, bit for bit.

use std::time::Duration;

use fastrand::Rng;
use shield_load::Histogram;

use super::Options;
use crate::harness::{Result, Trouble, Verdict};

const VALUES: usize = 2_000_000;
const SHORTEST_NS: f64 = 1_000.0;
const LONGEST_NS: f64 = 600_000_000_000.0;
const ERROR_MAX: f64 = 0.001;
const WORKERS: [usize; 4] = [2, 3, 16, 64];
const SEEDS: u64 = 5;

pub(crate) async fn run(_options: &Options) -> Result<Verdict> {
    let mut verdict = Verdict::default();
    let mut worst: f64 = 0.0;
    let mut merges = 0;
    for seed in 1..=SEEDS {
        let mut random = Rng::with_seed(seed);
        let even = |random: &mut Rng| SHORTEST_NS * (LONGEST_NS / SHORTEST_NS).powf(random.f64());
        // One in a hundred is slow by orders of magnitude.
        let tailed = |random: &mut Rng| {
            let body = 1e6 * -(1.0 - random.f64()).ln();
            if random.u8(..100) == 0 { even(random) } else { body.clamp(SHORTEST_NS, LONGEST_NS) }
        };
        for shape in ["even", "tailed"] {
            let draw = |random: &mut Rng| if shape == "even" { even(random) } else { tailed(random) };
            let values: Vec<u64> = (0..VALUES).map(|_| draw(&mut random) as u64).collect();
            let one = histogram(values.iter().copied());
            let error = worst_error(&one, &values);
            println!("  seed {seed}, {shape}: {VALUES} values, worst quantile off by {:.4} %", error * 100.0);
            worst = worst.max(error);
            for workers in WORKERS {
                let equal = merged(&values, workers)? == one;
                verdict.demand(equal, || format!("seed {seed}, {shape}: {workers} workers differ from one"));
                merges += 1;
            }
        }
    }
    verdict.demand(worst <= ERROR_MAX, || format!("a quantile is off by {:.4} %", worst * 100.0));
    Ok(verdict
        .with_figure(format!("worst quantile off by {:.4} %, {merges} merges bit-identical", worst * 100.0)))
}

fn histogram(values: impl Iterator<Item = u64>) -> Histogram {
    let mut histogram = Histogram::default();
    values.for_each(|value| histogram.record(Duration::from_nanos(value)));
    histogram
}

/// The largest relative error of a quantile.
fn worst_error(histogram: &Histogram, values: &[u64]) -> f64 {
    let mut sorted = values.to_vec();
    sorted.sort_unstable();
    let error = |thousandths: usize| {
        let share = thousandths as f64 / 1000.0;
        let rank = ((sorted.len() as f64 * share).ceil() as usize).clamp(1, sorted.len());
        let truth = sorted[rank - 1] as f64;
        let told = histogram.quantile(share).unwrap_or_default().as_nanos() as f64;
        (told - truth).abs() / truth
    };
    (0..=1000).map(error).fold(0.0, f64::max)
}

/// What the coordinator has after the workers' histograms came in.
fn merged(values: &[u64], workers: usize) -> Result<Histogram> {
    let mut merged = Histogram::default();
    for worker in 0..workers {
        let share = histogram(values.iter().copied().skip(worker).step_by(workers));
        let sent =
            serde_json::to_string(&share).map_err(|error| Trouble::caused("send a histogram", error))?;
        let received: Histogram =
            serde_json::from_str(&sent).map_err(|error| Trouble::caused("receive a histogram", error))?;
        merged.merge(&received);
    }
    Ok(merged)
}
