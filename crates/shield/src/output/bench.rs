//! What security components cost.

use anstyle::AnsiColor;
use serde_json::json;
use shield_load::{BenchResults, Verdict, output::bench_text};

use super::{json as json_line, write::say};
use crate::cli::OutputFormat;

/// The table, or all of it for scripts.
pub(crate) fn print(results: &BenchResults, format: OutputFormat) {
    match format {
        // One line, as the events before it.
        OutputFormat::Json => json_line(&json!({ "event": "measured", "results": results })),
        OutputFormat::Text => {
            let color = if results.verdict == Verdict::Passed { AnsiColor::Green } else { AnsiColor::Red };
            let (style, table) = (color.on_default(), bench_text(results));
            let (verdict, rest) = table.split_once('\n').unwrap_or((&table, ""));
            say!("{style}{verdict}{style:#}");
            say!("{}", rest.trim_end());
        }
    }
}
