//! `shield drill`: the list, how a drill goes on, what it found.

use anstyle::{AnsiColor, Style};
use serde_json::json;
use shield_control::drill::{Drill, DrillEvent, DrillName, DrillOutcome, DrillReport};
use shield_types::{EnvironmentName, format_duration};

use super::{
    json, json_pretty,
    write::{say, tell},
};
use crate::cli::OutputFormat;

/// Tells how drills go on: to people on stderr, to scripts on stdout.
pub(crate) struct DrillReporter {
    format: OutputFormat,
}

// === impl DrillReporter ===

impl DrillReporter {
    pub(crate) fn new(format: OutputFormat) -> Self {
        Self { format }
    }

    pub(crate) fn tell(&mut self, event: DrillEvent) {
        match (self.format, event) {
            (OutputFormat::Json, event) => json(&event),
            (OutputFormat::Text, DrillEvent::Began { drill }) => {
                line(drill.name, &drill.hypothesis);
                line(drill.name, &format!("may hurt: {}", drill.blast_radius));
                line(drill.name, "measuring the steady state");
            }
            (OutputFormat::Text, DrillEvent::Note { drill, text }) => line(drill, &text),
            (OutputFormat::Text, DrillEvent::Skipped { drill, reason }) => {
                line(drill, &format!("skipped: {reason}"));
            }
            (OutputFormat::Text, DrillEvent::Ended { report }) => print_report(&report),
        }
    }

    /// The end of all drills.
    pub(crate) fn finish(&self, reports: &[DrillReport]) {
        let checkpoint = reports.last().map(|report| report.checkpoint.as_str());
        match self.format {
            OutputFormat::Json => {
                let drills: Vec<_> = reports
                    .iter()
                    .map(|report| json!({ "drill": report.drill.name, "outcome": report.outcome, "reasons": report.reasons }))
                    .collect();
                json(&json!({ "event": "finished", "drills": drills, "checkpoint": checkpoint }));
            }
            OutputFormat::Text => {
                if let Some(checkpoint) = checkpoint {
                    say!("signed and recorded; shield evidence verify --expect {checkpoint}");
                }
            }
        }
    }
}

fn line(drill: DrillName, text: &str) {
    tell!("{drill:15} {text}");
}

fn print_report(report: &DrillReport) {
    let style = style(report.outcome);
    say!(
        "{style}{}{style:#}  {} ({})",
        report.outcome.as_str().to_uppercase(),
        report.drill.name,
        report.release
    );
    say!("  {}", report.drill.hypothesis);
    for reason in &report.reasons {
        say!("  because: {reason}");
    }
    for check in &report.checks {
        let met = if check.held { "met" } else { "NOT MET" };
        say!("  {:28} {:24} {met}: {}", check.name, check.limit, check.measured);
    }
    let times = report.times;
    for (name, seconds) in [
        ("reported by the control plane", times.detected_after_s),
        ("first second worse than before", times.degraded_after_s),
        ("first second as before again", times.recovered_after_s),
        ("everything as before", times.restored_after_s),
    ] {
        let shown = seconds.map_or_else(|| "not seen".to_owned(), |seconds| format!("after {seconds:.1} s"));
        say!("  {name:32} {shown}");
    }
    for warning in &report.results.warnings {
        say!("  note: {warning}");
    }
}

fn style(outcome: DrillOutcome) -> Style {
    match outcome {
        DrillOutcome::Held => AnsiColor::Green.on_default(),
        DrillOutcome::Aborted | DrillOutcome::Interrupted => AnsiColor::Yellow.on_default(),
        DrillOutcome::NotHeld | DrillOutcome::Invalid => AnsiColor::Red.on_default(),
    }
}

/// What each drill does, and where drills are allowed.
pub(crate) fn print_list(drills: &[Drill], allowed: &[EnvironmentName], format: OutputFormat) {
    if format == OutputFormat::Json {
        return json_pretty(&json!({ "environments": allowed, "drills": drills }));
    }
    for drill in drills {
        say!("{}", drill.name);
        say!("  believes   {}", drill.hypothesis);
        say!("  may hurt   {}", drill.blast_radius);
        say!("  lasts      {}, then: {}", format_duration(drill.lasts), drill.undo);
        say!("  aborts if  {}", drill.abort_condition());
        say!("  restored   within {}", format_duration(drill.restored_within));
    }
    if allowed.is_empty() {
        say!(
            "No environment may be drilled. Allow it in shield.toml: [drill] environments = [\"production\"]"
        );
    } else {
        let names: Vec<_> = allowed.iter().map(EnvironmentName::as_str).collect();
        say!("May be drilled: {}", names.join(", "));
    }
}
