//! Limits at their value and beyond, on results and on scrapes that are made up.

use std::time::Duration;

use shield_types::Timestamp;

use super::{Limit, Moment, Percentile, TargetLimit, Thresholds, Times};
use crate::measure::histogram::Histogram;
use crate::measure::report::LatencySummary;
use crate::results::model::{
    CheckResults, RESULTS_FORMAT, RunResults, Series, ThresholdResult, Totals, Verdict,
};
use crate::results::prometheus::Exposition;

fn results() -> RunResults {
    let latency = |p99_ms| LatencySummary {
        p50_ms: 1.0,
        p90_ms: 2.0,
        p95_ms: 3.0,
        p99_ms,
        p999_ms: 900.0,
        longest_ms: 1_000.5,
    };
    let check = |passed, failed| CheckResults { step: "s".into(), name: "c".into(), passed, failed };
    RunResults {
        format: RESULTS_FORMAT,
        tool: "shield".into(),
        name: "n".into(),
        target: "http://localhost".into(),
        model: "open".into(),
        seed: Some(1),
        started_at: Timestamp(0),
        elapsed_s: 10.0,
        verdict: Verdict::Passed,
        reasons: Vec::new(),
        warnings: Vec::new(),
        totals: Totals { offered: 1_100, answered: 990, failed: 10, unsent: 100, ..Totals::default() },
        failed_by_kind: Default::default(),
        statuses: Default::default(),
        latency: Some(latency(500.0)),
        service: Some(latency(4.0)),
        lag: None,
        steps: Vec::new(),
        checks: vec![check(95, 5), check(100, 0)],
        series: Series::default(),
        faults: Vec::new(),
        thresholds: Vec::new(),
        audit: None,
        reconciled: None,
        failures: Vec::new(),
    }
}

fn evaluate(limit: Limit, results: &RunResults) -> ThresholdResult {
    let mut answers = Histogram::default();
    (0..results.totals.answered).for_each(|_| answers.record(Duration::from_millis(1)));
    judged(limit, results, &answers)
}

fn judged(limit: Limit, results: &RunResults, answers: &Histogram) -> ThresholdResult {
    let thresholds = Thresholds { limits: vec![limit], target: Vec::new() };
    let times = Times { latency: answers, service: answers };
    thresholds.evaluate(results, times, &thresholds.watch()).remove(0)
}

const fn ratio(percent: u32) -> shield_types::settings::Ratio {
    shield_types::settings::Ratio::from_millionths(percent * 10_000)
}

#[test]
fn limits_hold_at_their_value_and_not_beyond() {
    let told = |limit| {
        let failed = if matches!(limit, Limit::ErrorShare { .. }) { 10 } else { 0 };
        let all_sent = Totals { answered: 990, offered: 990 + failed, failed, ..Totals::default() };
        let results = RunResults { totals: all_sent, ..results() };
        let ThresholdResult { name, limit, measured, held } = evaluate(limit, &results);
        format!("{name} {limit}: {measured}, {held}")
    };
    let (percentile, at_most) = (Percentile::P99, Duration::from_millis(500));
    assert_eq!(told(Limit::Latency { percentile, at_most }), "p99 <= 500 ms: 500.000 ms, true");
    let at_most = Duration::from_micros(499_999);
    assert_eq!(told(Limit::Latency { percentile, at_most }), "p99 <= 499.999 ms: 500.000 ms, false");
    let at_most = Duration::from_millis(4);
    assert_eq!(told(Limit::Service { percentile, at_most }), "service_p99 <= 4 ms: 4.000 ms, true");
    assert_eq!(told(Limit::ErrorShare { at_most: ratio(1) }), "error_share <= 1%: 1.0000%, true");
    assert_eq!(told(Limit::ErrorShare { at_most: ratio(0) }), "error_share <= 0%: 1.0000%, false");
    assert_eq!(told(Limit::Rate { at_least: 99.0 }), "rate >= 99/s: 99.0/s, true");
    assert_eq!(told(Limit::Rate { at_least: 99.01 }), "rate >= 99.01/s: 99.0/s, false");
    assert_eq!(told(Limit::CheckShare { at_least: ratio(97) }), "check_share >= 97%: 97.5000%, true");
    assert_eq!(told(Limit::CheckShare { at_least: ratio(98) }), "check_share >= 98%: 97.5000%, false");
}

#[test]
fn latency_limits_count_what_was_not_answered() {
    // A tenth of the requests has no answer.
    let at_most = Duration::from_secs(600);
    let told = |percentile| evaluate(Limit::Latency { percentile, at_most }, &results());
    assert!(told(Percentile::P90).held && !told(Percentile::P95).held);
    assert_eq!(told(Percentile::P99).measured, "no answer to 10.0000% of the requests");
}

#[test]
fn percentiles_are_of_all_that_were_due() {
    let totals = Totals { offered: 1_000, answered: 991, failed: 9, ..Totals::default() };
    let results = RunResults { totals, ..results() };
    let mut answers = Histogram::default();
    (0..982).for_each(|_| answers.record(Duration::from_millis(1)));
    (0..9).for_each(|_| answers.record(Duration::from_millis(400)));
    let told = |percentile, at_most_ms| {
        let limit = Limit::Latency { percentile, at_most: Duration::from_millis(at_most_ms) };
        judged(limit, &results, &answers)
    };
    // Of a thousand, 18 took 400 ms or for ever; of the answers, one in a hundred was quicker than that.
    assert!(!told(Percentile::P99, 100).held, "{:?}", told(Percentile::P99, 100));
    assert!(told(Percentile::P99, 401).held && told(Percentile::P95, 2).held);
    assert!(!told(Percentile::P999, 600_000).held && !told(Percentile::Longest, 600_000).held);
}

#[test]
fn requests_that_were_never_sent_are_errors() {
    let totals = Totals { offered: 1_000, answered: 900, failed: 0, unsent: 100, ..Totals::default() };
    let told = evaluate(Limit::ErrorShare { at_most: ratio(1) }, &RunResults { totals, ..results() });
    assert!(!told.held && told.measured == "10.0000%", "{told:?}");
}

#[test]
fn a_counter_that_appears_began_at_nothing() {
    let limit = |at_most| TargetLimit {
        metric: "m".into(),
        labels: [].into(),
        at: Moment::Increase,
        at_least: None,
        at_most: Some(at_most),
    };
    let told = |pages: &[Option<&str>]| {
        let thresholds = Thresholds { limits: Vec::new(), target: vec![limit(5.0)] };
        let mut watch = thresholds.watch();
        for page in pages {
            match page {
                Some(page) => watch.scraped(&Exposition::parse(page).unwrap()),
                None => watch.missed(),
            }
        }
        let none = Histogram::default();
        let times = Times { latency: &none, service: &none };
        let result = thresholds.evaluate(&results(), times, &watch).remove(0);
        (result.measured, result.held)
    };
    let appeared = told(&[Some("other 1\n"), Some("m 46\n"), Some("m 48\n")]);
    assert_eq!(appeared, ("48 (1 of 3 scrapes did not tell)".to_owned(), false));
    // What it was before the first page, nobody knows; and a name that never appears is nobody's.
    for pages in [&[None, Some("m 46\n"), Some("m 48\n")][..], &[Some("other 1\n"), Some("other 1\n")]] {
        assert_eq!(told(pages), ("not measured".to_owned(), false), "{pages:?}");
    }
}

#[test]
fn every_percentile_has_its_figure() {
    let summary = results().latency.unwrap();
    let figures = Percentile::ALL.map(|percentile| percentile.of(&summary));
    assert_eq!(figures, [1.0, 2.0, 3.0, 500.0, 900.0, 1_000.5]);
}

#[test]
fn nothing_measured_does_not_hold() {
    let empty = RunResults {
        elapsed_s: 0.0,
        totals: Totals::default(),
        latency: None,
        service: None,
        checks: Vec::new(),
        ..results()
    };
    let (percentile, at_most) = (Percentile::P50, Duration::from_secs(600));
    for limit in [
        Limit::Latency { percentile, at_most },
        Limit::Service { percentile, at_most },
        Limit::ErrorShare { at_most: ratio(100) },
        Limit::Rate { at_least: 0.0 },
        Limit::CheckShare { at_least: ratio(0) },
    ] {
        let result = evaluate(limit, &empty);
        assert!(!result.held && result.measured == "not measured", "{result:?}");
    }
}

/// What is told of `limit` on `m` after these scrapes; a scrape without a value failed.
fn watched(at: Moment, at_most: f64, scrapes: &[Option<f64>]) -> (String, bool) {
    let limit =
        TargetLimit { metric: "m".into(), labels: [].into(), at, at_least: None, at_most: Some(at_most) };
    let thresholds = Thresholds { limits: Vec::new(), target: vec![limit] };
    let mut watch = thresholds.watch();
    for scrape in scrapes {
        match scrape {
            Some(value) => watch.scraped(&Exposition::parse(&format!("m {value}\nother 1\n")).unwrap()),
            None => watch.missed(),
        }
    }
    let none = Histogram::default();
    let times = Times { latency: &none, service: &none };
    let result = thresholds.evaluate(&results(), times, &watch).remove(0);
    (result.measured, result.held)
}

#[test]
fn target_metrics_are_followed() {
    let course = [Some(5.0), Some(9.0), Some(2.0), Some(3.0)];
    assert_eq!(watched(Moment::Max, 9.0, &course), ("9".to_owned(), true));
    assert_eq!(watched(Moment::Max, 8.9, &course), ("9".to_owned(), false));
    assert_eq!(watched(Moment::End, 3.0, &course), ("3".to_owned(), true));
    // From 5 to 9, a new beginning that reached 2, and on to 3.
    assert_eq!(watched(Moment::Increase, 7.0, &course), ("7".to_owned(), true));
}

#[test]
fn missed_scrapes_are_told() {
    let (measured, held) = watched(Moment::Max, 9.0, &[Some(5.0), None, Some(f64::NAN)]);
    assert!(held && measured == "5 (2 of 3 scrapes did not tell)", "{measured}");
    for (at, scrapes) in [
        (Moment::Max, &[][..]),
        (Moment::Max, &[None, Some(f64::NAN)]),
        (Moment::End, &[Some(1.0), None]),
        (Moment::Increase, &[Some(1.0)]),
        (Moment::Increase, &[Some(1.0), Some(2.0), None]),
    ] {
        assert_eq!(watched(at, 9.0, scrapes), ("not measured".to_owned(), false), "{scrapes:?}");
    }
}

#[test]
fn target_limits_name_what_they_limit() {
    let limit = TargetLimit {
        metric: "m".into(),
        labels: [("route".to_owned(), "/x".to_owned())].into(),
        at: Moment::End,
        at_least: Some(1.0),
        at_most: Some(2.5),
    };
    let thresholds = Thresholds { limits: Vec::new(), target: vec![limit] };
    let mut watch = thresholds.watch();
    watch.scraped(&Exposition::parse("m{route=\"/x\",code=\"1\"} 1\nm{route=\"/x\"} 1\nm 7\n").unwrap());
    let none = Histogram::default();
    let times = Times { latency: &none, service: &none };
    let result = thresholds.evaluate(&results(), times, &watch).remove(0);
    assert_eq!(result.name, "target:m{route=\"/x\"} end");
    assert_eq!((result.limit.as_str(), result.measured.as_str(), result.held), (">= 1, <= 2.5", "2", true));
}
