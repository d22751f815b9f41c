//! The command line.

mod audit;
mod bench;
mod drill;
mod load;

use std::path::PathBuf;

use clap::{Args, Parser, Subcommand, ValueEnum};

pub(crate) use audit::{AuditArguments, AuditFileArguments};
pub(crate) use bench::BenchArguments;
pub(crate) use drill::{DrillCommand, DrillRunArguments};
pub(crate) use load::{
    CompareArguments, LoadArguments, LoadCommand, LoadReportArguments, LoadRunArguments, LoadWorkerArguments,
    ReportArguments, UrlArguments,
};

/// Takes a web backend to production and keeps it there.
#[derive(Debug, Parser)]
#[command(name = "shield", version, about, max_term_width = 110, after_help = EXIT_CODES)]
#[command(arg_required_else_help = true)]
pub(crate) struct Cli {
    #[command(flatten)]
    pub(crate) place: Place,
    /// How results are printed: text for people, JSON for scripts.
    #[arg(long, global = true, value_enum, default_value_t = OutputFormat::Text)]
    pub(crate) output_format: OutputFormat,
    #[command(subcommand)]
    pub(crate) command: Command,
}

const EXIT_CODES: &str = "\
Exit codes:
  0  done: what the command promises holds
  1  unexpected: a bug (please report it), or a result that could not be printed
  2  usage: the command line or shield.toml is wrong (every mistake is listed); a drill was refused
  3  a stage failed: build, test, audit, bench, staging, smoke, load or drill
  4  the release failed: taken back, or kept because there was nothing to go back to
  5  busy: another release, pipeline or drill is under way (its holder is named), or a worker has another run
  6  the control plane is not running, or cannot start (an occupied port names its holder)
  7  the evidence log does not verify
  8  state could not be recorded (disk full?); nothing was done, what runs keeps running;
      or the index of advisories or the baseline could not be written, and is as it was
  9  state was damaged and has been rebuilt from what runs; run the command again
  10  a threshold, a check of the ledger, a drill's hypothesis or a component's target did not hold, or a comparison found a regression;
      or the audit found something that counts
  11  the target answered nothing at all, or advisories could not be fetched whole: the index is as it was
  12  the run is invalid: the generator was the bottleneck, a worker is missing, or `bench` was answered 429; it says nothing about the target
  13  the run or drill was ended early by its abort condition
  14  the audit found nothing that counts, but could not look at everything (it lists what is missing);
      or a replay could not judge every entry
  15  the audit found something that counts, and could not look at everything
  130  interrupted (Ctrl-C); a release under way goes on, a drill was undone";

/// Where the project and its state are.
#[derive(Clone, Debug, Args)]
pub(crate) struct Place {
    /// The directory of shield.toml.
    #[arg(long, global = true, value_name = "DIR", default_value = ".", env = "SHIELD_PROJECT")]
    pub(crate) project: PathBuf,
    /// The state directory [default: .shield in the project].
    #[arg(long, global = true, value_name = "DIR", env = "SHIELD_STATE")]
    pub(crate) state: Option<PathBuf>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum OutputFormat {
    /// For people.
    Text,
    /// For scripts: JSON on stdout, one value (or one line per event).
    Json,
}

#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Write a shield.toml by looking at the directory, and say what was guessed.
    Init(InitArguments),
    /// Build, test, stage, smoke-test, release and watch this project; starts the control plane if none runs.
    Ship,
    /// Start the control plane (and with it the edge and the live release), or confirm that it runs.
    Up(UpArguments),
    /// Drain the edge, stop every instance and the control plane. The live release is remembered.
    Down,
    /// Release the artifact without the stages before (no build, no test, no staging).
    Release(ReleaseArguments),
    /// Take back the release under way in one swap, or bring an earlier release back from the store.
    Rollback(RollbackArguments),
    /// What runs now.
    Status,
    /// Finished releases, newest first.
    History,
    /// Show a log: of an instance, a release, `edge`, `control`, `build` or `test`.
    Logs(LogsArguments),
    /// Signed statements of what was proved.
    #[command(subcommand)]
    Evidence(EvidenceCommand),
    /// Send load to a service, measure it honestly, and say whether it held.
    Load(Box<LoadArguments>),
    /// Find what is wrong with a project's code, its packages and its secrets, and what of it matters.
    Audit(Box<AuditArguments>),
    /// Measure what each security component costs, against what it may cost.
    Bench(BenchArguments),
    /// Break something on purpose, and see whether what is promised about it is true.
    #[command(subcommand)]
    Drill(DrillCommand),
    /// The process that undoes faults, whatever becomes of the one that wanted them (started by `load` and `drill`).
    #[command(hide = true)]
    FaultGuard,
    /// The control-plane process (started by `up` and `ship`).
    #[command(hide = true)]
    Control(ControlArguments),
    /// The edge process (started by the control plane).
    #[command(hide = true)]
    Edge(EdgeArguments),
}

#[derive(Debug, Args)]
pub(crate) struct InitArguments {
    /// Replace a shield.toml that exists.
    #[arg(long)]
    pub(crate) force: bool,
}

#[derive(Debug, Args)]
pub(crate) struct UpArguments {
    /// Replace a control plane and an edge that run from another shield binary, without dropping a request.
    #[arg(long)]
    pub(crate) upgrade: bool,
}

#[derive(Debug, Args)]
pub(crate) struct ReleaseArguments {
    /// File or directory to release [default: stage.build.artifact of shield.toml].
    #[arg(long, value_name = "PATH")]
    pub(crate) artifact: Option<PathBuf>,
}

#[derive(Debug, Args)]
pub(crate) struct RollbackArguments {
    /// The finished release to bring back [default: take back what is under way, else the one before].
    #[arg(long, value_name = "RELEASE")]
    pub(crate) to: Option<String>,
}

#[derive(Debug, Args)]
pub(crate) struct LogsArguments {
    /// Instance or release id (or the start of one), `edge`, `control`, `build` or `test` [default: the live release].
    pub(crate) name: Option<String>,
    /// How many lines from the end, 1 to 10000.
    #[arg(long, short = 'n', default_value_t = 50, value_parser = clap::value_parser!(u16).range(1..=10_000))]
    pub(crate) lines: u16,
    /// Keep printing what is appended, until interrupted.
    #[arg(long, short)]
    pub(crate) follow: bool,
}

#[derive(Debug, Subcommand)]
pub(crate) enum EvidenceCommand {
    /// Every statement, in one line each.
    List,
    /// One statement, whole, with its signed envelope.
    Show {
        /// Its place in the log, from 0.
        index: u64,
    },
    /// Check every byte of the log.
    Verify {
        /// A checkpoint that was kept elsewhere, as `SIZE:ROOT`; without one, a log cut short cannot be told.
        #[arg(long, value_name = "SIZE:ROOT")]
        expect: Option<shield_evidence::TrustedCheckpoint>,
        /// The public key to trust [default: the one beside the log].
        #[arg(long, value_name = "FILE")]
        public_key: Option<PathBuf>,
    },
}

#[derive(Debug, Args)]
pub(crate) struct ControlArguments {
    /// The state directory.
    #[arg(long = "root", value_name = "DIR")]
    pub(crate) root: PathBuf,
}

#[derive(Debug, Args)]
pub(crate) struct EdgeArguments {
    /// The control socket to bind.
    #[arg(long, value_name = "PATH")]
    pub(crate) socket: PathBuf,
}

/// What clap says of a command line repeats arguments; of those with a `#` only what stands before it, for the rest is a worker's
/// key that stands in the wrong place.
pub(crate) fn without_keys(said: String, arguments: impl Iterator<Item = String>) -> String {
    let arguments: Vec<String> = arguments.collect();
    let parts = arguments.iter().flat_map(|argument| argument.split(','));
    let keys = parts.filter_map(|part| part.split_once('#')).map(|(_, key)| key);
    keys.filter(|key| !key.is_empty()).fold(said, |said, key| said.replace(&format!("#{key}"), "#…"))
}

/// True when a command line that could not be parsed asked for JSON.
pub(crate) fn json_was_asked_for(arguments: impl Iterator<Item = String>) -> bool {
    let arguments: Vec<String> = arguments.collect();
    arguments.windows(2).any(|pair| pair[0] == "--output-format" && pair[1] == "json")
        || arguments.iter().any(|argument| argument == "--output-format=json")
}
