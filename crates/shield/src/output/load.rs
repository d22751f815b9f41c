//! A run while it goes on, and its results.

use std::{
    io::IsTerminal,
    time::{Duration, Instant},
};

use anstyle::{AnsiColor, Style};
use rustix::termios::tcgetwinsize;
use shield_load::output::{LiveHeader, LiveView, SoFar, plain_line, text};
use shield_load::{
    Comparison, FileModel, IntervalEnded, LatencySummary, Leftovers, LoadFile, RunResults, Stop, Totals,
    Verdict,
};

use super::{
    json_pretty,
    write::{say, tell, to_stderr},
};
use crate::cli::OutputFormat;

/// Without a terminal, a run says at least this often how it goes.
const HEARTBEAT: Duration = Duration::from_secs(5);
/// Size of a terminal that does not tell.
const COLUMNS: u16 = 80;
const ROWS: u16 = 24;

/// Shows a run on stderr: frames on a terminal, lines elsewhere.
pub(crate) struct Progress {
    mode: Mode,
    told: Instant,
}

enum Mode {
    /// The view, and how many lines of it are on the screen.
    Frames(Box<LiveView>, usize),
    Lines,
}

// === impl Progress ===

impl Progress {
    pub(crate) fn new(header: LiveHeader) -> Self {
        let mode = if std::io::stderr().is_terminal() {
            let (columns, rows) = terminal_size();
            Mode::Frames(Box::new(LiveView::new(columns, rows, header)), 0)
        } else {
            Mode::Lines
        };
        Self { mode, told: Instant::now() }
    }

    /// Takes one interval.
    pub(crate) fn tell(&mut self, ended: &IntervalEnded<'_>) {
        let so_far = so_far(ended);
        match &mut self.mode {
            Mode::Frames(view, lines) => {
                let (columns, rows) = terminal_size();
                view.resize(columns, rows);
                view.update(*ended.point, so_far);
                *lines = redraw(&view.render(), *lines);
            }
            Mode::Lines if self.told.elapsed() >= HEARTBEAT => {
                self.told = Instant::now();
                tell!("{}", plain_line(ended.point, &so_far, ended.interval_s));
            }
            Mode::Lines => {}
        }
    }

    /// Takes the last frame away.
    pub(crate) fn finish(&mut self) {
        if let Mode::Frames(_, lines) = &mut self.mode {
            *lines = redraw("", *lines);
        }
    }
}

/// Draws over what is there, and gives the number of its lines.
fn redraw(frame: &str, lines_before: usize) -> usize {
    let mut drawn = String::new();
    if lines_before > 0 {
        drawn.push_str(&format!("\x1b[{lines_before}F"));
    }
    for line in frame.lines() {
        drawn.push_str(line);
        drawn.push_str("\x1b[K\n");
    }
    drawn.push_str("\x1b[J");
    to_stderr(format_args!("{drawn}"));
    frame.lines().count()
}

fn terminal_size() -> (usize, usize) {
    let size = tcgetwinsize(std::io::stderr()).ok();
    let or = |told: Option<u16>, default| usize::from(told.filter(|told| *told > 0).unwrap_or(default));
    (or(size.map(|size| size.ws_col), COLUMNS), or(size.map(|size| size.ws_row), ROWS))
}

fn so_far(ended: &IntervalEnded<'_>) -> SoFar {
    let counters = ended.sample.counters;
    let active = ended.faults.iter().filter(|fault| fault.began_s.is_some() && fault.undone_s.is_none());
    SoFar {
        totals: Totals {
            offered: ended.sample.offered,
            answered: counters.answered,
            failed: counters.failed,
            unsent: 0,
            iterations: Some(counters.iterations),
            connections: Some(counters.connections),
        },
        latency: LatencySummary::of(&ended.sample.latency),
        faults: active.map(|fault| fault.name.clone()).collect(),
    }
}

/// What is known before a run.
pub(crate) fn header(file: &LoadFile) -> LiveHeader {
    let planned = match &file.model {
        FileModel::Open { schedule, .. } => Some(schedule.duration()),
        FileModel::Closed { stop: Stop::After(duration), .. } => Some(*duration),
        FileModel::Closed { .. } => None,
    };
    LiveHeader {
        name: file.name.clone(),
        target: file.target.authority.clone(),
        planned_s: planned.map(|planned| planned.as_secs_f64()),
        interval_s: 1.0,
    }
}

/// What an earlier run left and was undone now.
pub(crate) fn leftovers(left: &Leftovers) {
    if left.undone > 0 {
        tell!("undid {} faults that an earlier run had left", left.undone);
    }
    for failed in &left.failed {
        tell!("WARNING: a fault that an earlier run had left is not undone: {failed}");
    }
}

/// A line that another tool printed.
pub(crate) fn foreign_line(line: &str) {
    tell!("  {line}");
}

/// The summary, or all of it for scripts.
pub(crate) fn results(results: &RunResults, format: OutputFormat) {
    match format {
        OutputFormat::Json => json_pretty(results),
        OutputFormat::Text => {
            let style = style(results.verdict);
            let summary = text(results);
            let (verdict, rest) = summary.split_once('\n').unwrap_or((&summary, ""));
            say!("{style}{verdict}{style:#}");
            say!("{}", rest.trim_end());
        }
    }
}

fn style(verdict: Verdict) -> Style {
    match verdict {
        Verdict::Passed => AnsiColor::Green.on_default(),
        Verdict::Aborted => AnsiColor::Yellow.on_default(),
        Verdict::Failed | Verdict::Invalid | Verdict::Unreachable => AnsiColor::Red.on_default(),
    }
}

/// What two variants differ in.
pub(crate) fn comparison(comparison: &Comparison, format: OutputFormat) {
    match format {
        OutputFormat::Json => json_pretty(comparison),
        OutputFormat::Text => say!("{comparison}"),
    }
}
