//! What was measured, as it is stored.

use serde::{Deserialize, Serialize};
use shield_types::Timestamp;

use crate::bench::order::Primitive;
use crate::measure::audit::GeneratorAudit;
use crate::measure::histogram::Histogram;
use crate::results::model::Verdict;

/// The format of [`BenchResults`].
pub const BENCH_FORMAT: u32 = 1;

/// One measurement. Fields that end in `_us` are microseconds.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct BenchResults {
    /// [`BENCH_FORMAT`]; another number is another document.
    pub format: u32,
    /// What measured, with its version.
    pub tool: String,
    /// What was measured.
    pub service: String,
    /// Where, as a URL.
    pub target: String,
    /// When it began.
    pub started_at: Timestamp,
    /// How long it took.
    pub elapsed_s: f64,
    /// Passed: every component is within its target. Invalid: the figures under load are about the generator.
    pub verdict: Verdict,
    /// What the verdict rests on; empty when it passed.
    pub reasons: Vec<String>,
    /// What to know before believing a figure.
    pub warnings: Vec<String>,
    /// Iterations per second that the service answered when users waited for nothing but their answers.
    pub capacity_per_second: f64,
    /// Iterations per second under load.
    pub rate_per_second: f64,
    /// Requests answered under load.
    pub answered: u64,
    /// Requests that failed under load.
    pub failed: u64,
    /// Processor time of the service for each request under load; `null` when its process is not one on this machine.
    pub cpu_per_request_us: Option<f64>,
    /// What the generator found about itself, under load.
    pub audit: GeneratorAudit,
    /// In the order of the settings.
    pub components: Vec<ComponentResults>,
}

/// One component.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ComponentResults {
    /// Its name.
    pub name: String,
    /// What it may take.
    pub target_us: f64,
    /// How many times shorter the average must be.
    pub margin: u32,
    /// By the service's own histogram, while one request at a time was sent.
    pub quiet: Option<ComponentFigures>,
    /// The same under load.
    pub loaded: Option<ComponentFigures>,
    /// By how much requests with it take longer than those without; seen from outside, one request at a time.
    pub added: Option<Added>,
    /// Whole requests with it under load, from the moment they were due.
    pub request: Option<RequestFigures>,
    /// What no implementation can do without, on this machine, in the same run.
    pub primitive: Option<PrimitiveFigures>,
    /// Whether it is within its target.
    pub held: bool,
}

/// What a service's histogram counted.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ComponentFigures {
    /// Measurements.
    pub count: u64,
    /// Exactly.
    pub average_us: f64,
    /// The end of the bucket that the median lies in; absent beyond the highest one and without buckets.
    pub p50_us: Option<f64>,
    /// The same of the 99th percentile.
    pub p99_us: Option<f64>,
    /// The longest; absent where nothing tells it.
    pub longest_us: Option<f64>,
    /// Whether that is the value itself; else it is the end of its bucket.
    pub longest_exact: bool,
    /// Those that are not empty, ascending.
    pub buckets: Vec<Bucket>,
}

/// One bucket.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Bucket {
    /// Its upper end; none: it has none.
    pub up_to_us: Option<f64>,
    /// Values in it.
    pub count: u64,
}

/// The difference of two medians.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Added {
    /// Median with the component.
    pub with_us: f64,
    /// Median without it.
    pub without_us: f64,
    /// Most likely difference. Below zero when the noise is larger than it.
    pub estimate_us: f64,
    /// It lies between this
    pub low_us: f64,
    /// and this
    pub high_us: f64,
    /// with this chance.
    pub confidence: f64,
    /// Blocks of four slices, two of each.
    pub blocks: usize,
}

/// Latencies of whole requests.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RequestFigures {
    /// The scenario.
    pub scenario: String,
    /// Answers.
    pub count: u64,
    /// Average.
    pub average_us: f64,
    /// Median.
    pub p50_us: f64,
    /// 99th percentile.
    pub p99_us: f64,
    /// The longest, exactly.
    pub longest_us: f64,
    /// All of them.
    pub histogram: Histogram,
}

/// What a primitive takes.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PrimitiveFigures {
    /// Which.
    pub primitive: Primitive,
    /// The fastest batch.
    pub least_us: f64,
    /// The median batch.
    pub median_us: f64,
    /// The component's average in a quiet service as a multiple of the median batch.
    pub ratio: Option<f64>,
}

// === impl ComponentResults ===

impl ComponentResults {
    /// The longest average that was seen of the component itself: by its own histograms; else by what it adds to requests, at
    /// the high end; else by whole requests, of which it is a part.
    #[must_use]
    pub fn average_us(&self) -> Option<f64> {
        let inside = [&self.quiet, &self.loaded].into_iter().flatten().map(|figures| figures.average_us);
        let added = self.added.map(|added| added.high_us);
        let request = self.request.as_ref().map(|request| request.average_us);
        inside.reduce(f64::max).or(added).or(request)
    }
}

// === impl RequestFigures ===

impl RequestFigures {
    /// None when nothing was answered.
    pub(crate) fn of(scenario: &str, latency: &Histogram) -> Option<Self> {
        let quantile_us = |share| latency.quantile(share).map(|value| value.as_secs_f64() * 1e6);
        Some(Self {
            scenario: scenario.to_owned(),
            count: latency.count(),
            average_us: latency.mean()?.as_secs_f64() * 1e6,
            p50_us: quantile_us(0.5)?,
            p99_us: quantile_us(0.99)?,
            longest_us: latency.longest()?.as_secs_f64() * 1e6,
            histogram: latency.clone(),
        })
    }
}
