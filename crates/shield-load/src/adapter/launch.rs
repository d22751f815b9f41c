//! Starts a foreign tool, passes its output on and says how it ended.
//!
//! What it prints is bounded: so many lines a second reach whoever watches, and so many of the last ones an error.

use std::ffi::OsString;
use std::io;
use std::path::PathBuf;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use shield_types::Timestamp;

use super::artillery_script::EnsureLine;
use super::error::RunForeignError;
use super::process::ToolCommand;
use super::tool::ForeignTool;

/// Lines of output that an error shows.
const TAIL_LINES: usize = 20;
/// Lines that are told in one second; more are left out, and counted.
const LINES_PER_SECOND_MAX: u32 = 50;
/// Thresholds of `ensure` that are kept.
const ENSURED_MAX: usize = 1_000;
/// Longest wait for the version of a tool, and for the options of a script.
const ASK: Duration = Duration::from_secs(60);
/// As much of an answer as is read.
const ANSWER_BYTES_MAX: usize = 1 << 20;

/// A tool that can be started.
pub(super) struct Launcher {
    pub(super) tool: ForeignTool,
    pub(super) program: PathBuf,
    pub(super) directory: PathBuf,
}

/// How a tool ended.
pub(super) struct ToolEnd {
    pub(super) exit_code: i32,
    pub(super) status: String,
    pub(super) tail: Vec<String>,
    pub(super) ensured: Vec<EnsureLine>,
    pub(super) started_at: Timestamp,
    pub(super) elapsed: Duration,
}

/// Lets through as many lines a second as people can follow.
struct Gate<'a> {
    tell: &'a mut dyn FnMut(String),
    began: Instant,
    passed: u32,
    left_out: u64,
}

// === impl Launcher ===

impl Launcher {
    fn command(&self, arguments: Vec<OsString>, environment: Vec<(&'static str, OsString)>) -> ToolCommand {
        let quiet = [("ARTILLERY_DISABLE_TELEMETRY", "true"), ("NO_UPDATE_NOTIFIER", "1"), ("NO_COLOR", "1")];
        let quiet = quiet.into_iter().map(|(name, value)| (name, value.into()));
        ToolCommand {
            program: self.program.clone(),
            arguments,
            environment: quiet.chain(environment).collect(),
        }
    }

    fn not_started(&self, source: io::Error) -> RunForeignError {
        let tool = self.tool;
        match source.kind() {
            io::ErrorKind::NotFound => RunForeignError::MissingTool { tool, program: self.program.clone() },
            _ => RunForeignError::Start { tool, source },
        }
    }

    /// The first word of the output that looks like a version.
    pub(super) async fn version(&self) -> Result<String, RunForeignError> {
        let argument = if self.tool == ForeignTool::K6 { "version" } else { "--version" };
        let said = self.ask(vec![argument.into()]).await?;
        let version = said
            .split_whitespace()
            .map(|word| word.trim_start_matches('v'))
            .find(|word| word.starts_with(|first: char| first.is_ascii_digit()) && word.contains('.'));
        Ok(version.unwrap_or("of unknown version").to_owned())
    }

    /// What the tool prints when it is asked something.
    pub(super) async fn ask(&self, arguments: Vec<OsString>) -> Result<String, RunForeignError> {
        let tool = self.tool;
        let mut said = String::new();
        let mut observe = |line: &str| {
            if said.len() < ANSWER_BYTES_MAX {
                said.push_str(line);
                said.push('\n');
            }
        };
        let command = self.command(arguments, Vec::new());
        let status = tokio::time::timeout(ASK, command.run(&self.directory, &mut observe)).await;
        let status = status.map_err(|_| RunForeignError::Deadline { tool, deadline: ASK })?;
        let status = status.map_err(|source| self.not_started(source))?;
        if status.success() {
            return Ok(said);
        }
        Err(RunForeignError::NoResults { tool, status: status.to_string(), said: said.trim_end().to_owned() })
    }

    pub(super) async fn run(
        &self,
        arguments: Vec<OsString>,
        environment: Vec<(&'static str, OsString)>,
        tell: &mut dyn FnMut(String),
    ) -> Result<ToolEnd, RunForeignError> {
        let command = self.command(arguments, environment);
        let began = Instant::now();
        let started_at = now();
        let (mut tail, mut ensured, mut ensuring) = (Vec::new(), Vec::new(), false);
        let mut gate = Gate::new(tell);
        let mut observe = |line: &str| {
            ensuring = ensuring || line == "Checks:";
            if ensuring && ensured.len() < ENSURED_MAX {
                ensured.extend(EnsureLine::parse(line));
            }
            if tail.len() == TAIL_LINES {
                tail.remove(0);
            }
            tail.push(line.to_owned());
            gate.pass(line);
        };
        let ran = command.run(&self.directory, &mut observe).await;
        gate.finish();
        let status = ran.map_err(|source| self.not_started(source))?;
        // A tool that was killed from outside has no code; its results, if it left any, are of a run that was cut off.
        let Some(exit_code) = status.code() else {
            return Err(RunForeignError::NoResults {
                tool: self.tool,
                status: status.to_string(),
                said: tail.join("\n"),
            });
        };
        let status = status.to_string();
        Ok(ToolEnd { exit_code, status, tail, ensured, started_at, elapsed: began.elapsed() })
    }
}

fn now() -> Timestamp {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    Timestamp(u64::try_from(since.as_millis()).unwrap_or(u64::MAX))
}

// === impl Gate ===

impl<'a> Gate<'a> {
    fn new(tell: &'a mut dyn FnMut(String)) -> Self {
        Self { tell, began: Instant::now(), passed: 0, left_out: 0 }
    }

    fn pass(&mut self, line: &str) {
        if self.began.elapsed() >= Duration::from_secs(1) {
            self.finish();
            (self.began, self.passed) = (Instant::now(), 0);
        }
        if self.passed < LINES_PER_SECOND_MAX {
            self.passed += 1;
            (self.tell)(line.to_owned());
        } else {
            self.left_out += 1;
        }
    }

    fn finish(&mut self) {
        if self.left_out > 0 {
            (self.tell)(format!("… {} lines left out", self.left_out));
            self.left_out = 0;
        }
    }
}
