//! What a comparison found.

use serde::{Deserialize, Serialize};

use crate::compare::pauses::Pauses;

/// What is compared.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Metric {
    /// Answers per second; closed model only: in the open one the rate is given.
    Throughput,
    /// Median latency.
    LatencyP50,
    /// 99th percentile of the latency.
    LatencyP99,
    /// Share of the requests that failed.
    ErrorShare,
}

/// What was found about a metric.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Finding {
    /// B is worse than A, by more than what is ignored.
    Regression,
    /// B is better than A, by more than what is ignored.
    Improvement,
    /// Neither is sure. What would have been seen is said beside it.
    NoDifferenceSeen,
    /// Too few blocks had anything to measure, or too few pauses tell B from A.
    NotMeasured,
}

/// The verdict between two variants: A is what was there before, B what is to replace it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Comparison {
    /// Blocks that were compared.
    pub blocks: usize,
    /// Seconds that were counted, both variants together.
    pub seconds: f64,
    /// Chance that every interval holds the truth, such as 0.99.
    pub confidence: f64,
    /// The blocks suffice for what was to be found and pauses leave no doubt, or they are as many as were allowed. Else the intervals are those of a look in
    /// between, which are wider, so that looking often costs no confidence.
    pub complete: bool,
    /// Metric by metric, in the order of the settings.
    pub metrics: Vec<MetricVerdict>,
    /// What was lost on the whole, rare pauses included.
    pub pauses: Pauses,
    /// Why the figures are about the generator instead of the variants; empty when they are not.
    pub invalid: Vec<String>,
}

/// One metric.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct MetricVerdict {
    /// Which.
    pub metric: Metric,
    /// Of A: answers per second, milliseconds (the median block's), or a share; absent when nothing was measured.
    pub a: Option<f64>,
    /// Of B.
    pub b: Option<f64>,
    /// B's share of A; for the error share, B's minus A's. Absent when too few blocks had anything to measure.
    pub change: Option<Interval>,
    /// Change that is too small to be called one, as a share (0.01 for 1 %).
    pub ignored: f64,
    /// The smallest worsening that would have been found with the power asked for, as a share. Absent like `change`.
    pub detectable: Option<f64>,
    /// The verdict.
    pub finding: Finding,
}

/// An estimate and what it surely lies between.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Interval {
    /// Most likely.
    pub estimate: f64,
    /// Lower end.
    pub low: f64,
    /// Upper end.
    pub high: f64,
}

// === impl Metric ===

impl Metric {
    /// Every metric.
    pub const ALL: [Self; 4] = [Self::Throughput, Self::LatencyP50, Self::LatencyP99, Self::ErrorShare];

    /// For people.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Throughput => "throughput",
            Self::LatencyP50 => "p50",
            Self::LatencyP99 => "p99",
            Self::ErrorShare => "error share",
        }
    }
}

// === impl Finding ===

impl Finding {
    /// B is surely better or worse.
    #[must_use]
    pub fn is_difference(self) -> bool {
        matches!(self, Self::Regression | Self::Improvement)
    }
}

// === impl Comparison ===

impl Comparison {
    /// The worst that was found, over all metrics and pauses.
    #[must_use]
    pub fn finding(&self) -> Finding {
        let order =
            [Finding::Regression, Finding::NotMeasured, Finding::Improvement, Finding::NoDifferenceSeen];
        let findings = || self.metrics.iter().map(|metric| metric.finding).chain([self.pauses.finding]);
        let found = |finding: &Finding| findings().any(|found| found == *finding);
        order.into_iter().find(found).unwrap_or(Finding::NotMeasured)
    }

    /// One metric, if it was compared.
    #[must_use]
    pub fn metric(&self, metric: Metric) -> Option<&MetricVerdict> {
        self.metrics.iter().find(|verdict| verdict.metric == metric)
    }

    /// More blocks would not be waited for: they suffice, or B is surely worse already. That it is better in one way does not
    /// end a comparison, because it may yet turn out to be worse in another.
    #[must_use]
    pub fn decided(&self) -> bool {
        self.complete || self.finding() == Finding::Regression
    }
}
