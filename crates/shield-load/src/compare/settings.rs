//! How sure, how fine, how long.

use std::time::Duration;

use thiserror::Error;

use crate::compare::verdict::Metric;

/// Share of a change worth finding that is too small to be called a difference. Two processes of the same program differ by
/// some tenths of a percent, by where the kernel put their threads and memory, and for as long as it leaves them there. The coin
/// that orders the slices does not share that out, and more blocks only measure it better: this margin alone keeps it from
/// being called a difference, so it must not shrink because alarms are rare.
const IGNORED_SHARE: f64 = 0.25;
/// A slice is at least this many times as long as all but the slowest answers take.
const SLICE_ANSWERS: u32 = 4;
/// With fewer blocks no interval is narrow enough to say anything at the usual confidence.
pub(crate) const BLOCKS_LEAST: usize = 12;
/// Each look at the blocks waits for this many times those of the look before.
const LOOK_GROWTH: f64 = 1.2;

/// Settings of a comparison.
#[derive(Clone, Debug, PartialEq)]
pub struct CompareSettings {
    /// Length of a slice in which one variant runs alone. The shorter, the less the noise differs between two of them: other
    /// processes come and go by tenths of seconds. Lengthened where the variants answer too slowly for it.
    pub slice: Duration,
    /// Time after each switch that is not counted; lengthened likewise.
    pub settle: Duration,
    /// Fewest blocks of four slices.
    pub blocks_min: usize,
    /// Most blocks; equal to `blocks_min` for a comparison of fixed length.
    pub blocks_max: usize,
    /// No further block is begun after this time.
    pub limit: Duration,
    /// Highest chance that anything is called a difference where there is none, over all metrics together.
    pub alpha: f64,
    /// Chance that a change worth finding is found, which decides when there are enough blocks.
    pub power: f64,
    /// Change of throughput worth finding, as a share: 0.05 for 5 %.
    pub throughput_change: f64,
    /// Change of the median latency worth finding.
    pub p50_change: f64,
    /// Change of the 99th percentile worth finding.
    pub p99_change: f64,
    /// What is compared.
    pub metrics: Vec<Metric>,
    /// Seed of the order of slices.
    pub seed: u64,
}

/// Settings that no comparison can follow.
#[derive(Clone, Debug, PartialEq, Error)]
pub enum CompareSettingsError {
    /// A chance that is none, or says nothing.
    #[error(
        "compare with alpha `{alpha}` and power `{power}`: alpha is above 0 and at most 0.1, power at least 0.8 and below 1"
    )]
    Chances {
        /// [`CompareSettings::alpha`].
        alpha: f64,
        /// [`CompareSettings::power`].
        power: f64,
    },
    /// Too few blocks, or a maximum below the minimum.
    #[error(
        "compare `{blocks_min}` to `{blocks_max}` blocks: at least {BLOCKS_LEAST}, and the most no less than the fewest"
    )]
    Blocks {
        /// [`CompareSettings::blocks_min`].
        blocks_min: usize,
        /// [`CompareSettings::blocks_max`].
        blocks_max: usize,
    },
    /// A slice without length.
    #[error("compare slices of `{slice:?}`: a slice has a length")]
    Slice {
        /// [`CompareSettings::slice`].
        slice: Duration,
    },
    /// A change that is no share.
    #[error("find changes of `{change}`: a change worth finding is above 0 and below 1")]
    Change {
        /// What was asked.
        change: f64,
    },
    /// Nothing to compare, or something twice.
    #[error("compare the metrics `{metrics:?}`: at least one, each once")]
    Metrics {
        /// [`CompareSettings::metrics`].
        metrics: Vec<Metric>,
    },
}

// === impl CompareSettings ===

impl Default for CompareSettings {
    /// At most 1 % false alarms; 5 % of throughput and 10 % of the 99th percentile are found 99 times in 100, if the
    /// noise lets them in five minutes. Not the median: on two processors it lies between the answers that had to wait for one and those that had not,
    /// and which are more depends on where the kernel happens to put the threads of a process.
    fn default() -> Self {
        Self {
            slice: Duration::from_millis(25),
            settle: Duration::from_millis(5),
            blocks_min: 96,
            blocks_max: 4_000,
            limit: Duration::from_secs(280),
            alpha: 0.01,
            power: 0.99,
            throughput_change: 0.05,
            p50_change: 0.1,
            p99_change: 0.1,
            metrics: vec![Metric::Throughput, Metric::LatencyP99, Metric::ErrorShare],
            seed: 1,
        }
    }
}

impl CompareSettings {
    /// Refuses what cannot be followed.
    pub fn validate(&self) -> Result<(), CompareSettingsError> {
        let Self { alpha, power, blocks_min, blocks_max, slice, .. } = *self;
        if !(alpha > 0.0 && alpha <= 0.1 && (0.8..1.0).contains(&power)) {
            return Err(CompareSettingsError::Chances { alpha, power });
        }
        if blocks_min < BLOCKS_LEAST || blocks_max < blocks_min {
            return Err(CompareSettingsError::Blocks { blocks_min, blocks_max });
        }
        if slice.is_zero() {
            return Err(CompareSettingsError::Slice { slice });
        }
        let changes = [self.throughput_change, self.p50_change, self.p99_change];
        if let Some(change) = changes.into_iter().find(|change| !(*change > 0.0 && *change < 1.0)) {
            return Err(CompareSettingsError::Change { change });
        }
        let twice = |(at, metric): (usize, &Metric)| self.metrics[..at].contains(metric);
        if self.metrics.is_empty() || self.metrics.iter().enumerate().any(twice) {
            return Err(CompareSettingsError::Metrics { metrics: self.metrics.clone() });
        }
        Ok(())
    }

    /// The same for variants whose slow answers take so long: slices in which several of them fit.
    pub(crate) fn for_answers_of(&self, slow: Duration) -> Self {
        let (slice, settle) = (self.slice.max(slow.saturating_mul(SLICE_ANSWERS)), self.settle.max(slow));
        Self { slice, settle, ..self.clone() }
    }

    /// The logarithm of the ratio worth finding; none for metrics that are no ratio.
    pub(crate) fn wanted(&self, metric: Metric) -> Option<f64> {
        match metric {
            Metric::Throughput => Some(-(-self.throughput_change).ln_1p()),
            Metric::LatencyP50 => Some(self.p50_change.ln_1p()),
            Metric::LatencyP99 => Some(self.p99_change.ln_1p()),
            Metric::ErrorShare => None,
        }
    }

    /// The logarithm of the ratio that is no difference yet.
    pub(crate) fn ignored(&self, metric: Metric) -> f64 {
        self.wanted(metric).map_or(0.0, |wanted| wanted * IGNORED_SHARE)
    }

    /// The numbers of blocks at which a comparison may end, in order; the last is the most.
    pub fn looks(&self) -> impl Iterator<Item = usize> {
        let next = |blocks: &usize| {
            let grown = (*blocks as f64 * LOOK_GROWTH).ceil() as usize;
            (*blocks < self.blocks_max).then(|| grown.min(self.blocks_max))
        };
        std::iter::successors(Some(self.blocks_min), next)
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::{CompareSettings, CompareSettingsError};

    #[test]
    fn looks_grow_to_the_most() {
        let settings = CompareSettings::default();
        let looks: Vec<_> = settings.looks().collect();
        assert_eq!((looks[0], looks[1], looks[looks.len() - 1]), (96, 116, 4_000));
        assert!(looks.is_sorted_by(|earlier, later| earlier < later));
        let fixed = CompareSettings { blocks_max: 96, ..settings };
        assert_eq!(fixed.looks().collect::<Vec<_>>(), [96]);
    }

    #[test]
    fn slow_answers_get_long_slices() {
        let settings = CompareSettings::default();
        assert_eq!(settings.for_answers_of(Duration::from_millis(5)), settings);
        let slower = settings.for_answers_of(Duration::from_millis(300));
        assert_eq!((slower.slice, slower.settle), (Duration::from_millis(1_200), Duration::from_millis(300)));
        assert_eq!(slower.validate(), Ok(()));
    }

    #[test]
    fn refuses_what_means_nothing() {
        let good = CompareSettings::default();
        assert_eq!(good.validate(), Ok(()));
        let nothing = CompareSettings { metrics: Vec::new(), ..good.clone() };
        assert!(matches!(nothing.validate(), Err(CompareSettingsError::Metrics { .. })));
        let unsure = CompareSettings { alpha: f64::NAN, ..good.clone() };
        assert!(matches!(unsure.validate(), Err(CompareSettingsError::Chances { .. })));
        let short = CompareSettings { blocks_max: 95, ..good.clone() };
        assert!(matches!(short.validate(), Err(CompareSettingsError::Blocks { .. })));
        let all = CompareSettings { p99_change: 1.0, ..good };
        assert!(matches!(all.validate(), Err(CompareSettingsError::Change { .. })));
    }
}
