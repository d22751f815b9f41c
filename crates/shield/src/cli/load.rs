//! The command line of `shield load`.

use std::{ffi::OsStr, net::SocketAddr, path::PathBuf, time::Duration};

use clap::{
    Arg, Args, Command, Subcommand,
    builder::TypedValueParser,
    error::{Error, ErrorKind},
};
use shield_load::WorkerAddress;
use shield_types::parse_duration;

#[derive(Debug, Args)]
#[command(args_conflicts_with_subcommands = true, subcommand_negates_reqs = true)]
pub(crate) struct LoadArguments {
    #[command(subcommand)]
    pub(crate) command: Option<LoadCommand>,
    #[command(flatten)]
    pub(crate) run: LoadRunArguments,
}

#[derive(Debug, Subcommand)]
pub(crate) enum LoadCommand {
    /// Let two load files or URLs take turns, and say whether the second does worse than the first.
    Compare(CompareArguments),
    /// Make reports from stored results.
    Report(LoadReportArguments),
    /// Make load for `shield load … --workers`, here, until Ctrl-C.
    Worker(LoadWorkerArguments),
}

#[derive(Debug, Args)]
pub(crate) struct LoadRunArguments {
    /// A load file (TOML; see docs/load-file.md), a URL to GET, or a script of k6, Artillery or Locust.
    #[arg(value_name = "FILE|URL", required = true)]
    pub(crate) what: Option<String>,
    #[command(flatten)]
    pub(crate) url: UrlArguments,
    /// Another target than the load file's or script's, as `https://host:port`.
    #[arg(long, value_name = "URL")]
    pub(crate) target: Option<String>,
    /// Another seed than the load file's.
    #[arg(long)]
    pub(crate) seed: Option<u64>,
    /// Let these workers make the load, each a share: addresses that `shield load worker` printed, separated by commas.
    #[arg(long, value_name = "HOST:PORT#KEY,…", value_delimiter = ',', value_parser = WorkerParser)]
    pub(crate) workers: Vec<WorkerAddress>,
    #[command(flatten)]
    pub(crate) reports: ReportArguments,
}

/// Reads the address of a worker. Unlike the parser that clap makes, it does not print what it refuses, which may be a key.
#[derive(Clone)]
struct WorkerParser;

// === impl WorkerParser ===

impl TypedValueParser for WorkerParser {
    type Value = WorkerAddress;

    fn parse_ref(
        &self,
        command: &Command,
        _argument: Option<&Arg>,
        value: &OsStr,
    ) -> Result<WorkerAddress, Error> {
        let parsed = value.to_string_lossy().parse::<WorkerAddress>();
        parsed.map_err(|error| {
            let message = format!("invalid value for '--workers': failed to {error}\n");
            Error::raw(ErrorKind::ValueValidation, message).with_cmd(command)
        })
    }
}

/// How a URL is loaded, and whom to trust.
#[derive(Debug, Args)]
pub(crate) struct UrlArguments {
    /// Of a URL: requests per second, offered whatever the target does [default: 10].
    #[arg(long, value_name = "PER_SECOND", conflicts_with = "users")]
    pub(crate) rate: Option<f64>,
    /// Of a URL: this many users instead of a rate, each with one request under way at a time.
    #[arg(long)]
    pub(crate) users: Option<u32>,
    /// Of a URL: how long [default: 10s].
    #[arg(long = "for", value_name = "DURATION", value_parser = parse_duration)]
    pub(crate) duration: Option<Duration>,
    /// Of a URL: HTTP/2 instead of HTTP/1.1.
    #[arg(long)]
    pub(crate) http2: bool,
    /// Certificates to verify a `https` target against, PEM [default for a URL: those that the system trusts].
    #[arg(long, value_name = "FILE")]
    pub(crate) trust: Option<PathBuf>,
}

/// Where results are written, besides the summary on stdout.
#[derive(Debug, Args)]
pub(crate) struct ReportArguments {
    /// Write the results as JSON.
    #[arg(long = "json", value_name = "FILE")]
    pub(crate) json: Option<PathBuf>,
    /// Write one self-contained HTML page with plots.
    #[arg(long = "html", value_name = "FILE")]
    pub(crate) html: Option<PathBuf>,
    /// Write JUnit XML: a test case per threshold and check.
    #[arg(long = "junit", value_name = "FILE")]
    pub(crate) junit: Option<PathBuf>,
}

#[derive(Debug, Args)]
pub(crate) struct LoadWorkerArguments {
    /// Where to listen for coordinators; for those on other machines, an address of this one, or `0.0.0.0:7700`.
    #[arg(long, value_name = "ADDRESS:PORT", default_value = "127.0.0.1:7700")]
    pub(crate) listen: SocketAddr,
    /// Keep the key in this file, which is made if it is not there, so that the printed address outlives this worker.
    #[arg(long, value_name = "FILE")]
    pub(crate) key_file: Option<PathBuf>,
}

#[derive(Debug, Args)]
pub(crate) struct LoadReportArguments {
    /// Results that `--json` wrote.
    #[arg(value_name = "RESULTS")]
    pub(crate) results: PathBuf,
    #[command(flatten)]
    pub(crate) reports: ReportArguments,
}
#[derive(Debug, Args)]
pub(crate) struct CompareArguments {
    /// The load file, or URL, that is the standard.
    #[arg(value_name = "A")]
    pub(crate) a: String,
    /// The one that is held against it. In the closed model throughput and latency are compared, in the open one latency.
    #[arg(value_name = "B")]
    pub(crate) b: String,
    #[command(flatten)]
    pub(crate) url: UrlArguments,
    /// Longest time for all of it; it ends earlier when enough is known.
    #[arg(long, value_name = "DURATION", value_parser = parse_duration, default_value = "5m")]
    pub(crate) limit: Duration,
    /// Seed of the order of the slices, and of the load.
    #[arg(long, default_value_t = 1)]
    pub(crate) seed: u64,
}
