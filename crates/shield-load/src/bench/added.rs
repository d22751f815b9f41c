//! What a component adds to a request, seen from outside: the same request with and without it, in turns.

use std::time::Duration;

use crate::bench::results::Added;
use crate::compare::record::{CompareError, compare};
use crate::compare::settings::CompareSettings;
use crate::compare::verdict::{Comparison, Metric};
use crate::plan::model::LoadPlan;

/// Short slices: what is compared takes microseconds, and noise comes and goes by tenths of seconds.
const SLICE: Duration = Duration::from_millis(10);
const SETTLE: Duration = Duration::from_millis(2);
/// Chance that an interval misses.
const ALPHA: f64 = 0.05;
/// More blocks than any time allows: the time ends it, which knows no side.
const BLOCKS: usize = 1_000_000;

/// Lets both take turns for about so long.
pub(crate) async fn added(
    without: LoadPlan,
    with: LoadPlan,
    limit: Duration,
) -> Result<Result<Added, String>, CompareError> {
    let settings = CompareSettings {
        slice: SLICE,
        settle: SETTLE,
        blocks_min: BLOCKS,
        blocks_max: BLOCKS,
        limit,
        alpha: ALPHA,
        metrics: vec![Metric::LatencyP50, Metric::ErrorShare],
        ..CompareSettings::default()
    };
    Ok(read(&compare(without, with, &settings).await?))
}

/// The difference that a comparison of shares found, or why there is none.
fn read(comparison: &Comparison) -> Result<Added, String> {
    if let Some(reason) = comparison.invalid.first() {
        return Err(reason.clone());
    }
    let failures = comparison.metric(Metric::ErrorShare);
    if failures.is_some_and(|verdict| {
        verdict.a.or(verdict.b).is_none() || verdict.a > Some(0.0) || verdict.b > Some(0.0)
    }) {
        return Err("requests failed".to_owned());
    }
    let median = comparison.metric(Metric::LatencyP50);
    let figures = median.and_then(|median| Some((median.a?, median.b?, median.change?)));
    let (without_ms, with_ms, change) = figures.ok_or("too few answers")?;
    let difference_us = |share: f64| without_ms * 1e3 * (share - 1.0);
    Ok(Added {
        with_us: with_ms * 1e3,
        without_us: without_ms * 1e3,
        estimate_us: difference_us(change.estimate),
        low_us: difference_us(change.low),
        high_us: difference_us(change.high),
        confidence: comparison.confidence,
        blocks: comparison.blocks,
    })
}

#[cfg(test)]
mod tests {
    use super::{ALPHA, read};
    use crate::compare::analyse::analyse;
    use crate::compare::block::{Block, Side};
    use crate::compare::settings::CompareSettings;
    use crate::compare::verdict::{Comparison, Metric};

    /// Blocks whose medians are 200 µs without and 210 µs with, but for some noise.
    fn comparison(failed: u64) -> Comparison {
        let side = |p50_ms: f64, failed| Side {
            seconds: 0.02,
            answered_in_time: 100,
            answered: 100,
            failed,
            p50_ms: Some(p50_ms),
            ..Side::default()
        };
        let noise = |number: usize| 1.0 + (number % 7) as f64 * 0.001;
        let blocks: Vec<Block> =
            (0..40).map(|number| Block { a: side(0.2, 0), b: side(0.21 * noise(number), failed) }).collect();
        let settings = CompareSettings {
            blocks_min: 40,
            blocks_max: 40,
            alpha: ALPHA,
            metrics: vec![Metric::LatencyP50, Metric::ErrorShare],
            ..CompareSettings::default()
        };
        analyse(&blocks, &settings).unwrap()
    }

    #[test]
    fn difference_is_told_in_time() {
        let added = read(&comparison(0)).unwrap();
        assert!((added.without_us - 200.0).abs() < 1e-9 && added.with_us > 210.0, "{added:?}");
        assert!(added.low_us > 9.0 && added.high_us < 13.0, "{added:?}");
        assert!(added.low_us <= added.estimate_us && added.estimate_us <= added.high_us);
    }

    #[test]
    fn failures_are_no_difference() {
        assert_eq!(read(&comparison(1)).unwrap_err(), "requests failed");
        let busy = Comparison { invalid: vec!["it was busy".to_owned()], ..comparison(0) };
        assert_eq!(read(&busy).unwrap_err(), "it was busy");
    }
}
