//! The bench stage: what the security components of an instance cost, held against what they may cost.

use std::{collections::BTreeMap, env, fs, net::SocketAddr, path::Path, time::Duration};

use serde_json::{Value, json};
use shield_evidence::{Check, CheckOutcome};
use shield_load::{
    BenchError, BenchOrder, BenchResults, ComponentResults, FileTarget, LoadFile, Scheme, Verdict,
    output::verdict_word, read_load_file_with, run_bench,
};
use shield_types::{EnvironmentName, chain};
use tokio::sync::watch;

use super::{
    load::aimed,
    prepare::prepare,
    ship::{Pipeline, Running, ShipError, ShipOrder, failed, unless},
    stage::{PipelineEvent, StageFailure, StageName},
};
use crate::{
    manifest::{BenchSettings, BenchStage},
    store::StoredArtifact,
};

/// Tells `bench.prepare` where the service keeps its data. Of a service that runs already only whoever runs it knows.
pub const BENCH_DATA: &str = "SHIELD_BENCH_DATA";
/// Where to read on.
const HINT: &str = "`[bench]` in shield.toml says what is measured; docs/bench.md describes it";

/// Why a running service was not measured.
#[derive(Debug, thiserror::Error)]
pub enum BenchRunError {
    /// What the measurement needs could not be had.
    #[error("prepare the measurement: {reason}")]
    Prepare {
        /// Why.
        reason: String,
        /// What explains it, line by line.
        output: Vec<String>,
    },
    /// The measurement itself.
    #[error("measure the service")]
    Bench(#[from] BenchError),
}

/// Builds the artifact, starts one instance of it outside production, and measures it. The control plane must run.
pub async fn bench_artifact(
    order: &ShipOrder,
    settings: &BenchSettings,
    interrupted: watch::Receiver<bool>,
    tell: &mut (dyn FnMut(PipelineEvent) + Send),
) -> Result<BenchResults, ShipError> {
    let lock = order.layout.ship_lock().take(&order.requested_by).map_err(ShipError::from)?;
    let mut pipeline = Pipeline::new(order, tell);
    let measured = async {
        pipeline.check_bench()?;
        let artifact = pipeline.build().await?;
        pipeline.measure(&artifact, settings, settings.budget).await.map(|(_, results)| results)
    };
    let measured = unless(interrupted, measured).await;
    drop(lock);
    measured
}

/// Measures what runs at `target`. Nothing is recorded: what it is made of is not known.
pub async fn bench_running(
    project: &Path,
    settings: &BenchSettings,
    (target, trust_pem): (FileTarget, Option<String>),
    tell: &mut (dyn FnMut(String) + Send),
) -> Result<BenchResults, BenchRunError> {
    let scheme = match target.scheme {
        Scheme::Http => "http",
        Scheme::Https => "https",
    };
    let url = format!("{scheme}://{}", target.authority);
    let place = Place { project, url: &url, data: None };
    let file = place.load_file(settings).await?;
    let file = LoadFile { target, trust: None, ..file };
    Ok(run_bench(&order(settings, "service", (file, trust_pem), &url), tell).await?)
}

/// Where a measurement takes place.
struct Place<'a> {
    project: &'a Path,
    url: &'a str,
    /// Where the service keeps its data, if that is known.
    data: Option<&'a Path>,
}

// === impl Place ===

impl Place<'_> {
    /// The load file, with what was prepared for it.
    async fn load_file(&self, settings: &BenchSettings) -> Result<LoadFile, BenchRunError> {
        let mut variables = vec![("SHIELD_BENCH_URL", self.url.to_owned())];
        variables.extend(self.data.map(|data| (BENCH_DATA, data.display().to_string())));
        let prepared = match &settings.prepare {
            None => BTreeMap::new(),
            Some(command) => prepare(command, self.project, &variables).await.map_err(|failure| {
                BenchRunError::Prepare { reason: failure.reason, output: failure.output }
            })?,
        };
        let environment = |name: &str| prepared.get(name).cloned().or_else(|| env::var(name).ok());
        read(self.project, settings, &environment)
    }
}

/// Reads the load file; its variables may come from anywhere.
fn read(
    project: &Path,
    settings: &BenchSettings,
    environment: &dyn Fn(&str) -> Option<String>,
) -> Result<LoadFile, BenchRunError> {
    let failure = |reason: String, output| BenchRunError::Prepare { reason, output };
    let path = project.join(&settings.load);
    let text = fs::read_to_string(&path)
        .map_err(|error| failure(format!("read `{}`: {error}", settings.load), Vec::new()))?;
    let directory = path.parent().unwrap_or(project);
    read_load_file_with(&text, &settings.load, directory, environment).map_err(|mistakes| {
        let lines = mistakes.to_string().lines().map(str::to_owned).collect();
        failure(format!("`{}` has mistakes", settings.load), lines)
    })
}

fn order(
    settings: &BenchSettings,
    service: &str,
    (file, trust_pem): (LoadFile, Option<String>),
    url: &str,
) -> BenchOrder {
    BenchOrder {
        service: service.to_owned(),
        file,
        trust_pem,
        metrics: settings.metrics.as_ref().map(|path| format!("{url}{path}")),
        components: settings.components.clone(),
        budget: settings.budget,
    }
}

impl Pipeline<'_> {
    /// A mistake in the load file is told before a build. What is prepared stands for anything then.
    pub(super) fn check_bench(&mut self) -> Result<(), ShipError> {
        let manifest = &self.order.manifest;
        let Some(settings) = manifest.bench.as_ref() else { return Ok(()) };
        let checked = read(&self.order.project, settings, &|_| Some(String::new()));
        checked.map(drop).map_err(|error| self.fail(stage_failure(&error)))
    }

    /// Passes when every component is within its target.
    pub(super) async fn bench(
        &mut self,
        artifact: &StoredArtifact,
        stage: &BenchStage,
    ) -> Result<(), ShipError> {
        let settings = self.order.manifest.bench.clone().expect("a stage without `[bench]` was refused");
        let (running, results) = self.measure(artifact, &settings, stage.budget).await?;
        if results.verdict == Verdict::Passed {
            self.passed(running.stage, summary(&results), running.clock.elapsed());
            return Ok(());
        }
        let reason = format!("{}: {}", verdict_word(results.verdict), results.reasons.join("; "));
        let output = results.components.iter().map(line).collect();
        Err(self.fail(StageFailure { stage: running.stage, reason, output, hint: HINT.to_owned() }))
    }

    /// Measures an instance of the artifact, and records what came of it.
    async fn measure(
        &mut self,
        artifact: &StoredArtifact,
        settings: &BenchSettings,
        budget: Duration,
    ) -> Result<(Running, BenchResults), ShipError> {
        let text = format!("{} components of one instance outside production", settings.components.len());
        let running = self.begin(StageName::Bench, text);
        let (instance, address) = self.instance(running, artifact).await?;
        let settings = BenchSettings { budget, ..settings.clone() };
        let measured = self.measure_at(&settings, address).await;
        drop(instance);
        let results = match measured {
            Ok(results) => results,
            Err(error) => {
                let failure = stage_failure(&error);
                self.record(running, artifact.digest, failed(&failure.reason), Vec::new(), json!({}))?;
                return Err(self.fail(failure));
            }
        };
        let outcome = match results.verdict {
            Verdict::Passed => shield_evidence::Outcome::Passed,
            verdict => failed(&format!("{}: {}", verdict_word(verdict), results.reasons.join("; "))),
        };
        self.record(running, artifact.digest, outcome, checks(&results), details(&results))?;
        Ok((running, results))
    }

    async fn measure_at(
        &mut self,
        settings: &BenchSettings,
        address: SocketAddr,
    ) -> Result<BenchResults, BenchRunError> {
        let staging = "staging".parse::<EnvironmentName>().expect("a constant name");
        let (url, data) = (format!("http://{address}"), self.order.layout.data(&staging));
        let place = Place { project: &self.order.project, url: &url, data: Some(&data) };
        let file = aimed(place.load_file(settings).await?, address);
        let order = order(settings, self.order.manifest.name.as_str(), (file, None), &url);
        let tell = &mut *self.tell;
        let mut note = |text| tell(PipelineEvent::Note { stage: StageName::Bench, text });
        Ok(run_bench(&order, &mut note).await?)
    }
}

fn stage_failure(error: &BenchRunError) -> StageFailure {
    let (reason, output) = match error {
        BenchRunError::Prepare { reason, output } => (reason.clone(), output.clone()),
        BenchRunError::Bench(error) => (chain(error), Vec::new()),
    };
    StageFailure { stage: StageName::Bench, reason, output, hint: HINT.to_owned() }
}

/// One line about a component.
fn line(component: &ComponentResults) -> String {
    let target_ms = component.target_us / 1e3;
    match component.average_us() {
        Some(average_us) => format!(
            "{}: {average_us:.2} µs on average, {:.0} x inside {target_ms} ms",
            component.name,
            component.target_us / average_us
        ),
        None => format!("{}: not measured", component.name),
    }
}

fn summary(results: &BenchResults) -> String {
    let least = results.components.iter().filter_map(|component| {
        Some((component.target_us / component.average_us()?, component.name.as_str()))
    });
    let least = least.min_by(|one, other| one.0.total_cmp(&other.0));
    let closest =
        least.map_or_else(String::new, |(times, name)| format!("; the closest, `{name}`, {times:.0} x"));
    format!("{} components within their targets{closest}", results.components.len())
}

fn checks(results: &BenchResults) -> Vec<Check> {
    let check = |component: &ComponentResults| Check {
        name: component.name.clone(),
        outcome: if component.held { CheckOutcome::Yes } else { CheckOutcome::No },
        method: match component.quiet.is_some() || component.loaded.is_some() {
            true => "the service's own histogram, read before and after the load".to_owned(),
            false => "requests over HTTP".to_owned(),
        },
        detail: line(component),
    };
    results.components.iter().map(check).collect()
}

/// The figures without the histograms, which are in the report.
fn details(results: &BenchResults) -> Value {
    let mut details = serde_json::to_value(results).expect("results have only text keys");
    for component in details["components"].as_array_mut().into_iter().flatten() {
        for (view, histogram) in [("quiet", "buckets"), ("loaded", "buckets"), ("request", "histogram")] {
            if let Some(figures) = component[view].as_object_mut() {
                figures.remove(histogram);
            }
        }
    }
    details
}
