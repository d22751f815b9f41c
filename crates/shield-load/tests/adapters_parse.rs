//! Outputs of k6 1.1.0, Artillery 2.0.34 and Locust 2.47.0, recorded from runs against a server with four paths: `/` and
//! `/slow` answer 200, `/broken` 500, `/gone` closes the connection.
#![expect(clippy::unwrap_used, reason = "a panic is a test's failure")]

use std::collections::BTreeMap;
use std::time::Duration;

use shield_load::{
    ArtilleryOutputs, EnsureLine, K6Outputs, K6Samples, LocustOutputs, ParseForeignError, Point, RunResults,
    StepResults, ToolContext, Totals, Verdict, artillery_results, k6_results, locust_results,
};
use shield_types::Timestamp;

const K6_SUMMARY: &str = include_str!("fixtures/adapters/k6/summary.json");
const K6_OPTIONS: &str = include_str!("fixtures/adapters/k6/options.json");
const K6_SAMPLES: &str = include_str!("fixtures/adapters/k6/samples.csv");
const ARTILLERY_REPORT: &str = include_str!("fixtures/adapters/artillery/report.json");
const ARTILLERY_SCRIPT: &str = include_str!("fixtures/adapters/artillery/script.yml");
const LOCUST: LocustOutputs<'_> = LocustOutputs {
    statistics: include_str!("fixtures/adapters/locust/statistics.json"),
    history: include_str!("fixtures/adapters/locust/stats_history.csv"),
    failures: include_str!("fixtures/adapters/locust/failures.csv"),
    exceptions: include_str!("fixtures/adapters/locust/exceptions.csv"),
};

fn context(exit_code: i32) -> ToolContext {
    ToolContext {
        name: "visit".to_owned(),
        target: None,
        version: "1.2.3".to_owned(),
        started_at: Timestamp(1),
        elapsed: Duration::from_secs(3),
        exit_code,
    }
}

fn k6(exit_code: i32, summary: &str) -> Result<RunResults, ParseForeignError> {
    let samples = K6Samples::read(K6_SAMPLES.as_bytes())?;
    k6_results(&context(exit_code), K6Outputs { summary, options: K6_OPTIONS, samples })
}

fn artillery(exit_code: i32, script: &str) -> RunResults {
    let console =
        ["ok: http.response_time.p95 < 500", "fail: http.codes.500 == 0", "fail: http.response_time.p99 < 1"];
    let ensured: Vec<_> = console.iter().filter_map(|line| EnsureLine::parse(line)).collect();
    let outputs = ArtilleryOutputs { report: ARTILLERY_REPORT, ensured: &ensured, script };
    artillery_results(&context(exit_code), &outputs).unwrap()
}

/// Totals are the sums of everything that adds up to them.
fn assert_adds_up(results: &RunResults) {
    let Totals { offered, answered, failed, unsent, .. } = results.totals;
    assert_eq!(offered, answered + failed + unsent);
    let by_kind: u64 = results.failed_by_kind.values().sum();
    assert_eq!(failed, by_kind, "{:?}", results.failed_by_kind);
    let points = &results.series.points;
    let sum = |of: fn(&Point) -> u64| points.iter().map(of).sum::<u64>();
    let over_time = (sum(|point| point.offered), sum(|point| point.answered), sum(|point| point.failed));
    assert_eq!((offered, answered, failed), over_time, "{points:?}");
    let sum = |of: fn(&StepResults) -> u64| results.steps.iter().map(of).sum::<u64>();
    assert_eq!((answered, failed), (sum(|step| step.answered), sum(|step| step.failed)));
    let text = serde_json::to_string(results).unwrap();
    assert_eq!(&serde_json::from_str::<RunResults>(&text).unwrap(), results, "it can be stored");
}

fn warned(results: &RunResults, text: &str) -> bool {
    results.warnings.iter().any(|warning| warning.contains(text))
}

#[test]
fn k6_counts_every_request() {
    let results = k6(99, K6_SUMMARY).unwrap();
    assert_adds_up(&results);
    let expected = Totals {
        offered: 182,
        answered: 68,
        failed: 68,
        unsent: 46,
        iterations: Some(34),
        connections: Some(34),
    };
    assert_eq!(results.totals, expected);
    assert_eq!(results.statuses, BTreeMap::from([(200, 68), (500, 34)]));
    let kinds = BTreeMap::from([("k6-error-1000".to_owned(), 34), ("status-server-error".to_owned(), 34)]);
    assert_eq!(results.failed_by_kind, kinds);
    assert_eq!((results.tool.as_str(), results.latency), ("k6 1.2.3", None));
    assert!(
        results.service.unwrap().p50_ms > 0.0 && results.model.starts_with("open: constant-arrival-rate")
    );
    assert_eq!(results.steps.len(), 4);
    assert_eq!((results.checks[0].passed, results.checks[0].failed), (34, 34));
}

#[test]
fn k6_thresholds_decide() {
    let results = k6(99, K6_SUMMARY).unwrap();
    let held = |name: &str, limit: &str| {
        let found =
            results.thresholds.iter().find(|threshold| threshold.name == name && threshold.limit == limit);
        found.unwrap().held
    };
    assert!(held("http_req_duration", "p(95)<500"));
    assert!(!held("http_req_duration", "p(99)<1") && !held("http_req_failed", "rate<0.01"));
    assert!(!held("http_req_duration{name:slow}", "max<1"));
    let rate = results.thresholds.iter().find(|threshold| threshold.name == "http_req_failed").unwrap();
    assert_eq!(rate.measured, "rate = 0.5");
    assert_eq!(results.verdict, Verdict::Failed);
    assert_eq!(k6(0, K6_SUMMARY).unwrap().verdict, Verdict::Passed);
    assert_eq!(k6(108, K6_SUMMARY).unwrap().verdict, Verdict::Aborted);
}

#[test]
fn k6_is_invalid_when_its_counts_disagree() {
    let lines: Vec<_> = K6_SAMPLES.lines().collect();
    let half = lines[..lines.len() / 2].join("\n");
    let samples = K6Samples::read(half.as_bytes()).unwrap();
    let outputs = K6Outputs { summary: K6_SUMMARY, options: K6_OPTIONS, samples };
    let results = k6_results(&context(0), outputs).unwrap();
    assert_eq!(results.verdict, Verdict::Invalid);
    assert!(
        results.reasons.iter().any(|reason| reason.contains("k6 counted 136 requests")),
        "{:?}",
        results.reasons
    );
}

#[test]
fn k6_warnings_follow_the_executor() {
    let open = k6(0, K6_SUMMARY).unwrap();
    assert!(warned(&open, "k6 dropped 46 iterations") && warned(&open, "sends a GET once more"), "{open:?}");
    assert!(!warned(&open, "is a closed model"));
    let closed = |options: &str| {
        let samples = K6Samples::read(K6_SAMPLES.as_bytes()).unwrap();
        k6_results(&context(0), K6Outputs { summary: K6_SUMMARY, options, samples }).unwrap()
    };
    assert!(warned(&closed(r#"{"vus": 3, "scenarios": null}"#), "is a closed model"));
    let mixed =
        r#"{"scenarios": {"a": {"executor": "ramping-vus"}, "b": {"executor": "ramping-arrival-rate"}}}"#;
    let mixed = closed(mixed);
    assert!(warned(&mixed, "ramping-vus of k6 is a closed model") && mixed.model.starts_with("mixed:"));
}

#[test]
fn artillery_counts_every_request() {
    let results = artillery(1, ARTILLERY_SCRIPT);
    assert_adds_up(&results);
    let expected = Totals {
        offered: 231,
        answered: 114,
        failed: 114,
        unsent: 3,
        iterations: Some(0),
        connections: None,
    };
    assert_eq!(results.totals, expected);
    assert_eq!(results.statuses, BTreeMap::from([(200, 114), (500, 57)]));
    let kinds = BTreeMap::from([("ECONNRESET".to_owned(), 57), ("status-server-error".to_owned(), 57)]);
    assert_eq!(results.failed_by_kind, kinds);
    assert_eq!(results.series.interval_s, 10.0);
    assert_eq!((results.series.points.len(), results.series.points[1].in_flight), (2, Some(0)));
    let check = &results.checks[0];
    assert_eq!((check.name.as_str(), check.passed, check.failed), ("statusCode", 57, 57));
}

#[test]
fn artillery_ensure_decides() {
    let results = artillery(1, ARTILLERY_SCRIPT);
    assert_eq!(results.verdict, Verdict::Failed);
    let told: Vec<_> =
        results.thresholds.iter().map(|one| (one.name.as_str(), one.limit.as_str(), one.held)).collect();
    let expected = [
        ("http.response_time.p95", "< 500", true),
        ("http.codes.500", "== 0", false),
        ("http.response_time.p99", "< 1", false),
    ];
    assert_eq!(told, expected);
    assert_eq!(results.thresholds[1].measured, "57");
    assert_eq!(artillery(0, ARTILLERY_SCRIPT).verdict, Verdict::Passed);
}

#[test]
fn artillery_pool_is_warned_of_only_when_set() {
    let pooled = artillery(0, ARTILLERY_SCRIPT);
    assert!(warned(&pooled, "-88 %") && !warned(&pooled, "+27 %"));
    let unpooled = artillery(0, "config:\n  target: http://127.0.0.1\n");
    assert!(!warned(&unpooled, "-88 %") && warned(&unpooled, "+27 %"));
}

#[test]
fn locust_counts_what_its_csv_files_miss() {
    let results = locust_results(&context(1), &LOCUST).unwrap();
    assert_adds_up(&results);
    let expected = Totals { offered: 300, answered: 150, failed: 150, ..Totals::default() };
    assert_eq!(results.totals, expected);
    // What Locust does not count is absent, and no zero.
    let document = serde_json::to_value(&results).unwrap();
    assert!(document["totals"]["connections"].is_null() && document["totals"]["iterations"].is_null());
    assert!(document["series"]["points"][0]["in_flight"].is_null() && document["seed"].is_null());
    let kinds = [("HTTPError", 72), ("RemoteDisconnected", 71), ("unlisted", 7)];
    assert_eq!(results.failed_by_kind, kinds.map(|(kind, times)| (kind.to_owned(), times)).into());
    assert_eq!(results.verdict, Verdict::Failed);
    assert!(
        warned(&results, "-86 %") && warned(&results, "two digits") && warned(&results, "failed requests")
    );
    assert!(results.series.points.iter().filter(|point| point.latency.is_some()).count() >= 2);
    assert!(results.failures[0].contains("500 Server Error"), "{:?}", results.failures);
}

#[test]
fn locust_percentiles_are_of_all_requests() {
    let service = locust_results(&context(1), &LOCUST).unwrap().service.unwrap();
    let steps: Vec<serde_json::Value> = serde_json::from_str(LOCUST.statistics).unwrap();
    let mut times: Vec<f64> = Vec::new();
    for step in &steps {
        for (time, count) in step["response_times"].as_object().unwrap() {
            let count = usize::try_from(count.as_u64().unwrap()).unwrap();
            times.extend(std::iter::repeat_n(time.parse::<f64>().unwrap(), count));
        }
    }
    times.sort_unstable_by(f64::total_cmp);
    assert_eq!((service.p50_ms, service.p99_ms), (times[149], times[296]));
}

#[test]
fn nothing_answered_is_unreachable() {
    let empty = r#"{"aggregate": {"counters": {"http.requests": 5, "errors.ECONNREFUSED": 5}, "summaries": {}},
        "intermediate": []}"#;
    let outputs = ArtilleryOutputs { report: empty, ensured: &[], script: "" };
    let results = artillery_results(&context(0), &outputs).unwrap();
    assert_eq!((results.verdict, results.totals.failed, results.service), (Verdict::Unreachable, 5, None));
    assert_eq!(results.failed_by_kind, BTreeMap::from([("ECONNREFUSED".to_owned(), 5)]));
}

#[test]
fn cut_off_outputs_are_errors() {
    let cut = |text: &'static str| &text[..text.len() / 2];
    let told = |result: Result<RunResults, ParseForeignError>| result.unwrap_err().to_string();
    assert!(told(k6(0, cut(K6_SUMMARY))).starts_with("parse the summary of k6"));
    let outputs = ArtilleryOutputs { report: cut(ARTILLERY_REPORT), ensured: &[], script: "" };
    assert!(told(artillery_results(&context(0), &outputs)).starts_with("parse the report of Artillery"));
    let statistics = cut(LOCUST.statistics);
    let result = locust_results(&context(0), &LocustOutputs { statistics, ..LOCUST });
    assert!(told(result).starts_with("parse the statistics of Locust"));
    let history = &LOCUST.history[..LOCUST.history.rfind(',').unwrap()];
    let result = locust_results(&context(0), &LocustOutputs { history, ..LOCUST });
    assert!(told(result).starts_with("parse the history of Locust"));
    let samples = &K6_SAMPLES[..K6_SAMPLES.len() - 9];
    assert!(
        K6Samples::read(samples.as_bytes()).unwrap_err().to_string().starts_with("parse the samples of k6")
    );
}

#[test]
fn foreign_versions_are_errors() {
    let told = |result: Result<RunResults, ParseForeignError>| result.unwrap_err().to_string();
    // Artillery 1 had no counters.
    let first = r#"{"aggregate": {"requestsCompleted": 5, "codes": {"200": 5}}, "intermediate": []}"#;
    let outputs = ArtilleryOutputs { report: first, ensured: &[], script: "" };
    assert!(told(artillery_results(&context(0), &outputs)).starts_with("parse the report of Artillery"));
    // What `handleSummary` gets, instead of what `--summary-export` writes.
    assert!(told(k6(0, r#"{"metrics": {}, "state": {}}"#)).starts_with("parse the summary of k6"));
    let unnamed = K6Samples::read("time,value\n1,2\n".as_bytes()).unwrap_err().to_string();
    assert!(unnamed.starts_with("find column `metric_name` in the samples of k6"), "{unnamed}");
    let seconds = "metric_name,timestamp,metric_value\nhttp_reqs,1.5,1\n";
    let seconds = K6Samples::read(seconds.as_bytes()).unwrap_err().to_string();
    assert_eq!(seconds, "read `1.5` in column `timestamp` of the samples of k6 as a number");
    // Locust before 1.0 called them otherwise.
    let failures = "Method,Name,Error,Count\n";
    let result = locust_results(&context(0), &LocustOutputs { failures, ..LOCUST });
    assert!(told(result).starts_with("find column `Occurrences` in the failures of Locust"));
}
