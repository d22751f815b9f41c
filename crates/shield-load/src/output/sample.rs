//! Results of a run that never was: a target that stands still for 1 s in every 10 s, and a fault in the middle.

use std::collections::BTreeMap;

use shield_types::Timestamp;

use crate::measure::audit::GeneratorAudit;
use crate::measure::report::LatencySummary;
use crate::results::model::{
    CheckResults, FaultWindow, Point, RESULTS_FORMAT, Reconciled, RunResults, Series, StepResults,
    ThresholdResult, Totals, Verdict,
};

/// What an attacker would call a step.
pub(crate) const HOSTILE: &str = "</script><img src=x onerror=\"alert('x')\"> & \x1b[31m\0\u{202e}\n]]>";

/// 60 s at 200 requests per second; failed.
pub(crate) fn results() -> RunResults {
    let series = Series { interval_s: 1.0, points: (0..60).map(point).collect() };
    let sum = |of: fn(&Point) -> u64| series.points.iter().map(of).sum::<u64>();
    let (offered, answered, failed) =
        (sum(|point| point.offered), sum(|point| point.answered), sum(|point| point.failed));
    let totals = Totals {
        offered,
        answered,
        failed,
        unsent: offered - answered - failed,
        iterations: Some(3_871),
        connections: Some(214),
    };
    RunResults {
        format: RESULTS_FORMAT,
        tool: "shield 0.1.0".to_owned(),
        name: "checkout".to_owned(),
        target: "https://127.0.0.1:8443".to_owned(),
        model: "open: 200 requests per second for 60 s, evenly spaced".to_owned(),
        seed: Some(7),
        started_at: Timestamp(1_790_000_000_000),
        elapsed_s: 60.4,
        verdict: Verdict::Failed,
        reasons: vec![
            "p99 was 941 ms: the threshold is `<= 500 ms`".to_owned(),
            "1.80 % of the requests failed: the threshold is `<= 1 %`".to_owned(),
        ],
        warnings: vec![
            "the target reports its counters without resets: a restart in between would not show".to_owned(),
        ],
        totals,
        failed_by_kind: BTreeMap::from([
            ("reset".to_owned(), 24),
            ("status-server-error".to_owned(), totals.failed - 24),
        ]),
        statuses: BTreeMap::from([(200, totals.answered), (503, totals.failed - 24)]),
        latency: Some(summary([0.342, 88.1, 512.0, 941.0, 1_002.0, 1_049.3])),
        service: Some(summary([0.301, 0.62, 1.4, 61.3, 998.0, 1_012.0])),
        lag: Some(summary([0.021, 0.06, 0.084, 0.31, 1.2, 2.4])),
        steps: vec![step("log-in", 0.9), step("search", 0.3), step("pay", 1.8)],
        checks: vec![
            check("search", "`/items/0` is there", 0),
            check("pay", "header `idempotency-key` is there", 12),
        ],
        series,
        faults: faults(),
        thresholds: vec![
            threshold("p99", "<= 500 ms", "941 ms", false),
            threshold("error-share", "<= 1 %", "1.80 %", false),
            threshold("rate", ">= 180 /s", "196 /s", true),
            threshold("target:http_requests_in_flight", "<= 400", "212", true),
        ],
        audit: Some(GeneratorAudit { cpu_s: 4.21, cpu_share: 0.035, invalid: Vec::new() }),
        reconciled: Some(Reconciled {
            source: "http://127.0.0.1:9000/ledger".to_owned(),
            summary: "3,871 ids answered, 3,870 applied once, 1 missing".to_owned(),
            missing: vec!["load-0-1731".to_owned()],
            duplicate: Vec::new(),
            agrees: false,
        }),
        failures: vec![
            "31.2 s search load-3-811: reset after 12 ms".to_owned(),
            "33.0 s pay load-0-902: status 503, `upstream is gone`".to_owned(),
        ],
    }
}

/// The same run on a generator that was starved.
pub(crate) fn invalid_results() -> RunResults {
    let why = "the generator used 97 % of its processors; above 90 % it cannot keep its own time".to_owned();
    let audit = GeneratorAudit { cpu_s: 116.0, cpu_share: 0.97, invalid: vec![why.clone()] };
    RunResults { verdict: Verdict::Invalid, reasons: vec![why], audit: Some(audit), ..results() }
}

/// A run in which everything held.
pub(crate) fn passed_results() -> RunResults {
    let failed = results();
    RunResults {
        verdict: Verdict::Passed,
        reasons: Vec::new(),
        warnings: Vec::new(),
        totals: Totals {
            offered: 12_000,
            answered: 12_000,
            failed: 0,
            unsent: 0,
            iterations: Some(4_000),
            connections: Some(10),
        },
        failed_by_kind: BTreeMap::new(),
        thresholds: vec![threshold("p99", "<= 500 ms", "1.40 ms", true)],
        checks: vec![check("pay", "header `idempotency-key` is there", 0)],
        faults: Vec::new(),
        reconciled: None,
        failures: Vec::new(),
        steps: failed.steps.into_iter().map(|step| StepResults { failed: 0, ..step }).collect(),
        series: Series {
            points: failed.series.points.into_iter().map(|point| Point { failed: 0, ..point }).collect(),
            ..failed.series
        },
        ..results()
    }
}

/// A run of so many intervals.
pub(crate) fn long_results(intervals: u32) -> RunResults {
    let series = Series { interval_s: 1.0, points: (0..intervals).map(point).collect() };
    RunResults { series, elapsed_s: f64::from(intervals), ..results() }
}

/// A run in which every text is hostile.
pub(crate) fn hostile_results() -> RunResults {
    let bad = || HOSTILE.to_owned();
    let ids = || vec![bad()];
    let mut results = results();
    (results.tool, results.name, results.target, results.model) = (bad(), bad(), bad(), bad());
    (results.reasons, results.warnings, results.failures) = (ids(), ids(), ids());
    results.failed_by_kind = BTreeMap::from([(bad(), results.totals.failed)]);
    results.steps = vec![StepResults { scenario: bad(), name: bad(), ..step("", 1.0) }];
    results.checks = vec![CheckResults { step: bad(), name: bad(), passed: 1, failed: 1 }; 2];
    results.thresholds = vec![ThresholdResult { name: bad(), limit: bad(), measured: bad(), held: false }; 2];
    results.faults = vec![FaultWindow { name: bad(), effect: bad(), ..faults()[0].clone() }];
    results.audit = Some(GeneratorAudit { cpu_s: 1.0, cpu_share: 1.0, invalid: ids() });
    results.verdict = Verdict::Invalid;
    results.reconciled =
        Some(Reconciled { source: bad(), summary: bad(), missing: ids(), duplicate: ids(), agrees: false });
    results
}

pub(crate) fn summary(values_ms: [f64; 6]) -> LatencySummary {
    let [p50_ms, p90_ms, p95_ms, p99_ms, p999_ms, longest_ms] = values_ms;
    LatencySummary { p50_ms, p90_ms, p95_ms, p99_ms, p999_ms, longest_ms }
}

fn point(index: u32) -> Point {
    let noise = f64::from(index * 7919 % 97) / 97.0;
    let (at_s, stalled, faulty) = (f64::from(index + 1), index % 10 == 4, (30..41).contains(&(index % 1000)));
    let failed = if faulty { 20 + u64::from(index % 5) } else { 0 };
    let unsent = u64::from(index == 59) * 4;
    let base = if faulty { 200.0 } else { 0.3 } * (1.0 + 0.4 * noise);
    let latency = match (stalled, index % 10) {
        (true, _) => None,
        (_, 5) => Some(summary([base, 880.0 + 20.0 * noise, 941.0, 989.0, 1_000.0, 1_040.0 + 9.0 * noise])),
        _ => {
            Some(summary([base, base * 1.3, base * 1.5, base * 3.0, base * 4.0, base * (5.0 + 6.0 * noise)]))
        }
    };
    let answered = if stalled { 0 } else { 200 - failed - unsent + u64::from(index % 10 == 5) * 200 };
    Point {
        at_s,
        offered: 200,
        answered,
        failed: if stalled { 0 } else { failed },
        in_flight: Some(if stalled { 200 } else { 1 + u64::from(index % 3) }),
        latency,
        lag_p99_ms: Some(0.1 + 0.4 * noise),
    }
}

fn step(name: &str, base_ms: f64) -> StepResults {
    StepResults {
        scenario: "buyer".to_owned(),
        name: name.to_owned(),
        answered: 3_900,
        failed: 72,
        latency: Some(summary([base_ms, base_ms * 2.0, base_ms * 300.0, 941.0, 1_002.0, 1_049.3])),
    }
}

fn check(step: &str, name: &str, failed: u64) -> CheckResults {
    CheckResults { step: step.to_owned(), name: name.to_owned(), passed: 3_900 - failed, failed }
}

fn threshold(name: &str, limit: &str, measured: &str, held: bool) -> ThresholdResult {
    ThresholdResult { name: name.to_owned(), limit: limit.to_owned(), measured: measured.to_owned(), held }
}

fn faults() -> Vec<FaultWindow> {
    let window = FaultWindow {
        name: "slow-network".to_owned(),
        effect: "latency +200 ms, jitter 50 ms".to_owned(),
        planned_s: 30.0,
        from_s: 30.04,
        undone: true,
        to_s: 40.1,
        latency: Some(summary([241.0, 311.0, 360.0, 941.0, 989.0, 1_040.0])),
        failed: 216,
        compared: true,
        recovered_after_s: Some(1.9),
    };
    let kill = FaultWindow {
        name: "instance-kill".to_owned(),
        effect: "SIGKILL to one of two instances".to_owned(),
        planned_s: 36.0,
        from_s: 36.09,
        undone: true,
        to_s: 38.0,
        failed: 24,
        recovered_after_s: None,
        ..window.clone()
    };
    vec![window, kill]
}
