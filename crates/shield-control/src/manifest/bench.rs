//! `[bench]`: what the service's security components may cost, and how that is seen.

use std::{
    collections::{BTreeMap, BTreeSet},
    time::Duration,
};

use shield_load::{BenchComponent, COMPONENT_LONGEST_METRIC, COMPONENT_METRIC, Primitive, PrimitiveKind};
use shield_types::settings::{Refusal, Setting, Table};

use super::{
    model::{BenchSettings, BenchStage, Stages},
    service::{PATH_BYTES_MAX, TEXT_BYTES_MAX, millis, seconds},
    stages::{COMMAND, project_file},
};

/// Most components.
const COMPONENTS_MAX: usize = 16;
/// Longest name of a component, scenario or metric, in bytes.
const NAME_BYTES_MAX: usize = 64;
/// How long a measurement takes when nothing is said.
const BUDGET: Duration = Duration::from_secs(20);
/// And in a pipeline.
const STAGE_BUDGET: Duration = Duration::from_secs(10);

const METRICS: &str = "the path of the metrics in Prometheus' text format, such as `/metrics`";
const METRIC: &str = "the name of a histogram in seconds, without `_bucket`";
const SCENARIO: &str = "the name of a scenario of the load file";

/// The outer `None` is a mistake, the inner one a service of which nothing is measured.
pub(crate) fn read(table: &Table<'_>) -> Option<Option<BenchSettings>> {
    let load = project_file(table, "load");
    let prepare = table.string("prepare", TEXT_BYTES_MAX, COMMAND).optional();
    let metrics = table.string("metrics", PATH_BYTES_MAX, METRICS).and_then(|path| {
        let well_formed = http::uri::PathAndQuery::try_from(path.as_str()).is_ok();
        if path.starts_with('/') && well_formed { Ok(path) } else { Err(Refusal::new("not a path", METRICS)) }
    });
    let metrics = metrics.optional();
    let budget = table.duration("budget", seconds(4)..=seconds(600)).or(BUDGET);
    let tables = table.tables("component");
    let mut names = BTreeSet::new();
    let components: Vec<Option<BenchComponent>> =
        tables.iter().map(|table| component(table, &mut names)).collect();
    if !table.present() {
        return Some(None);
    }
    if !(1..=COMPONENTS_MAX).contains(&tables.len()) {
        let problem = format!("{} components", tables.len());
        table.mistaken(Refusal::new(problem, format!("1 to {COMPONENTS_MAX} of [[bench.component]]")));
        return None;
    }
    Some(Some(BenchSettings {
        load: load.required().take()?,
        prepare: prepare.take()?,
        metrics: metrics.take()?,
        budget: budget.take()?,
        components: components.into_iter().collect::<Option<_>>()?,
    }))
}

fn component(table: &Table<'_>, names: &mut BTreeSet<String>) -> Option<BenchComponent> {
    let name = text(table, "name", "a name such as `jwt`").and_then(|name| {
        if names.insert(name.clone()) {
            Ok(name)
        } else {
            Err(Refusal::new("the name of another component", "a name of its own"))
        }
    });
    let name = name.required();
    let target = table.duration("target", millis(1)..=seconds(60)).required();
    let margin = table.integer("margin", 1..=1_000_000).or(1);
    let with = text(table, "with", SCENARIO).required();
    let without = text(table, "without", SCENARIO).optional();
    let metric = metric(table, "metric").or(COMPONENT_METRIC.to_owned());
    let labels = table.map_of("labels", |name, value| Ok((name.to_owned(), value))).optional();
    let longest = metric_of_longest(table, metric.value());
    let primitive = primitive(&table.table("primitive"));
    let name = name.take()?;
    let own = |name: &str| BTreeMap::from([("component".to_owned(), name.to_owned())]);
    let labels = labels.take()?.map(|labels| labels.into_values().collect());
    Some(BenchComponent {
        target: target.take()?,
        margin: u32::try_from(margin.take()?).ok()?,
        with: with.take()?,
        without: without.take()?,
        metric: metric.take()?,
        labels: labels.unwrap_or_else(|| own(&name)),
        longest_metric: longest.take()?,
        primitive: primitive?,
        name,
    })
}

fn text<'r>(table: &Table<'r>, key: &'static str, accepted: &str) -> Setting<'r, String> {
    let accepted = accepted.to_owned();
    table.string(key, NAME_BYTES_MAX, &accepted).and_then(move |text| match text.trim() {
        "" => Err(Refusal::new("nothing", accepted)),
        _ => Ok(text),
    })
}

fn metric<'r>(table: &Table<'r>, key: &'static str) -> Setting<'r, String> {
    table.string(key, NAME_BYTES_MAX, METRIC).and_then(|name| {
        let letter = |letter: char| letter.is_ascii_alphanumeric() || letter == '_' || letter == ':';
        let first = |first: char| first.is_ascii_digit();
        match name.is_empty() || name.starts_with(first) || !name.chars().all(letter) {
            true => Err(Refusal::new("not a metric's name", METRIC)),
            false => Ok(name),
        }
    })
}

/// A histogram with another name has no gauge that is known.
fn metric_of_longest<'r>(table: &Table<'r>, histogram: Option<&String>) -> Setting<'r, Option<String>> {
    let known = histogram.is_none_or(|metric| metric == COMPONENT_METRIC);
    let longest = metric(table, "longest").optional();
    longest.and_then(|longest| Ok(longest.or_else(|| known.then(|| COMPONENT_LONGEST_METRIC.to_owned()))))
}

/// The outer `None` is a mistake, the inner one a component without a primitive.
fn primitive(table: &Table<'_>) -> Option<Option<Primitive>> {
    let kind = table.enumeration("kind", &PrimitiveKind::ALL);
    let bytes = table.integer("bytes", 0..=65_536).or(0);
    if !table.present() {
        return Some(None);
    }
    Some(Some(Primitive { kind: kind.required().take()?, bytes: u32::try_from(bytes.take()?).ok()? }))
}

/// `[stage.bench]`; the outer `None` is a mistake.
pub(crate) fn stage(table: &Table<'_>) -> Option<Option<BenchStage>> {
    let budget = table.duration("budget", seconds(4)..=seconds(600)).or(STAGE_BUDGET);
    if !table.present() {
        return Some(None);
    }
    Some(Some(BenchStage { budget: budget.take()? }))
}

/// A pipeline that measures needs to know what.
pub(crate) fn check_stage(stages: &Stages, bench: Option<&BenchSettings>, stage: &Table<'_>) {
    if stages.bench.is_some() && bench.is_none() {
        let accepted = "`[bench]` with components, or no `[stage.bench]`";
        stage.mistaken(Refusal::new("given, although nothing is to be measured", accepted));
    }
}
