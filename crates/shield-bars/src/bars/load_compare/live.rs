//! Comparisons of real servers, made one after the other.

use std::time::{Duration, Instant};

use shield_load::{CompareSettings, Finding, Metric, compare};

use super::{CLIENTS, WAITING};
use crate::harness::{Result, Trouble, Verdict, WorkSettings, WorkingServer};

/// Runs of either half.
const RUNS: u64 = 10;
/// Planted ones that must be found.
const FOUND_MIN: usize = 9;
const LONGEST: Duration = Duration::from_secs(300);
/// So much more work that throughput falls by 5 %, the rest of a request's cost being the kernel's and the clients'.
const MORE_WORK: WorkSettings = WorkSettings { rounds: 107_000, ..WAITING };
/// So much longer waits that the 99th percentile, in which there is work, too, rises by 10 %.
const LONGER_WAITS: WorkSettings = WorkSettings { wait_us: 4_460, ..WAITING };

/// A comparison that was made.
struct Run {
    /// Any difference at all.
    alarm: bool,
    finding: Finding,
    /// B's share of A, metric by metric.
    ratios: Vec<(Metric, f64)>,
    took: Duration,
}

pub(super) async fn run(settings: &CompareSettings, verdict: &mut Verdict) -> Result<String> {
    let (mut alarms, mut found, mut longest) = (0, 0, Duration::ZERO);
    let (mut throughput, mut p99) = (Vec::new(), Vec::new());
    for number in 0..RUNS {
        let settings = CompareSettings { seed: settings.seed + number, ..settings.clone() };
        let same = one("A/A", WAITING, &settings).await?;
        alarms += usize::from(same.alarm);
        // The kinds of planted runs take turns.
        let (name, work, metric, ratios) = match number % 2 {
            0 => ("more work", MORE_WORK, Metric::Throughput, &mut throughput),
            _ => ("longer waits", LONGER_WAITS, Metric::LatencyP99, &mut p99),
        };
        let planted = one(name, work, &settings).await?;
        found += usize::from(planted.finding == Finding::Regression);
        ratios.extend(planted.ratios.iter().filter(|(of, _)| *of == metric).map(|(_, ratio)| *ratio));
        longest = longest.max(same.took).max(planted.took);
    }
    let mean = |ratios: &[f64]| ratios.iter().sum::<f64>() / ratios.len() as f64;
    println!(
        "  planted, as measured: throughput {:.2} %, p99 {:+.2} %",
        (mean(&throughput) - 1.0) * 100.0,
        (mean(&p99) - 1.0) * 100.0
    );
    verdict.demand(alarms == 0, || format!("{alarms} alarms where nothing was planted"));
    verdict.demand(found >= FOUND_MIN, || format!("only {found} of {RUNS} planted changes were found"));
    verdict.demand(longest <= LONGEST, || format!("a run took {longest:.1?}"));
    Ok(format!(
        "live: {alarms} alarms in {RUNS} A/A runs, {found} of {RUNS} planted found, longest {longest:.0?}"
    ))
}

async fn one(name: &str, work: WorkSettings, settings: &CompareSettings) -> Result<Run> {
    let (a, b) = (WorkingServer::start(WAITING).await?, WorkingServer::start(work).await?);
    let began = Instant::now();
    let comparison = compare(a.plan(CLIENTS), b.plan(CLIENTS), settings)
        .await
        .map_err(|error| Trouble::caused("compare", error))?;
    let took = began.elapsed();
    println!("  {name}, {took:.1?}: {comparison}");
    let of = |metric: &shield_load::MetricVerdict| Some((metric.metric, metric.change?.estimate));
    Ok(Run {
        alarm: comparison.metrics.iter().any(|metric| metric.finding.is_difference()),
        finding: comparison.finding(),
        ratios: comparison.metrics.iter().filter_map(of).collect(),
        took,
    })
}
