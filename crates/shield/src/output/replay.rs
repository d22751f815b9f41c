//! What became of a report that another search made.

use std::io::IsTerminal;

use anstyle::AnsiColor;
use serde_json::{Value, json};
use shield_audit::{audit::ReplayedReport, report::replay};

use super::{json as json_line, write::say};
use crate::cli::OutputFormat;

/// Width of the longest bar of a funnel, in characters.
const BAR: usize = 32;

/// The funnels for people, or every entry for scripts.
pub(crate) fn print(replayed: &ReplayedReport, format: OutputFormat) {
    match format {
        OutputFormat::Json => {
            let replay: Value = serde_json::from_str(&replay::json(replayed)).expect("a replay is JSON");
            json_line(&json!({ "event": "replayed", "replay": replay }));
        }
        OutputFormat::Text => {
            let bars = std::io::stdout().is_terminal().then_some(BAR);
            let text = replay::text(replayed, bars);
            let (first, rest) = text.split_once('\n').unwrap_or((&text, ""));
            let color = if replayed.is_complete() { AnsiColor::Green } else { AnsiColor::Yellow };
            let style = color.on_default();
            say!("{style}{first}{style:#}");
            say!("{}", rest.trim_end());
        }
    }
}
