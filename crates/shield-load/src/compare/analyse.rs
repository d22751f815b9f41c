//! From blocks to a verdict.
//!
//! Per metric each block gives one value: the logarithm of the ratio of its sides (the difference, for the error share),
//! positive where B is worse. The interval is that of the signed ranks, which the random order of slices makes exact whatever
//! the noise is like; all metrics share `alpha` (Bonferroni), so that all intervals hold together. A metric has changed when
//! its whole interval lies beyond what is ignored.
//!
//! How many blocks that takes depends on the noise, so it is found out: at growing intervals the blocks are looked at, and
//! they suffice when a change worth finding would be found with the power asked for. That is judged from the magnitudes of
//! the values, never from their signs, and so costs no confidence. A tenth of `alpha` pays for ending earlier when a
//! regression is obvious, and as much again for pauses at all looks together. While these leave a doubt, which knows signs, the
//! blocks do not suffice; the intervals of the end are made once all the same.

use crate::compare::block::Block;
use crate::compare::pauses::Pauses;
use crate::compare::settings::{CompareSettings, CompareSettingsError};
use crate::compare::statistics::{
    Bounds, hoeffding, mean_bounds, median, normal_deviations, signed_rank_bounds, signed_rank_reach,
};
use crate::compare::verdict::{Comparison, Finding, Interval, Metric, MetricVerdict};

/// Share of `alpha` that is spent on looks before the blocks suffice; that much again, beside it, on pauses.
const EARLY_SHARE: f64 = 0.1;

/// How sure an interval must be.
#[derive(Clone, Copy)]
struct Level {
    /// Chance that it misses, both sides together.
    chance: f64,
    /// Deviations that leave half of it to either side.
    deviations: f64,
    /// Deviations more by which a change must lie beyond the interval to be found with the power asked for.
    power_deviations: f64,
}

/// The blocks' values of a metric.
struct Values {
    metric: Metric,
    values: Vec<f64>,
}

/// Compares the sides of the blocks, which may have been recorded elsewhere; those of a fixed number belong to settings with
/// that number as [`CompareSettings::blocks_max`].
pub fn analyse(blocks: &[Block], settings: &CompareSettings) -> Result<Comparison, CompareSettingsError> {
    settings.validate()?;
    let of = |metric: &Metric| Values::of(*metric, blocks);
    let values: Vec<_> = settings.metrics.iter().map(of).collect();
    let at_end = Level::new(settings, 1.0 - EARLY_SHARE);
    let precise = |values: &Values| {
        let wanted = settings.wanted(values.metric);
        wanted.is_none_or(|wanted| values.reach(settings, at_end).is_some_and(|reach| reach <= wanted))
    };
    let a_look = EARLY_SHARE / settings.looks().count() as f64;
    let seen = values
        .iter()
        .find(|values| values.metric == Metric::Throughput)
        .and_then(|values| Some(worsened(values.metric, values.reach(settings, at_end)?)));
    let pauses = Pauses::judge(blocks, settings, seen, settings.alpha * a_look);
    let complete = blocks.len() >= settings.blocks_max
        || blocks.len() >= settings.blocks_min
            && values.iter().all(precise)
            && pauses.finding != Finding::NotMeasured;
    let level = match complete {
        true => at_end,
        false => Level::new(settings, a_look),
    };
    Ok(Comparison {
        blocks: blocks.len(),
        seconds: blocks.iter().map(|block| block.a.seconds + block.b.seconds).sum(),
        confidence: 1.0 - settings.alpha,
        complete,
        metrics: values.iter().map(|values| values.judge(blocks, settings, level)).collect(),
        pauses,
        invalid: Vec::new(),
    })
}

// === impl Level ===

impl Level {
    fn new(settings: &CompareSettings, share: f64) -> Self {
        let chance = settings.alpha * share / settings.metrics.len() as f64;
        Self {
            chance,
            deviations: normal_deviations(chance / 2.0),
            power_deviations: normal_deviations(1.0 - settings.power),
        }
    }
}

// === impl Values ===

impl Values {
    fn of(metric: Metric, blocks: &[Block]) -> Self {
        Self { metric, values: blocks.iter().filter_map(|block| worsening(metric, block)).collect() }
    }

    fn bounds(&self, level: Level) -> Option<Bounds> {
        match self.metric {
            Metric::ErrorShare => mean_bounds(&self.values, level.chance),
            _ => signed_rank_bounds(&self.values, level.deviations),
        }
    }

    /// The smallest worsening that would be found, in units of the values; from magnitudes alone.
    fn reach(&self, settings: &CompareSettings, level: Level) -> Option<f64> {
        let reach = signed_rank_reach(&self.values, level.deviations)?;
        let powerful = 1.0 + level.power_deviations / level.deviations;
        Some(settings.ignored(self.metric) + reach * powerful)
    }

    fn judge(&self, blocks: &[Block], settings: &CompareSettings, level: Level) -> MetricVerdict {
        let bounds = self.bounds(level);
        let ignored = settings.ignored(self.metric);
        let finding = match bounds {
            None => Finding::NotMeasured,
            Some(bounds) if bounds.low > ignored => Finding::Regression,
            Some(bounds) if bounds.high < -ignored => Finding::Improvement,
            Some(_) => Finding::NoDifferenceSeen,
        };
        let (a, b) = levels(self.metric, blocks);
        let detectable = match self.metric {
            Metric::ErrorShare => detectable_share(blocks, &self.values, level),
            _ => self.reach(settings, level).map(|reach| worsened(self.metric, reach)),
        };
        MetricVerdict {
            metric: self.metric,
            a,
            b,
            change: bounds.map(|bounds| change(self.metric, bounds)),
            ignored: worsened(self.metric, ignored),
            detectable: bounds.and(detectable),
            finding,
        }
    }
}

/// How much worse B was, positive for worse; none when the block says nothing.
fn worsening(metric: Metric, block: &Block) -> Option<f64> {
    let Block { a, b } = block;
    let ratio =
        |more: Option<f64>, less: Option<f64>| Some((more? / less?).ln()).filter(|value| value.is_finite());
    match metric {
        Metric::Throughput => ratio(a.rate(), b.rate()),
        Metric::LatencyP50 => ratio(b.p50_ms, a.p50_ms),
        Metric::LatencyP99 => ratio(b.p99_ms, a.p99_ms),
        Metric::ErrorShare => Some(b.error_share()? - a.error_share()?),
    }
}

/// The metric of each variant over all blocks.
fn levels(metric: Metric, blocks: &[Block]) -> (Option<f64>, Option<f64>) {
    let typical = |of: fn(&Block) -> Option<f64>| median(blocks.iter().filter_map(of).collect());
    let share = |part: fn(&Block) -> (u64, u64)| {
        let (failed, answered) =
            blocks.iter().map(part).fold((0, 0), |sum, add| (sum.0 + add.0, sum.1 + add.1));
        (failed + answered > 0).then(|| failed as f64 / (failed + answered) as f64)
    };
    match metric {
        Metric::Throughput => (typical(|block| block.a.rate()), typical(|block| block.b.rate())),
        Metric::LatencyP50 => (typical(|block| block.a.p50_ms), typical(|block| block.b.p50_ms)),
        Metric::LatencyP99 => (typical(|block| block.a.p99_ms), typical(|block| block.b.p99_ms)),
        Metric::ErrorShare => (
            share(|block| (block.a.failed, block.a.answered)),
            share(|block| (block.b.failed, block.b.answered)),
        ),
    }
}

/// The bounds of a worsening as those of B's share of A.
fn change(metric: Metric, bounds: Bounds) -> Interval {
    let Bounds { estimate, low, high } = bounds;
    match metric {
        Metric::Throughput => {
            Interval { estimate: (-estimate).exp(), low: (-high).exp(), high: (-low).exp() }
        }
        Metric::LatencyP50 | Metric::LatencyP99 => {
            Interval { estimate: estimate.exp(), low: low.exp(), high: high.exp() }
        }
        // A bound of sums knows nothing of shares: it may go beyond what two of them can differ by.
        Metric::ErrorShare => Interval { estimate, low: low.max(-1.0), high: high.min(1.0) },
    }
}

/// A worsening as a share.
fn worsened(metric: Metric, worsening: f64) -> f64 {
    match metric {
        Metric::Throughput => -(-worsening).exp_m1(),
        Metric::LatencyP50 | Metric::LatencyP99 => worsening.exp_m1(),
        Metric::ErrorShare => worsening,
    }
}

/// The share of failures of B that would be found. Where nothing fails, the deviations of what was seen are nothing, but a
/// rare failure must occur in enough blocks: `deviations²` of them, and as many more as chance may leave out.
fn detectable_share(blocks: &[Block], values: &[f64], level: Level) -> Option<f64> {
    let count = values.len() as f64;
    let deviations = hoeffding(level.chance);
    let needed = deviations * (deviations + level.power_deviations);
    let requests: u64 = blocks.iter().map(|block| block.b.answered + block.b.failed).sum();
    if requests == 0 || needed >= count {
        return None;
    }
    let rare = -(1.0 - needed / count).ln() * count / requests as f64;
    let spread = values.iter().map(|value| value * value).sum::<f64>().sqrt() / count;
    Some(rare.max((deviations + level.power_deviations) * spread).min(1.0))
}
