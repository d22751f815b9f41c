//! `[thresholds]`, `[abort]`, `[metrics]` and `[counter]`: what must hold, and what ends the run early.

use std::collections::BTreeMap;
use std::time::Duration;

use http::Uri;
use shield_types::settings::{Ratio, Refusal, Setting, Table};

use crate::results::abort::AbortRule;
use crate::results::thresholds::{Limit, Moment, Percentile, TargetLimit, Thresholds};
use crate::scenario::file::{CounterSource, MetricsSource};
use crate::scenario::model::Workload;
use crate::scenario::read::counter;
use crate::scenario::read::limits::{NAME_BYTES_MAX, PATH_BYTES_MAX, RATE_MAX, TARGET_LIMITS_MAX};
use crate::scenario::read::target::{Connecting, has_credentials};

const LATENCIES: (Duration, Duration) = (Duration::from_millis(1), Duration::from_secs(600));
const NOTHING: Ratio = Ratio::from_millionths(0);
const METRIC: &str = "the name of a metric, such as `http_requests_in_flight`";
const URL: &str = "a URL with a host, such as `http://127.0.0.1:9100/metrics`";

/// Everything that is judged. None is a mistake.
pub(crate) struct Judged {
    pub(crate) thresholds: Thresholds,
    pub(crate) abort: Option<AbortRule>,
    pub(crate) metrics: Option<MetricsSource>,
    pub(crate) counter: Option<CounterSource>,
}

pub(crate) fn read(
    root: &Table<'_>,
    connecting: Option<&Connecting>,
    workload: Option<&Workload>,
) -> Option<Judged> {
    let table = root.table("thresholds");
    let limits = limits(&table, workload);
    let target = target_limits(&table);
    let abort = abort(&root.table("abort"));
    let metrics_table = root.table("metrics");
    let metrics = metrics(&metrics_table, connecting);
    let counter_table = root.table("counter");
    let counter = counter::read(&counter_table, workload);
    let limited = !table.tables("target").is_empty();
    match (metrics_table.present(), limited, counter_table.present()) {
        (false, true, _) => root.missing("metrics", "[metrics], for the limits of [[thresholds.target]]"),
        (false, false, true) => root.missing("metrics", "[metrics], which show the counter of [counter]"),
        (true, false, false) => {
            metrics_table
                .mistaken(Refusal::new("nothing needs them", "a [[thresholds.target]] or a [counter]"));
        }
        _ => {}
    }
    let thresholds = Thresholds { limits: limits?, target: target? };
    Some(Judged { thresholds, abort: abort?, metrics: metrics?, counter: counter? })
}

fn limits(table: &Table<'_>, workload: Option<&Workload>) -> Option<Vec<Limit>> {
    let mut limits = Vec::new();
    for (key, service_key, percentile) in PERCENTILES {
        let (due, begun) = (latency(table, key).take(), latency(table, service_key).take());
        limits.push(due.map(|at_most| at_most.map(|at_most| Limit::Latency { percentile, at_most })));
        limits.push(begun.map(|at_most| at_most.map(|at_most| Limit::Service { percentile, at_most })));
    }
    let error_share = table.ratio("error_share", NOTHING..=Ratio::ONE).optional().take();
    limits.push(error_share.map(|at_most| at_most.map(|at_most| Limit::ErrorShare { at_most })));
    let rate = table.number("rate", 0.0..=RATE_MAX).optional().take();
    limits.push(rate.map(|at_least| at_least.map(|at_least| Limit::Rate { at_least })));
    let check_share = table.ratio("check_share", NOTHING..=Ratio::ONE).optional();
    let checks = workload.is_none_or(|workload| workload.steps().any(|step| !step.checks.is_empty()));
    if let (Some(Some(_)), false) = (check_share.value(), checks) {
        check_share.mistaken(Refusal::new("no step has a check", "a [[scenario.step.check]]"));
    }
    let check_share = check_share.take();
    limits.push(check_share.map(|at_least| at_least.map(|at_least| Limit::CheckShare { at_least })));
    let limits: Vec<Option<Limit>> = limits.into_iter().collect::<Option<_>>()?;
    Some(limits.into_iter().flatten().collect())
}

const PERCENTILES: [(&str, &str, Percentile); 6] = [
    ("p50", "service_p50", Percentile::P50),
    ("p90", "service_p90", Percentile::P90),
    ("p95", "service_p95", Percentile::P95),
    ("p99", "service_p99", Percentile::P99),
    ("p999", "service_p999", Percentile::P999),
    ("longest", "service_longest", Percentile::Longest),
];

fn latency<'r>(table: &Table<'r>, key: &'static str) -> Setting<'r, Option<Duration>> {
    table.duration(key, LATENCIES.0..=LATENCIES.1).optional()
}

fn target_limits(table: &Table<'_>) -> Option<Vec<TargetLimit>> {
    let tables = table.tables("target");
    if let Some(extra) = tables.get(TARGET_LIMITS_MAX) {
        extra.mistaken(Refusal::new("one limit too many", format!("at most {TARGET_LIMITS_MAX}")));
    }
    let limits: Vec<Option<TargetLimit>> = tables.iter().map(target_limit).collect();
    limits.into_iter().collect()
}

fn target_limit(table: &Table<'_>) -> Option<TargetLimit> {
    let metric = metric(table).required();
    let labels = labels(table);
    let moments = [("max", Moment::Max), ("end", Moment::End), ("increase", Moment::Increase)];
    let at = table.enumeration("at", &moments).or(Moment::Max);
    let at_least = table.number("at_least", f64::MIN..=f64::MAX).optional();
    let at_most = table.number("at_most", f64::MIN..=f64::MAX).optional();
    match (at_least.value(), at_most.value()) {
        (Some(None), Some(None)) => table.missing("at_most", "`at_most`, `at_least` or both"),
        (Some(Some(least)), Some(Some(most))) if least > most => {
            at_most.mistaken(Refusal::new("less than `at_least`", "that or more"));
        }
        _ => {}
    }
    Some(TargetLimit {
        metric: metric.take()?,
        labels: labels.take()?,
        at: at.take()?,
        at_least: at_least.take()?,
        at_most: at_most.take()?,
    })
}

/// `metric`.
pub(crate) fn metric<'r>(table: &Table<'r>) -> Setting<'r, String> {
    table.string("metric", NAME_BYTES_MAX * 4, METRIC).and_then(|name| match is_name(&name, ":") {
        true => Ok(name),
        false => Err(Refusal::new("not a metric's name", METRIC)),
    })
}

/// `labels`: those that samples must have.
pub(crate) fn labels<'r>(table: &Table<'r>) -> Setting<'r, BTreeMap<String, String>> {
    let labels = table.map_of("labels", |name, value| match is_name(name, "") {
        true => Ok(value),
        false => Err(Refusal::new("not a label's name", "letters, digits and `_`")),
    });
    labels.or(BTreeMap::new())
}

fn is_name(name: &str, besides: &str) -> bool {
    let part = |letter: char| letter.is_ascii_alphanumeric() || letter == '_' || besides.contains(letter);
    !name.is_empty() && !name.starts_with(|first: char| first.is_ascii_digit()) && name.chars().all(part)
}

/// The outer `None` is a mistake, the inner one a run that ends when it is over.
fn abort(table: &Table<'_>) -> Option<Option<AbortRule>> {
    let error_share = table.ratio("error_share", NOTHING..=Ratio::ONE).optional();
    let p99 = latency(table, "p99");
    let over = table.duration("over", Duration::from_secs(1)..=Duration::from_secs(600));
    let over = over.or(Duration::from_secs(5));
    if let (Some(None), Some(None), true) = (error_share.value(), p99.value(), table.present()) {
        table.missing("error_share", "`error_share`, `p99` or both");
    }
    let rule = AbortRule { error_share: error_share.take()?, p99: p99.take()?, over: over.take()? };
    Some(table.present().then_some(rule))
}

/// The outer `None` is a mistake, the inner one no metrics.
fn metrics(table: &Table<'_>, connecting: Option<&Connecting>) -> Option<Option<MetricsSource>> {
    let trusting = connecting.is_none_or(|connecting| connecting.trust.is_some());
    let url = table.string("url", PATH_BYTES_MAX, URL).hidden_if(|text| has_credentials(text));
    let url = url.and_then(|text| {
        if has_credentials(&text) {
            return Err(Refusal::new("a name or password does not belong here", URL));
        }
        let refused = || Refusal::new("not such a URL", URL);
        let uri: Uri = text.parse().map_err(|_| refused())?;
        match (uri.scheme_str(), uri.host()) {
            (Some("http" | "https"), Some("") | None) => Err(refused()),
            (Some("https"), _) if !trusting => Err(Refusal::new(
                "nothing says whom to trust",
                "`http://`, or a target with `https` and its `trust`",
            )),
            (Some("http" | "https"), Some(_)) => Ok(text),
            _ => Err(refused()),
        }
    });
    let every = table.duration("every", Duration::from_millis(100)..=Duration::from_secs(60));
    let every = every.or(Duration::from_secs(1)).take();
    if !table.present() {
        return Some(None);
    }
    Some(Some(MetricsSource { url: url.required().take()?, every: every? }))
}
