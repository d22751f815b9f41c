//! `shield bench`: what the security components cost, held against what they may cost.

use std::{env, fs, path::Path};

use shield_control::{
    manifest::BenchSettings,
    pipeline::{BENCH_DATA, BenchRunError, bench_artifact, bench_running},
};
use shield_load::{BenchError, BenchResults, FileTarget, Scheme, Verdict, output::bench_html};

use super::{
    daemon::raise_descriptor_limit,
    faults::{interrupted, watched},
    reports, ship,
};
use crate::{
    cli::{BenchArguments, OutputFormat, Place},
    context::{Context, described},
    exit::{Exit, Failure},
    output::{self, Reporter, bench::print},
};

/// What is left when a report cannot be written.
const RECORDED: &str = "the table above is whole";

pub(crate) async fn run(
    place: &Place,
    arguments: BenchArguments,
    format: OutputFormat,
) -> Result<(), Failure> {
    let paths: Vec<&Path> =
        [&arguments.json, &arguments.html].into_iter().flatten().map(AsRef::as_ref).collect();
    reports::prepare(&paths, &[])?;
    let results = match &arguments.target {
        Some(target) => running(place, &arguments, target, format).await?,
        None => artifact(place, &arguments, format).await?,
    };
    print(&results, format);
    if let Some(path) = &arguments.json {
        let json = serde_json::to_string_pretty(&results).expect("results have only text keys") + "\n";
        reports::write(path, &json, RECORDED)?;
    }
    if let Some(path) = &arguments.html {
        reports::write(path, &bench_html(&results), RECORDED)?;
    }
    match results.verdict {
        Verdict::Passed => Ok(()),
        Verdict::Invalid => Err(Failure::told(Exit::InvalidRun)),
        Verdict::Failed | Verdict::Aborted | Verdict::Unreachable => Err(Failure::told(Exit::NotHeld)),
    }
}

/// Builds, starts an instance and measures it.
async fn artifact(
    place: &Place,
    arguments: &BenchArguments,
    format: OutputFormat,
) -> Result<BenchResults, Failure> {
    let context = Context::open(place)?;
    let settings = settings(context.manifest.bench.as_ref(), arguments)?;
    let mut reporter = Reporter::new(format);
    // Before the descriptor limit is raised: a control plane hands its limits on to instances.
    ship::control(&context, &mut reporter).await?;
    raise_descriptor_limit();
    let order = ship::order(&context)?;
    let stop = watched(interrupted());
    let measured = bench_artifact(&order, &settings, stop, &mut |event| reporter.tell(event)).await;
    reporter.finish();
    measured.map_err(|error| ship::failure(&error))
}

/// Measures what runs already.
async fn running(
    place: &Place,
    arguments: &BenchArguments,
    target: &str,
    format: OutputFormat,
) -> Result<BenchResults, Failure> {
    let (project, manifest) = described(place)?;
    let settings = settings(manifest.bench.as_ref(), arguments)?;
    let parsed = FileTarget::parse(target).map_err(|refusal| {
        let message = format!("failed to use `--target`: {}", refusal.problem);
        Failure::plain(Exit::Usage, &message, &format!("pass {}", refusal.accepted))
    })?;
    let trust_pem = arguments.trust.as_deref().map(read).transpose()?;
    if parsed.scheme == Scheme::Https && trust_pem.is_none() {
        let message = format!("failed to use `--target {target}`: nothing to verify its certificate against");
        let hint = "name a PEM file with --trust: the certificate authority that signed it";
        return Err(Failure::plain(Exit::Usage, &message, hint));
    }
    raise_descriptor_limit();
    let mut reporter = Reporter::new(format);
    let mut tell = |text: String| reporter.line(&text);
    let measured = tokio::select! {
        measured = bench_running(&project, &settings, (parsed, trust_pem), &mut tell) => measured,
        () = interrupted() => {
            return Err(Failure::plain(Exit::Interrupted, "interrupted", "nothing was measured"));
        }
    };
    reporter.finish();
    measured.map_err(|error| failure(&error))
}

fn settings(settings: Option<&BenchSettings>, arguments: &BenchArguments) -> Result<BenchSettings, Failure> {
    let Some(settings) = settings else {
        let hint = "docs/bench.md shows what `[bench]` in shield.toml says";
        return Err(Failure::plain(Exit::Usage, "failed to measure: shield.toml has no `[bench]`", hint));
    };
    Ok(BenchSettings { budget: arguments.budget.unwrap_or(settings.budget), ..settings.clone() })
}

fn read(path: &Path) -> Result<String, Failure> {
    fs::read_to_string(path).map_err(|error| {
        let message = format!("failed to read `{}`: {error}", path.display());
        Failure::plain(Exit::Usage, &message, "name a PEM file with --trust")
    })
}

fn failure(error: &BenchRunError) -> Failure {
    let (exit, hint) = match error {
        BenchRunError::Prepare { output, .. } => {
            output.iter().for_each(|line| output::load::foreign_line(line));
            (Exit::Usage, "`bench.prepare` and `bench.load` in shield.toml name what is needed first")
        }
        BenchRunError::Bench(BenchError::Find(_) | BenchError::Unreachable { .. }) => {
            (Exit::Unreachable, "start the service, or leave `--target` out to have one started")
        }
        BenchRunError::Bench(BenchError::Unexpected { .. }) => {
            (Exit::NotHeld, "run that scenario alone with `shield load` to see more")
        }
        BenchRunError::Bench(BenchError::Limited { .. }) => {
            (Exit::InvalidRun, "docs/bench.md says which limits a measurement needs")
        }
        BenchRunError::Bench(_) => (Exit::Usage, "docs/bench.md says what `[bench]` needs"),
    };
    let mut hints = vec![hint.to_owned()];
    if matches!(error, BenchRunError::Prepare { .. }) && env::var_os(BENCH_DATA).is_none() {
        hints.push(format!(
            "`--target` does not know the service's data directory: if `bench.prepare` needs it, run `{BENCH_DATA}=DIR shield bench --target …`"
        ));
    }
    Failure::new(exit, error, &hints)
}
