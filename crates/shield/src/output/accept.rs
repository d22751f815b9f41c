//! What was accepted.

use serde_json::{Value, json};
use shield_control::pipeline::AcceptedFindings;

use super::{json as json_line, write::say};
use crate::cli::OutputFormat;

/// The findings and their terms.
pub(crate) fn print(accepted: &AcceptedFindings, format: OutputFormat) {
    let AcceptedFindings { file, accepted } = accepted;
    if format == OutputFormat::Json {
        let entries =
            accepted.iter().map(|(finding, entry)| json!({ "finding": finding, "terms": entry.terms }));
        let entries: Vec<Value> = entries.collect();
        return json_line(&json!({ "event": "accepted", "file": file, "accepted": entries }));
    }
    say!("accepted {} in `{}`; commit it", accepted.len(), file.display());
    for (finding, entry) in accepted {
        let line = finding.place.span.map(|span| format!(":{}", span.line)).unwrap_or_default();
        say!("  {} {}{line} [{}]", entry.rule, entry.place, entry.fingerprint);
        say!("    until {} because {}", entry.terms.until, entry.terms.reason);
    }
}
