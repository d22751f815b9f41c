//! How an audit goes on, and what it says.

use std::{
    io::IsTerminal,
    sync::Mutex,
    time::{Duration, Instant},
};

use anstyle::AnsiColor;
use serde::Serialize;
use shield_audit::{
    audit::Progress,
    report::{self, Criteria, Outcome, Report, text::text},
};

use super::{
    json as json_line,
    write::{say, tell},
};
use crate::cli::OutputFormat;

/// On a terminal, the live line changes at most this often; elsewhere a line is told so often.
const REDRAW: Duration = Duration::from_millis(80);
const HEARTBEAT: Duration = Duration::from_secs(10);

/// What scripts read.
#[derive(Serialize)]
struct Audited<R> {
    event: &'static str,
    report: R,
}

enum Mode {
    Terminal,
    Plain,
    Json,
}

/// Tells how an audit goes on, from whatever thread.
pub(crate) struct Meter {
    mode: Mode,
    told: Mutex<Instant>,
}

// === impl Meter ===

impl Meter {
    pub(crate) fn new(format: OutputFormat) -> Self {
        let mode = match format {
            OutputFormat::Json => Mode::Json,
            OutputFormat::Text if std::io::stderr().is_terminal() => Mode::Terminal,
            OutputFormat::Text => Mode::Plain,
        };
        Self { mode, told: Mutex::new(Instant::now()) }
    }

    pub(crate) fn tell(&self, progress: Progress) {
        // One may take minutes in which nothing else is told.
        if let Progress::Scanner { name, number, all } = progress {
            return self.at_once(&format!("running {name} ({number} of {all})"));
        }
        self.line(|| match progress {
            Progress::Walked { files } => format!("{files} files"),
            Progress::Files { done, all } => format!("read {done} of {all} files"),
            Progress::History { blobs } => format!("read {blobs} files of the history"),
            Progress::Flows => "following data".to_owned(),
            Progress::Imports => "following imports".to_owned(),
            Progress::Packages => "looking up packages".to_owned(),
            Progress::Scanner { name, .. } => format!("running {name}"),
        });
    }

    fn at_once(&self, line: &str) {
        match self.mode {
            Mode::Terminal => eprint_live(line),
            Mode::Plain => tell!("{line}"),
            Mode::Json => {}
        }
    }

    /// Tells a line, unless the last one was told just now.
    pub(crate) fn line(&self, line: impl FnOnce() -> String) {
        let every = match self.mode {
            Mode::Terminal => REDRAW,
            Mode::Plain => HEARTBEAT,
            Mode::Json => return,
        };
        // Another thread tells already.
        let Ok(mut told) = self.told.try_lock() else { return };
        if told.elapsed() < every {
            return;
        }
        *told = Instant::now();
        let line = line();
        match self.mode {
            Mode::Terminal => eprint_live(&line),
            Mode::Plain | Mode::Json => tell!("{line}"),
        }
    }

    /// Clears the live line.
    pub(crate) fn finish(&self) {
        if matches!(self.mode, Mode::Terminal) {
            eprint_live("");
        }
    }
}

fn eprint_live(line: &str) {
    super::write::to_stderr(format_args!("\r\x1b[2K{line}"));
}

/// The report for people, or all of it for scripts.
pub(crate) fn print(report: &Report, criteria: &Criteria, format: OutputFormat) {
    match format {
        OutputFormat::Json => {
            json_line(&Audited { event: "audited", report: report::document(report, criteria) });
        }
        OutputFormat::Text => {
            let color = match report.outcome(criteria) {
                Outcome::Clean => AnsiColor::Green,
                Outcome::Incomplete => AnsiColor::Yellow,
                Outcome::Found | Outcome::FoundAndIncomplete => AnsiColor::Red,
            };
            let (style, text) = (color.on_default(), text(report, criteria));
            let (verdict, rest) = text.split_once('\n').unwrap_or((&text, ""));
            say!("{style}{verdict}{style:#}");
            say!("{}", rest.trim_end());
        }
    }
}
