//! What a run found.

use std::collections::BTreeMap;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::measure::audit::GeneratorAudit;
use crate::measure::failure::{Failure, FailureKind};
use crate::measure::histogram::Histogram;
use crate::measure::ids::PostedIds;
use crate::measure::series::{COUNT_MAX, TIME_MAX};
use crate::results::model::CheckResults;

/// What a run found.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub struct LoadReport {
    /// How requests were timed: `closed` or `open`.
    pub model: String,
    /// Requests that the plan asked for: the count of a counted run, the arrivals of an open one, else all that clients took on.
    pub offered: u64,
    /// Answered 2xx, to the last byte.
    pub answered: u64,
    /// Failed, by kind. Kinds that did not occur are absent.
    pub failed: BTreeMap<FailureKind, u64>,
    /// Asked for and never sent, because the run was stopped.
    pub unsent: u64,
    /// How often each status was seen, whole answers only.
    pub statuses: BTreeMap<u16, u64>,
    /// Connections opened.
    pub connections: u64,
    /// Time from the moment a request was due to the last byte of its answer, connecting included; 2xx answers only. In the
    /// closed model a request is due when its client is free: a stall delays those after it without showing in their latency.
    pub latency: Histogram,
    /// The same from the moment the request was begun: what an open model's target would look like to a tool that leaves out
    /// the wait for a free client.
    pub service: Histogram,
    /// How late the generator was with requests that nothing else held up; open model only.
    pub lag: Histogram,
    /// Whether the generator was the bottleneck.
    pub audit: GeneratorAudit,
    /// The ids of the POSTs.
    pub posted: PostedIds,
    /// Iterations in which every step was answered.
    pub iterations: u64,
    /// Step by step.
    pub steps: Vec<StepCounts>,
    /// Check by check.
    pub checks: Vec<CheckResults>,
    /// The first failures, in detail.
    pub failures: Vec<Failure>,
    /// From the start to the end of the last client.
    pub elapsed: Duration,
}

/// What became of the requests of one step.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct StepCounts {
    /// Of the scenario.
    pub scenario: String,
    /// Of the step.
    pub name: String,
    /// Answered as expected.
    pub answered: u64,
    /// Failed.
    pub failed: u64,
    /// Those of the failed ones that the target may have processed: a byte may have left, and the protocol does not promise
    /// that it was not.
    pub uncertain: u64,
    /// From the moment it was due.
    pub latency: Histogram,
}

/// The same in a form that can be printed and stored.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct LoadSummary {
    /// See [`LoadReport::model`].
    pub model: String,
    /// See [`LoadReport::offered`].
    pub offered: u64,
    /// See [`LoadReport::answered`].
    pub answered: u64,
    /// The sum of [`LoadReport::failed`].
    pub failed: u64,
    /// See [`LoadReport::unsent`].
    pub unsent: u64,
    /// See [`LoadReport::failed`].
    pub failed_by_kind: BTreeMap<FailureKind, u64>,
    /// See [`LoadReport::statuses`].
    pub statuses: BTreeMap<u16, u64>,
    /// See [`LoadReport::connections`].
    pub connections: u64,
    /// Ids of POSTs answered 2xx.
    pub ids_applied: u64,
    /// Ids of POSTs that were sent and failed.
    pub ids_unknown: u64,
    /// Seconds from the start to the end of the last client.
    pub elapsed_s: f64,
    /// Absent when nothing was answered.
    pub latency: Option<LatencySummary>,
    /// See [`LoadReport::service`].
    pub service: Option<LatencySummary>,
    /// See [`LoadReport::lag`].
    pub lag: Option<LatencySummary>,
    /// See [`LoadReport::audit`].
    pub audit: GeneratorAudit,
}

/// Latencies in milliseconds.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[expect(missing_docs, reason = "a percentile's name says all")]
pub struct LatencySummary {
    pub p50_ms: f64,
    pub p90_ms: f64,
    pub p95_ms: f64,
    pub p99_ms: f64,
    pub p999_ms: f64,
    pub longest_ms: f64,
}

// === impl LoadReport ===

impl LoadReport {
    /// All failures.
    #[must_use]
    pub fn failed_count(&self) -> u64 {
        self.failed.values().sum()
    }

    /// How often one kind occurred.
    #[must_use]
    pub fn failed_as(&self, kind: FailureKind) -> u64 {
        self.failed.get(&kind).copied().unwrap_or(0)
    }

    /// Whether every request is accounted for. The four figures are counted apart, so a bug of this crate shows here.
    #[must_use]
    pub fn accounted(&self) -> bool {
        self.offered == self.answered + self.failed_count() + self.unsent
    }

    /// Whether another process can have counted this, so that it can be added.
    pub(crate) fn addable(&self) -> bool {
        let plain = [self.offered, self.answered, self.unsent, self.connections, self.iterations];
        let kinds = self.failed.values().chain(self.statuses.values());
        let steps = self.steps.iter().flat_map(|step| [&step.answered, &step.failed, &step.uncertain]);
        let checks = self.checks.iter().flat_map(|check| [&check.passed, &check.failed]);
        let mut histograms = [&self.latency, &self.service, &self.lag]
            .into_iter()
            .chain(self.steps.iter().map(|step| &step.latency));
        plain.iter().chain(kinds).chain(steps).chain(checks).all(|count| *count <= COUNT_MAX)
            && histograms.all(Histogram::addable)
            && self.posted.fits(self.offered)
            && self.elapsed <= TIME_MAX
    }

    /// Adds what another generator counted in the same run.
    pub fn merge(&mut self, other: Self) {
        self.offered += other.offered;
        self.answered += other.answered;
        add_up(&mut self.failed, other.failed);
        self.unsent += other.unsent;
        add_up(&mut self.statuses, other.statuses);
        self.connections += other.connections;
        self.latency.merge(&other.latency);
        self.service.merge(&other.service);
        self.lag.merge(&other.lag);
        self.audit.merge(other.audit);
        self.posted.merge(other.posted);
        self.iterations += other.iterations;
        for (mine, theirs) in self.steps.iter_mut().zip(other.steps) {
            mine.answered += theirs.answered;
            mine.failed += theirs.failed;
            mine.uncertain += theirs.uncertain;
            mine.latency.merge(&theirs.latency);
        }
        for (mine, theirs) in self.checks.iter_mut().zip(other.checks) {
            mine.passed += theirs.passed;
            mine.failed += theirs.failed;
        }
        self.failures.extend(other.failures);
        self.elapsed = self.elapsed.max(other.elapsed);
    }

    /// The figures, without ids and failures.
    #[must_use]
    pub fn summary(&self) -> LoadSummary {
        LoadSummary {
            model: self.model.clone(),
            offered: self.offered,
            answered: self.answered,
            failed: self.failed_count(),
            unsent: self.unsent,
            failed_by_kind: self.failed.clone(),
            statuses: self.statuses.clone(),
            connections: self.connections,
            ids_applied: self.posted.applied_count(),
            ids_unknown: self.posted.unknown_count(),
            elapsed_s: self.elapsed.as_secs_f64(),
            latency: LatencySummary::of(&self.latency),
            service: LatencySummary::of(&self.service),
            lag: LatencySummary::of(&self.lag),
            audit: self.audit.clone(),
        }
    }
}

// === impl LatencySummary ===

impl LatencySummary {
    /// None when nothing was recorded.
    #[must_use]
    pub fn of(latency: &Histogram) -> Option<Self> {
        let quantile_ms = |share| latency.quantile(share).map(milliseconds);
        Some(Self {
            p50_ms: quantile_ms(0.5)?,
            p90_ms: quantile_ms(0.9)?,
            p95_ms: quantile_ms(0.95)?,
            p99_ms: quantile_ms(0.99)?,
            p999_ms: quantile_ms(0.999)?,
            longest_ms: latency.longest().map(milliseconds)?,
        })
    }

    /// The larger of two, percentile by percentile.
    pub(crate) fn worse(&self, other: &Self) -> Self {
        Self {
            p50_ms: self.p50_ms.max(other.p50_ms),
            p90_ms: self.p90_ms.max(other.p90_ms),
            p95_ms: self.p95_ms.max(other.p95_ms),
            p99_ms: self.p99_ms.max(other.p99_ms),
            p999_ms: self.p999_ms.max(other.p999_ms),
            longest_ms: self.longest_ms.max(other.longest_ms),
        }
    }
}

fn add_up<K: Ord>(mine: &mut BTreeMap<K, u64>, theirs: BTreeMap<K, u64>) {
    for (key, count) in theirs {
        *mine.entry(key).or_default() += count;
    }
}

fn milliseconds(latency: Duration) -> f64 {
    latency.as_secs_f64() * 1000.0
}
