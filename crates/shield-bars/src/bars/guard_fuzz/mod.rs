//! `guard.fuzz`: nothing that a stranger sends makes the backend fail.
//!
//! Two parts. The parsers of tokens, cookies, keys and headers are fed, in this process, with inputs that are nearly right
//! (`--minutes` each, 10 unless given): none panics, and whatever it answers, a list of things holds, such as that no token is
//! taken that was never signed. There is no instrumentation: the inputs go on from those that were answered in a new way. And
//! schemathesis asks a running LinkShield whatever its own OpenAPI document allows, and some of what it does not: there is no
//! answer of 500 or above, by its own count and by the backend's.

mod backend;
mod mutate;
mod parsers;
mod schema;

use std::time::Duration;

use super::{Options, Part};
use crate::harness::{Result, Trouble, Verdict};

const MINUTES: u64 = 10;

pub(crate) async fn run(options: &Options) -> Result<Verdict> {
    let mut verdict = Verdict::default();
    let mut figures = Vec::new();
    if options.part != Some(Part::Schema) {
        figures.push(feed(options, &mut verdict).await?);
    }
    if options.part != Some(Part::Parsers) {
        figures.push(schema::run(&mut verdict).await?);
    }
    Ok(verdict.with_figure(figures.join("; ")))
}

/// Feeds the parsers, all at once, each in a thread of its own.
async fn feed(options: &Options, verdict: &mut Verdict) -> Result<String> {
    let minutes = options.minutes.unwrap_or(MINUTES);
    let only = options.only.as_deref().unwrap_or_default();
    let seed = fastrand::u64(..);
    println!("  parsers: {minutes} min each, seed {seed}");
    let targets = parsers::targets().into_iter().filter(|target| target.name.contains(only));
    let running: Vec<_> = targets
        .map(|target| tokio::task::spawn_blocking(move || target.run(Duration::from_mins(minutes), seed)))
        .collect();
    let (mut executions, mut findings) = (0, 0);
    for target in running {
        let report = target.await.map_err(|error| Trouble::caused("feed a parser", error))?;
        let parsers::Report { name, executions: count, answers, findings: found } = report;
        println!("  {name}: {count} executions, {answers} ways to answer, {} findings", found.len());
        for finding in &found {
            verdict.demand(false, || format!("{name}: {finding}"));
        }
        executions += count;
        findings += found.len();
    }
    Ok(format!("{executions} inputs to the parsers, {findings} findings"))
}
