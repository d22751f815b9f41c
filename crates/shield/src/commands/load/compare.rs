//! Two load files or URLs that take turns.

use shield_load::{
    CompareError, CompareSettings, Comparison, Finding, LoadPlan, Metric, MetricVerdict, compare,
};

use super::order::{Order, order};
use crate::{
    cli::{CompareArguments, OutputFormat, UrlArguments},
    commands::{daemon::raise_descriptor_limit, faults::interrupted},
    exit::{Exit, Failure},
    output,
};

/// Users of a URL when nothing else is said: a rate would leave throughput out.
const USERS: u32 = 8;

pub(crate) async fn run(arguments: CompareArguments, format: OutputFormat) -> Result<(), Failure> {
    raise_descriptor_limit();
    let CompareArguments { a, b, mut url, limit, seed } = arguments;
    if url.rate.is_none() && super::order::is_url(&a) && super::order::is_url(&b) {
        url.users = url.users.or(Some(USERS));
        url.duration = url.duration.or(Some(limit));
    }
    let (a, b) = (plan(&a, &url, seed).await?, plan(&b, &url, seed).await?);
    let settings = CompareSettings { seed, limit, ..CompareSettings::default() };
    let comparison = tokio::select! {
        // Signals are listened to before anything is sent.
        biased;
        () = interrupted() => {
            let hint = "what was measured until then decides nothing";
            return Err(Failure::plain(Exit::Interrupted, "interrupted", hint));
        }
        comparison = compare(a, b, &settings) => comparison.map_err(|error| failure(&error))?,
    };
    output::load::comparison(&comparison, format);
    conclude(&comparison)
}

async fn plan(what: &str, arguments: &UrlArguments, seed: u64) -> Result<LoadPlan, Failure> {
    let Order { file, trust_pem } = order(what, arguments)?;
    if file.faults.is_some() {
        let message = format!("failed to compare `{what}`: its faults would hit one side or the other");
        return Err(Failure::plain(Exit::Usage, &message, "leave out `through`, [[proxy]] and [[fault]]"));
    }
    let address = file.target.resolve().await.map_err(|error| {
        Failure::new(Exit::Unreachable, &error, &["name a target that resolves".to_owned()])
    })?;
    Ok(LoadPlan { seed, ..file.plan(address, trust_pem) })
}

fn failure(error: &CompareError) -> Failure {
    Failure::new(Exit::Usage, error, &["compare two load files of one model, or two URLs".to_owned()])
}

/// A regression is what a script must notice; anything else that is known passes.
fn conclude(comparison: &Comparison) -> Result<(), Failure> {
    if !comparison.invalid.is_empty() {
        return Err(Failure::told(Exit::InvalidRun));
    }
    let dead = comparison
        .metric(Metric::ErrorShare)
        .is_some_and(|share| [share.a, share.b].into_iter().flatten().any(|share| share >= 1.0));
    if dead {
        let hint = "load that one alone: `shield load` says why its requests fail";
        return Err(Failure::plain(Exit::Unreachable, "one of both answered nothing as expected", hint));
    }
    let measured = |metric: &MetricVerdict| {
        metric.metric == Metric::ErrorShare || metric.finding != Finding::NotMeasured
    };
    if !comparison.metrics.iter().all(measured) {
        let hint = "offer more requests, or take more time (`--limit`)";
        return Err(Failure::plain(Exit::InvalidRun, "too few answers to compare everything", hint));
    }
    match comparison.finding() {
        Finding::Regression => Err(Failure::told(Exit::NotHeld)),
        // The metrics were measured, so it is the pauses that were not.
        Finding::NotMeasured if comparison.pauses.finding == Finding::NotMeasured => {
            let stood = comparison.pauses.b.times;
            let message =
                format!("B stood still `{stood}` times, lost more than may pass, and it may yet be chance");
            Err(Failure::plain(Exit::InvalidRun, &message, "take more time (`--limit`)"))
        }
        _ => Ok(()),
    }
}
