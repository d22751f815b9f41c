//! A measurement that was made up, for tests.

use std::collections::BTreeMap;
use std::time::Duration;

use shield_types::Timestamp;

use crate::bench::order::{
    BenchComponent, BenchOrder, COMPONENT_LONGEST_METRIC, COMPONENT_METRIC, Primitive, PrimitiveKind,
};
use crate::bench::results::{
    Added, BENCH_FORMAT, BenchResults, Bucket, ComponentFigures, ComponentResults, PrimitiveFigures,
    RequestFigures,
};
use crate::measure::audit::GeneratorAudit;
use crate::measure::histogram::Histogram;
use crate::results::model::Verdict;
use crate::scenario::read::read_load_file;

pub(crate) fn component(name: &str) -> BenchComponent {
    BenchComponent {
        name: name.to_owned(),
        target: Duration::from_millis(10),
        margin: 100,
        with: "visit".to_owned(),
        without: None,
        metric: COMPONENT_METRIC.to_owned(),
        labels: BTreeMap::from([("component".to_owned(), name.to_owned())]),
        longest_metric: Some(COMPONENT_LONGEST_METRIC.to_owned()),
        primitive: None,
    }
}

pub(crate) fn order() -> BenchOrder {
    let text = "name = \"bench\"\ntarget = \"http://127.0.0.1:1\"\n[closed]\nusers = 2\nfor = \"1s\"\n[[scenario]]\nname = \"visit\"\nstep = [{ get = \"/\" }]\n";
    BenchOrder {
        service: "shop".to_owned(),
        file: read_load_file(text, "bench.toml", std::path::Path::new(".")).unwrap(),
        trust_pem: None,
        metrics: Some("http://127.0.0.1:1/metrics".to_owned()),
        components: vec![component("jwt")],
        budget: Duration::from_secs(4),
    }
}

pub(crate) fn figures(average_us: f64) -> ComponentFigures {
    ComponentFigures {
        count: 1_000,
        average_us,
        p50_us: Some(average_us),
        p99_us: Some(average_us * 2.0),
        longest_us: Some(average_us * 10.0),
        longest_exact: true,
        buckets: vec![
            Bucket { up_to_us: Some(average_us), count: 900 },
            Bucket { up_to_us: Some(average_us * 2.0), count: 100 },
        ],
    }
}

pub(crate) fn results() -> BenchResults {
    let mut latency = Histogram::default();
    (1..=100).for_each(|at| latency.record(Duration::from_micros(at * 10)));
    let jwt = ComponentResults {
        name: "jwt".to_owned(),
        target_us: 10_000.0,
        margin: 100,
        quiet: Some(figures(0.5)),
        loaded: Some(figures(0.8)),
        added: Some(Added {
            with_us: 75.0,
            without_us: 71.5,
            estimate_us: 3.5,
            low_us: 2.9,
            high_us: 4.1,
            confidence: 0.95,
            blocks: 40,
        }),
        request: RequestFigures::of("visit", &latency),
        primitive: Some(PrimitiveFigures {
            primitive: Primitive { kind: PrimitiveKind::Sha256, bytes: 363 },
            least_us: 0.25,
            median_us: 0.26,
            ratio: Some(1.9),
        }),
        held: true,
    };
    let outside = ComponentResults {
        name: "chain <b>".to_owned(),
        target_us: 50_000.0,
        quiet: None,
        loaded: None,
        added: None,
        primitive: None,
        ..jwt.clone()
    };
    BenchResults {
        format: BENCH_FORMAT,
        tool: "shield 0.1.0".to_owned(),
        service: "shop".to_owned(),
        target: "http://127.0.0.1:1".to_owned(),
        started_at: Timestamp(1_790_000_000_000),
        elapsed_s: 12.5,
        verdict: Verdict::Passed,
        reasons: Vec::new(),
        warnings: Vec::new(),
        capacity_per_second: 10_000.0,
        rate_per_second: 6_000.0,
        answered: 24_000,
        failed: 0,
        cpu_per_request_us: Some(45.2),
        audit: GeneratorAudit::default(),
        components: vec![jwt, outside],
    }
}
