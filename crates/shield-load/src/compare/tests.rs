//! Verdicts on blocks whose truth is known.

use fastrand::Rng;

use crate::compare::analyse::analyse;
use crate::compare::block::{Block, Side};
use crate::compare::pauses::StoodStill;
use crate::compare::settings::CompareSettings;
use crate::compare::verdict::{Comparison, Finding, Metric};

/// What B does, as shares of what A does.
#[derive(Clone, Copy)]
struct Truth {
    throughput: f64,
    p99: f64,
    failed_share: f64,
}

const SAME: Truth = Truth { throughput: 1.0, p99: 1.0, failed_share: 0.0 };
const REQUESTS: f64 = 1_000.0;

/// Blocks under heavy-tailed noise that lasts: other processes take from either side, in bouts over many blocks.
fn blocks(count: usize, truth: Truth, seed: u64) -> Vec<Block> {
    let mut random = Rng::with_seed(seed);
    let mut bout = 0.0_f64;
    let mut block = || {
        bout = 0.95 * bout + 0.004 / (1.0 - random.f64()).powf(0.6);
        let a = side(&mut random, bout, SAME);
        Block { a, b: side(&mut random, bout, truth) }
    };
    (0..count).map(|_| block()).collect()
}

fn side(random: &mut Rng, bout: f64, truth: Truth) -> Side {
    let taken = bout * random.f64();
    let requests = REQUESTS * truth.throughput * (-taken).exp();
    let tried = if truth.failed_share > 0.0 { requests as u64 } else { 0 };
    let failed = (0..tried).filter(|_| random.f64() < truth.failed_share).count() as u64;
    let answered = requests as u64 - failed;
    Side {
        seconds: 0.05,
        answered_in_time: answered,
        answered,
        failed,
        p50_ms: Some((1.0 + taken) / truth.throughput),
        p99_ms: Some(truth.p99 * (5.0 + taken) * (0.9 + 0.2 * random.f64())),
        still: StoodStill::default(),
    }
}

/// As a recording goes: looked at now and then until it is decided.
fn verdict(truth: Truth, seed: u64) -> Comparison {
    let settings = CompareSettings { blocks_max: 400, ..CompareSettings::default() };
    let blocks = blocks(400, truth, seed);
    let look = |count| analyse(&blocks[..count], &settings).unwrap();
    let decided = settings.looks().map(look).find(Comparison::decided);
    decided.expect("the last look decides")
}

fn finding(comparison: &Comparison, metric: Metric) -> Finding {
    comparison.metric(metric).unwrap().finding
}

/// Runs whose finding about the metric is this one.
fn count_of(truth: Truth, metric: Metric, wanted: Finding, runs: u64) -> usize {
    (0..runs).filter(|seed| finding(&verdict(truth, *seed), metric) == wanted).count()
}

#[test]
fn finds_nothing_where_nothing_is() {
    let alarms = (0..600).filter(|seed| verdict(SAME, *seed).finding() != Finding::NoDifferenceSeen).count();
    // 6 would be allowed on average.
    assert!(alarms <= 6, "{alarms}");
}

#[test]
fn finds_lost_throughput() {
    let slower = Truth { throughput: 0.95, ..SAME };
    assert!(count_of(slower, Metric::Throughput, Finding::Regression, 100) >= 95);
    let faster = Truth { throughput: 1.0 / 0.95, ..SAME };
    assert!(count_of(faster, Metric::Throughput, Finding::Improvement, 100) >= 95);
}

#[test]
fn finds_a_longer_tail() {
    let longer = Truth { p99: 1.1, ..SAME };
    assert!(count_of(longer, Metric::LatencyP99, Finding::Regression, 100) >= 95);
    assert_eq!(count_of(longer, Metric::Throughput, Finding::Regression, 100), 0);
}

#[test]
fn improvement_ends_nothing() {
    let mut blocks = blocks(96, SAME, 6);
    blocks.iter_mut().for_each(|block| block.b.p50_ms = block.b.p50_ms.map(|p50| p50 / 2.0));
    // The tail might yet be worse: it is not known finely enough.
    let metrics = Metric::ALL.to_vec();
    let settings = CompareSettings { p99_change: 0.01, metrics, ..CompareSettings::default() };
    let comparison = analyse(&blocks, &settings).unwrap();
    assert_eq!(finding(&comparison, Metric::LatencyP50), Finding::Improvement);
    assert!(!comparison.decided());
}

#[test]
fn small_changes_are_ignored() {
    let hardly = Truth { throughput: 0.995, p99: 1.01, ..SAME };
    assert!(count_of(hardly, Metric::Throughput, Finding::NoDifferenceSeen, 100) >= 99);
    assert!(count_of(hardly, Metric::LatencyP99, Finding::NoDifferenceSeen, 100) >= 99);
}

#[test]
fn detectable_failures_are_found() {
    let settings = CompareSettings { blocks_max: 96, ..CompareSettings::default() };
    let share = analyse(&blocks(96, SAME, 1), &settings).unwrap();
    let told = share.metric(Metric::ErrorShare).unwrap().detectable.unwrap();
    assert!(told < 0.001, "{told}");
    let failing = Truth { failed_share: told, ..SAME };
    let found = (0..100).filter(|seed| {
        let comparison = analyse(&blocks(96, failing, *seed), &settings).unwrap();
        finding(&comparison, Metric::ErrorShare) == Finding::Regression
    });
    assert!(found.count() >= 90);
}

#[test]
fn dead_variant_is_a_regression() {
    let mut blocks = blocks(96, SAME, 3);
    for block in &mut blocks {
        let failed = block.b.answered;
        block.b = Side { failed, answered: 0, answered_in_time: 0, p50_ms: None, p99_ms: None, ..block.b };
    }
    let comparison = analyse(&blocks, &CompareSettings::default()).unwrap();
    assert!(comparison.decided() && !comparison.complete);
    assert_eq!(finding(&comparison, Metric::ErrorShare), Finding::Regression);
    assert_eq!(finding(&comparison, Metric::Throughput), Finding::Regression);
    assert_eq!(finding(&comparison, Metric::LatencyP99), Finding::NotMeasured);
    assert_eq!(comparison.finding(), Finding::Regression);
    let share = comparison.metric(Metric::ErrorShare).unwrap();
    assert_eq!((share.a, share.b), (Some(0.0), Some(1.0)));
}

#[test]
fn nothing_ended_is_nothing_measured() {
    let silent =
        Block { a: Side { seconds: 0.05, ..Side::default() }, b: Side { seconds: 0.05, ..Side::default() } };
    let comparison = analyse(&[silent; 96], &CompareSettings::default()).unwrap();
    assert_eq!(comparison.finding(), Finding::NotMeasured);
    assert_eq!(finding(&comparison, Metric::ErrorShare), Finding::NotMeasured);
    assert_eq!(analyse(&[], &CompareSettings::default()).unwrap().finding(), Finding::NotMeasured);
}

#[test]
fn looks_in_between_are_wider() {
    let blocks = blocks(96, SAME, 4);
    let width = |blocks_max| {
        let settings = CompareSettings { blocks_max, p99_change: 0.01, ..CompareSettings::default() };
        let comparison = analyse(&blocks, &settings).unwrap();
        let change = comparison.metric(Metric::LatencyP99).unwrap().change.unwrap();
        (comparison.complete, change.high - change.low)
    };
    let ((early, wide), (at_end, narrow)) = (width(400), width(96));
    assert!(!early && at_end && wide > narrow * 1.2, "{wide} {narrow}");
}

#[test]
fn survives_json() {
    let comparison = verdict(Truth { throughput: 0.9, ..SAME }, 5);
    let text = serde_json::to_string(&comparison).unwrap();
    assert_eq!(serde_json::from_str::<Comparison>(&text).unwrap(), comparison);
}

#[test]
fn shares_differ_by_no_more_than_all() {
    let mut blocks = blocks(6, SAME, 3);
    for side in blocks.iter_mut().map(|block| &mut block.b) {
        (side.failed, side.answered) = (side.answered, 0);
    }
    let change = |blocks: &[Block]| {
        let comparison = analyse(blocks, &CompareSettings::default()).unwrap();
        comparison.metric(Metric::ErrorShare).unwrap().change.unwrap()
    };
    let worse = change(&blocks);
    assert_eq!((worse.estimate, worse.high), (1.0, 1.0));
    assert!((-1.0..1.0).contains(&worse.low), "{worse:?}");
    blocks.iter_mut().for_each(|block| std::mem::swap(&mut block.a, &mut block.b));
    let better = change(&blocks);
    assert_eq!((better.estimate, better.low), (-1.0, -1.0));
}
