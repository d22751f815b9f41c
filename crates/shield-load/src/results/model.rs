//! The results of one run, whoever made the load: one JSON document.
//!
//! This is what `--json` writes, what the reports draw, what `compare` reads and what statements carry. Times are seconds
//! from the start of the run, latencies milliseconds.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use shield_types::Timestamp;

use crate::measure::audit::GeneratorAudit;
use crate::measure::report::LatencySummary;

/// Version of the document.
pub const RESULTS_FORMAT: u32 = 1;

/// The results of one run.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RunResults {
    /// [`RESULTS_FORMAT`].
    pub format: u32,
    /// What made the load, with its version: `shield 0.1.0`, `k6 1.1.0`.
    pub tool: String,
    /// Name of the workload.
    pub name: String,
    /// What was loaded, as a URL.
    pub target: String,
    /// Who decided when a request was sent, in words: `open: …` or `closed: …`.
    pub model: String,
    /// Seed of the random choices; absent for other tools.
    pub seed: Option<u64>,
    /// When it began.
    pub started_at: Timestamp,
    /// From the start to the end of the last user.
    pub elapsed_s: f64,
    /// Whether it may be believed, and whether it passed.
    pub verdict: Verdict,
    /// What the verdict rests on, in sentences; empty when it passed.
    pub reasons: Vec<String>,
    /// What a reader should know before believing a figure: omissions of the tool, thinned series.
    pub warnings: Vec<String>,
    /// Every request.
    pub totals: Totals,
    /// Failures by kind; kinds that did not occur are absent.
    pub failed_by_kind: BTreeMap<String, u64>,
    /// How often each status was seen.
    pub statuses: BTreeMap<u16, u64>,
    /// From the moment a request was due; absent when nothing was answered or the tool does not know.
    pub latency: Option<LatencySummary>,
    /// From the moment it was begun.
    pub service: Option<LatencySummary>,
    /// How late the generator was by its own fault; open model only.
    pub lag: Option<LatencySummary>,
    /// Step by step.
    pub steps: Vec<StepResults>,
    /// Check by check.
    pub checks: Vec<CheckResults>,
    /// Over time.
    pub series: Series,
    /// Faults, on the clock of the series.
    pub faults: Vec<FaultWindow>,
    /// Threshold by threshold.
    pub thresholds: Vec<ThresholdResult>,
    /// What the generator found about itself; absent for other tools.
    pub audit: Option<GeneratorAudit>,
    /// The target's own count, held against ours; absent when it does not count.
    pub reconciled: Option<Reconciled>,
    /// The first failures: one line for each cause, its first example, with how many more were like it.
    pub failures: Vec<String>,
}

/// How a run ended. Worst first: a run that is invalid proves nothing, whatever its thresholds say.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Verdict {
    /// The generator was the bottleneck, part of it was lost, or requests are not accounted for.
    Invalid,
    /// Nothing was answered.
    Unreachable,
    /// An abort condition, or whoever asked for it, ended it early.
    Aborted,
    /// A threshold, or the reconciliation, did not hold.
    Failed,
    /// Everything held.
    Passed,
}

/// Every request: `offered = answered + failed + unsent`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Totals {
    /// Requests that became due.
    pub offered: u64,
    /// Answered as expected, to the last byte.
    pub answered: u64,
    /// Sent or tried, and not answered as expected.
    pub failed: u64,
    /// Due, and never sent.
    pub unsent: u64,
    /// Iterations that were completed; absent when the tool does not report them.
    pub iterations: Option<u64>,
    /// Connections opened; absent as above.
    pub connections: Option<u64>,
}

/// One step.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct StepResults {
    /// Of the scenario.
    pub scenario: String,
    /// Of the step.
    pub name: String,
    /// Answered as expected.
    pub answered: u64,
    /// Failed.
    pub failed: u64,
    /// From the moment it was due.
    pub latency: Option<LatencySummary>,
}

/// One check.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct CheckResults {
    /// Of the step.
    pub step: String,
    /// What it demands.
    pub name: String,
    /// Answers that fulfilled it.
    pub passed: u64,
    /// Answers that did not.
    pub failed: u64,
}

/// The run over time, in equal intervals.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Series {
    /// Length of an interval.
    pub interval_s: f64,
    /// One per interval, in order.
    pub points: Vec<Point>,
}

/// One interval. Percentiles are of the answers that ended in it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Point {
    /// Its end.
    pub at_s: f64,
    /// Requests that became due.
    pub offered: u64,
    /// Answered.
    pub answered: u64,
    /// Failed.
    pub failed: u64,
    /// Under way at its end; absent when the tool does not report them.
    pub in_flight: Option<u64>,
    /// Absent when nothing was answered.
    pub latency: Option<LatencySummary>,
    /// 99th percentile of the generator's lag, milliseconds; open model only.
    pub lag_p99_ms: Option<f64>,
}

/// A fault as it happened.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct FaultWindow {
    /// Of the fault in its plan.
    pub name: String,
    /// What it did, in words.
    pub effect: String,
    /// When it was to begin.
    pub planned_s: f64,
    /// When it began.
    pub from_s: f64,
    /// When it was undone; the end of the run if it was not.
    pub to_s: f64,
    /// Whether it was undone. A fault that is still in effect is never passed.
    pub undone: bool,
    /// Latency of the answers that ended in the window.
    pub latency: Option<LatencySummary>,
    /// Requests that failed in the window.
    pub failed: u64,
    /// Whether before and after can be compared: something was answered before the first fault of the run, and an interval
    /// ended after the undo.
    pub compared: bool,
    /// Seconds from the undo until an interval was as good as those before the first fault again; absent when none was, or
    /// when nobody can say.
    pub recovered_after_s: Option<f64>,
}

/// One threshold.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ThresholdResult {
    /// What is limited, as written: `p99`, `error-share`, `target:http_requests_in_flight`.
    pub name: String,
    /// The limit, with its direction and unit: `<= 500 ms`.
    pub limit: String,
    /// What was measured, with its unit; `not measured` when there was nothing.
    pub measured: String,
    /// Whether it held. What could not be measured did not hold.
    pub held: bool,
}

/// The target's own count.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Reconciled {
    /// What was asked: the ledger's path, the counter with its labels, or both.
    pub source: String,
    /// What both sides counted, in words.
    pub summary: String,
    /// Ids that were answered and not applied; the first ones.
    pub missing: Vec<String>,
    /// Ids that were applied more than once; the first ones.
    pub duplicate: Vec<String>,
    /// Whether both counts agree.
    pub agrees: bool,
}

// === impl Totals ===

impl Totals {
    /// Whether every request is accounted for.
    #[must_use]
    pub fn accounted(&self) -> bool {
        let ended = [self.answered, self.failed, self.unsent].map(u128::from);
        u128::from(self.offered) == ended.iter().sum()
    }
}
