//! Progress: a live line on a terminal, plain lines elsewhere, JSON lines for scripts.

use std::{
    io::IsTerminal,
    time::{Duration, Instant},
};

use anstyle::{AnsiColor, Style};
use serde_json::json;
use shield_control::pipeline::{PipelineEvent, StageFailure, StageName, StageResult};
use shield_release::FinishedRelease;

use super::{
    json,
    write::{self, say, tell},
};
use crate::cli::OutputFormat;

/// Without a terminal, a long stage says at least this often that it is alive.
const HEARTBEAT: Duration = Duration::from_secs(10);
/// On a terminal, the live line changes at most this often.
const REDRAW: Duration = Duration::from_millis(80);

const GOOD: Style = AnsiColor::Green.on_default();
const BAD: Style = AnsiColor::Red.on_default();
const DIM: Style = Style::new().dimmed();

enum Mode {
    Terminal,
    Plain,
    Json,
}

/// Tells how a command goes on.
pub(crate) struct Reporter {
    mode: Mode,
    stage_began: Instant,
    told: Instant,
    stage: Option<StageName>,
    live_line: bool,
}

// === impl Reporter ===

impl Reporter {
    pub(crate) fn new(format: OutputFormat) -> Self {
        let mode = match format {
            OutputFormat::Json => Mode::Json,
            OutputFormat::Text if std::io::stderr().is_terminal() => Mode::Terminal,
            OutputFormat::Text => Mode::Plain,
        };
        let now = Instant::now();
        Self { mode, stage_began: now, told: now, stage: None, live_line: false }
    }

    /// Takes one event of the pipeline.
    pub(crate) fn tell(&mut self, event: PipelineEvent) {
        if matches!(self.mode, Mode::Json) {
            return json(&event);
        }
        match event {
            PipelineEvent::Began { stage, text } => self.began(stage, &text),
            PipelineEvent::Output { stage, line } => self.alive(stage, &line),
            PipelineEvent::Note { stage, text } => self.note(stage, &text),
            PipelineEvent::Artifact { digest } => self.line(&format!("artifact {digest}")),
            PipelineEvent::Passed { result } => self.passed(&result),
            PipelineEvent::Skipped { result } => self.skipped(&result),
            PipelineEvent::Failed { failure } => self.failed(&failure),
        }
    }

    fn began(&mut self, stage: StageName, text: &str) {
        if self.stage != Some(stage) {
            self.stage_began = Instant::now();
        }
        self.stage = Some(stage);
        self.line(&format!("{stage:8} {DIM}{text}{DIM:#}"));
    }

    /// A line of a command's output: shown as a sign of life, not kept.
    fn alive(&mut self, stage: StageName, line: &str) {
        let interval = if matches!(self.mode, Mode::Terminal) { REDRAW } else { HEARTBEAT };
        if self.told.elapsed() < interval || line.trim().is_empty() {
            return;
        }
        self.told = Instant::now();
        let elapsed = self.stage_began.elapsed().as_secs();
        let shown: String =
            line.trim().chars().filter(|character| !character.is_control()).take(90).collect();
        match self.mode {
            Mode::Terminal => {
                write::to_stderr(format_args!("\r\x1b[K{stage:8} {DIM}{elapsed}s  {shown}{DIM:#}"));
                self.live_line = true;
            }
            Mode::Plain | Mode::Json => self.line(&format!("{stage:8} still running ({elapsed}s): {shown}")),
        }
    }

    fn note(&mut self, stage: StageName, text: &str) {
        self.line(&format!("{stage:8} {text}"));
    }

    fn passed(&mut self, result: &StageResult) {
        let took = result.took.as_secs_f64();
        self.line(&format!("{:8} {GOOD}passed{GOOD:#} in {took:.1}s: {}", result.stage, result.summary));
    }

    fn skipped(&mut self, result: &StageResult) {
        self.line(&format!("{:8} {DIM}skipped{DIM:#}: {}", result.stage, result.summary));
    }

    fn failed(&mut self, failure: &StageFailure) {
        self.line(&format!("{:8} {BAD}failed{BAD:#}: {}", failure.stage, failure.reason));
        for line in &failure.output {
            self.line(&format!("         | {line}"));
        }
        self.line(&format!("  hint: {}", failure.hint));
    }

    /// A line for people; nothing in JSON mode.
    pub(crate) fn line(&mut self, text: &str) {
        if matches!(self.mode, Mode::Json) {
            return;
        }
        self.finish();
        self.told = Instant::now();
        tell!("{text}");
    }

    /// The result of a command about one release.
    pub(crate) fn result(&mut self, finished: &FinishedRelease, text: &str) {
        match self.mode {
            Mode::Json => json(&json!({ "event": "finished", "release": finished })),
            Mode::Terminal | Mode::Plain => say!("{text}"),
        }
    }

    /// Leaves no live line behind.
    pub(crate) fn finish(&mut self) {
        if std::mem::replace(&mut self.live_line, false) {
            write::to_stderr(format_args!("\r\x1b[K"));
        }
    }
}
