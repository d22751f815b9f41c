//! The command line of `shield bench`.

use std::{path::PathBuf, time::Duration};

use clap::Args;
use shield_types::parse_duration;

#[derive(Debug, Args)]
pub(crate) struct BenchArguments {
    /// Measure what runs here, as `https://host:port`, and record nothing. `bench.prepare` has SHIELD_BENCH_DATA, the
    /// service's data directory, only if you set it [default: build, and start one instance].
    #[arg(long, value_name = "URL")]
    pub(crate) target: Option<String>,
    /// Certificates to verify a `https` target against, PEM.
    #[arg(long, value_name = "FILE", requires = "target")]
    pub(crate) trust: Option<PathBuf>,
    /// How long to measure, about, from 4s to 10m [default: bench.budget of shield.toml].
    #[arg(long, value_name = "DURATION", value_parser = parse_budget)]
    pub(crate) budget: Option<Duration>,
    /// Write the results as JSON, with all histograms.
    #[arg(long = "json", value_name = "FILE")]
    pub(crate) json: Option<PathBuf>,
    /// Write one self-contained HTML page with plots.
    #[arg(long = "html", value_name = "FILE")]
    pub(crate) html: Option<PathBuf>,
}

fn parse_budget(text: &str) -> Result<Duration, String> {
    let budget = parse_duration(text).map_err(|error| error.to_string())?;
    let range = Duration::from_secs(4)..=Duration::from_secs(600);
    if range.contains(&budget) { Ok(budget) } else { Err("expected 4s to 10m".to_owned()) }
}
