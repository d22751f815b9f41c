//! Runs a script with its tool and brings the results into our form.
//!
//! The tool runs in a process group that ends with the call, also when the call is dropped or its deadline passes; its files
//! are in a private directory that is removed. Its telemetry is off. Flags that name those files come last, so that the
//! arguments of the caller cannot redirect them.

use std::ffi::OsString;
use std::fs::File;
use std::io;
use std::path::{Path, PathBuf};
use std::time::Duration;

use rustix::fs::{CWD, FileType, Mode, mknodat};
use tempfile::TempDir;
use tokio::task::JoinHandle;

use super::artillery::{self, ArtilleryOutputs};
use super::context::{ParseForeignError, ToolContext};
use super::error::RunForeignError;
use super::k6::{self, K6Outputs};
use super::k6_samples::K6Samples;
use super::launch::{Launcher, ToolEnd};
use super::locust::{self, LocustOutputs};
use super::tool::{ForeignTool, read_script};
use crate::results::model::RunResults;

/// Seconds that Locust gives requests under way at its end; without, they are cut off and counted nowhere.
const LOCUST_STOP_TIMEOUT: &str = "10";
/// What [`k6::results`] reads.
const K6_TREND_STATS: &str = "avg,min,med,max,p(90),p(95),p(99),p(99.9),count";

/// A script to run.
#[derive(Clone, Debug)]
pub struct ForeignRun {
    /// What it is for.
    pub tool: ForeignTool,
    /// Where the tool is; looked up in `PATH` if not given.
    pub program: Option<PathBuf>,
    /// The script.
    pub script: PathBuf,
    /// What to load, if the script leaves that open: `--target` of Artillery, `--host` of Locust, `__ENV.TARGET` of k6.
    pub target: Option<String>,
    /// More arguments of the tool.
    pub arguments: Vec<String>,
    /// Where it runs.
    pub directory: PathBuf,
    /// Longest time for all of it.
    pub deadline: Duration,
}

/// One run under way.
struct Runner<'a> {
    run: &'a ForeignRun,
    launcher: Launcher,
    /// As the tool finds it from any directory.
    script: PathBuf,
    files: TempDir,
    tell: &'a mut dyn FnMut(String),
}

/// The samples of k6 on their way: through a pipe with a name.
struct SampleReader {
    /// Keeps the pipe open until k6 has ended, however often k6 opens and closes it; then the reader comes to an end.
    keep_open: File,
    reading: JoinHandle<Result<K6Samples, ParseForeignError>>,
}

/// Runs a script; `tell` gets the output of the tool line by line. An error says what to do when the tool is missing.
pub async fn run_foreign(
    run: ForeignRun,
    tell: &mut dyn FnMut(String),
) -> Result<RunResults, RunForeignError> {
    let (tool, deadline) = (run.tool, run.deadline);
    let script = std::path::absolute(&run.script)
        .map_err(|source| RunForeignError::Script { path: run.script.clone(), source })?;
    let files = tempfile::Builder::new()
        .prefix("shield-load-")
        .tempdir()
        .map_err(|source| RunForeignError::Results { tool, path: std::env::temp_dir(), source })?;
    if !run.directory.is_dir() {
        return Err(RunForeignError::Directory { tool, path: run.directory });
    }
    let program = run.program.clone().unwrap_or_else(|| tool.program().into());
    let launcher = Launcher { tool, program, directory: run.directory.clone() };
    let mut runner = Runner { run: &run, launcher, script, files, tell };
    let ended = tokio::time::timeout(deadline, runner.results()).await;
    ended.unwrap_or(Err(RunForeignError::Deadline { tool, deadline }))
}

// === impl Runner ===

impl Runner<'_> {
    async fn results(&mut self) -> Result<RunResults, RunForeignError> {
        let script = read_script(&self.script)
            .map_err(|source| RunForeignError::Script { path: self.script.clone(), source })?;
        let version = self.launcher.version().await?;
        match self.run.tool {
            ForeignTool::K6 => self.k6(version).await,
            ForeignTool::Artillery => self.artillery(version, script).await,
            ForeignTool::Locust => self.locust(version).await,
        }
    }

    async fn k6(&mut self, version: String) -> Result<RunResults, RunForeignError> {
        let options = self.k6_options().await?;
        let samples = self.files.path().join("samples");
        let reader = SampleReader::open(&samples).map_err(|source| self.lost(&samples, source))?;
        let summary = self.files.path().join("summary.json");
        let mut arguments: Vec<OsString> =
            vec!["run".into(), "--no-usage-report".into(), "--no-color".into()];
        if let Some(target) = &self.run.target {
            arguments.extend(["--env".into(), format!("TARGET={target}").into()]);
        }
        arguments.extend(self.run.arguments.iter().map(OsString::from));
        // Without its own API, which would need a port.
        arguments.extend(["--address".into(), OsString::new()]);
        arguments.extend(["--summary-trend-stats".into(), K6_TREND_STATS.into()]);
        arguments.extend(["--summary-export".into(), summary.clone().into()]);
        arguments.extend(["--out".into(), joined("csv=", &samples), self.script.clone().into()]);
        let environment = vec![("K6_CSV_TIME_FORMAT", "unix_milli".into())];
        let ended = self.launcher.run(arguments, environment, self.tell).await?;
        let summary = self.read(&summary, &ended)?;
        let samples = reader.finish().await.map_err(|source| self.misunderstood(source))?;
        let context = self.context(version, &ended);
        let outputs = K6Outputs { summary: &summary, options: &options, samples };
        k6::results(&context, outputs).map_err(|source| self.misunderstood(source))
    }

    /// The options of the script, as k6 sees them with these arguments; those that make users loop override its scenarios.
    async fn k6_options(&mut self) -> Result<String, RunForeignError> {
        let given = |names: &[&str]| {
            self.run
                .arguments
                .iter()
                .any(|argument| names.contains(&argument.split('=').next().unwrap_or_default()))
        };
        if given(&["-u", "--vus", "-d", "--duration", "-i", "--iterations", "-s", "--stage"]) {
            return Ok("{}".to_owned());
        }
        let mut arguments: Vec<OsString> = vec!["inspect".into()];
        let target = self.run.target.iter().map(|target| format!("--env=TARGET={target}"));
        arguments.extend(target.chain(environment_arguments(&self.run.arguments)).map(OsString::from));
        arguments.push(self.script.clone().into());
        self.launcher.ask(arguments).await
    }

    async fn artillery(&mut self, version: String, script: String) -> Result<RunResults, RunForeignError> {
        let report = self.files.path().join("report.json");
        let mut arguments: Vec<OsString> = vec!["run".into()];
        if let Some(target) = &self.run.target {
            arguments.extend(["--target".into(), target.into()]);
        }
        arguments.extend(self.run.arguments.iter().map(OsString::from));
        arguments.extend(["--output".into(), report.clone().into(), self.script.clone().into()]);
        let ended = self.launcher.run(arguments, Vec::new(), self.tell).await?;
        let report = self.read(&report, &ended)?;
        let script = format!("{script}\n{}", self.run.arguments.join("\n"));
        let outputs = ArtilleryOutputs { report: &report, ensured: &ended.ensured, script: &script };
        let context = self.context(version, &ended);
        artillery::results(&context, &outputs).map_err(|source| self.misunderstood(source))
    }

    async fn locust(&mut self, version: String) -> Result<RunResults, RunForeignError> {
        let file = |name: &str| self.files.path().join(name);
        // Locust appends the extension by itself.
        let (statistics, csv) = (file("statistics"), file("run"));
        let mut arguments: Vec<OsString> = vec!["--locustfile".into(), self.script.clone().into()];
        arguments.extend(["--stop-timeout".into(), LOCUST_STOP_TIMEOUT.into()]);
        if let Some(target) = &self.run.target {
            arguments.extend(["--host".into(), target.into()]);
        }
        arguments.extend(self.run.arguments.iter().map(OsString::from));
        arguments.extend(["--headless".into(), "--only-summary".into(), "--csv-full-history".into()]);
        arguments.extend(["--csv".into(), csv.into(), "--json-file".into(), statistics.into()]);
        let ended = self.launcher.run(arguments, Vec::new(), self.tell).await?;
        let read = |name: &str| self.read(&self.files.path().join(name), &ended);
        let (statistics, history) = (read("statistics.json")?, read("run_stats_history.csv")?);
        let (failures, exceptions) = (read("run_failures.csv")?, read("run_exceptions.csv")?);
        let outputs = LocustOutputs {
            statistics: &statistics,
            history: &history,
            failures: &failures,
            exceptions: &exceptions,
        };
        locust::results(&self.context(version, &ended), &outputs).map_err(|source| self.misunderstood(source))
    }

    fn context(&self, version: String, ended: &ToolEnd) -> ToolContext {
        let name = self.script.file_stem().unwrap_or_default().to_string_lossy().into_owned();
        let target = self.run.target.clone();
        let (started_at, elapsed, exit_code) = (ended.started_at, ended.elapsed, ended.exit_code);
        ToolContext { name, target, version, started_at, elapsed, exit_code }
    }

    /// A file that the tool was told to write; one that it did not write means that it did not run the script.
    fn read(&self, path: &Path, ended: &ToolEnd) -> Result<String, RunForeignError> {
        std::fs::read_to_string(path).map_err(|source| match source.kind() {
            io::ErrorKind::NotFound => RunForeignError::NoResults {
                tool: self.run.tool,
                status: ended.status.clone(),
                said: ended.tail.join("\n"),
            },
            _ => self.lost(path, source),
        })
    }

    fn lost(&self, path: &Path, source: io::Error) -> RunForeignError {
        RunForeignError::Results { tool: self.run.tool, path: path.into(), source }
    }

    fn misunderstood(&self, source: ParseForeignError) -> RunForeignError {
        RunForeignError::Parse { tool: self.run.tool, source }
    }
}

/// `-e NAME=value`, `--env NAME=value` and `--env=NAME=value` among the arguments, all in the last form.
fn environment_arguments(arguments: &[String]) -> impl Iterator<Item = String> {
    arguments.iter().enumerate().filter_map(|(index, argument)| {
        if matches!(argument.as_str(), "-e" | "--env") {
            return arguments.get(index + 1).map(|value| format!("--env={value}"));
        }
        argument.starts_with("--env=").then(|| argument.clone())
    })
}

fn joined(text: &str, path: &Path) -> OsString {
    let mut joined = OsString::from(text);
    joined.push(path);
    joined
}

// === impl SampleReader ===

impl SampleReader {
    fn open(path: &Path) -> io::Result<Self> {
        mknodat(CWD, path, FileType::Fifo, Mode::RUSR | Mode::WUSR, 0)?;
        let keep_open = File::options().read(true).write(true).open(path)?;
        let samples = File::open(path)?;
        let reading = tokio::task::spawn_blocking(move || {
            let read = K6Samples::read(&samples);
            // Also after a mistake, or k6 would wait for ever to get rid of the rest.
            let _ = io::copy(&mut &samples, &mut io::sink());
            read
        });
        Ok(Self { keep_open, reading })
    }

    async fn finish(self) -> Result<K6Samples, ParseForeignError> {
        drop(self.keep_open);
        self.reading.await.expect("reading samples does not panic and is not aborted")
    }
}
