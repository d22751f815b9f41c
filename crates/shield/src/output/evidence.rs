//! `shield evidence`.

use shield_evidence::{Summary, Verification};

use super::{json_pretty, table, write::say};
use crate::cli::OutputFormat;

pub(crate) fn print_list(entries: &[Summary], format: OutputFormat) {
    if format == OutputFormat::Json {
        return json_pretty(&entries);
    }
    let rows: Vec<_> = entries
        .iter()
        .map(|entry| {
            let outcome = match &entry.reason {
                Some(reason) => format!("{}: {reason}", entry.outcome.as_str()),
                None => entry.outcome.as_str().to_owned(),
            };
            [
                entry.index.to_string(),
                entry.recorded_at.to_string(),
                entry.stage.as_str().to_owned(),
                entry.artifact.0.short(),
                outcome,
            ]
        })
        .collect();
    table::print(["INDEX", "RECORDED", "STAGE", "ARTIFACT", "OUTCOME"], &rows);
}

pub(crate) fn print_verification(verification: &Verification, format: OutputFormat) {
    if format == OutputFormat::Json {
        return json_pretty(verification);
    }
    for finding in &verification.findings {
        let line = finding.line.map_or(String::new(), |line| format!(":{line}"));
        say!("{}{line}: {} ({})", finding.file, finding.what, finding.why);
    }
    if verification.more_findings {
        say!("the search ended here; there is more");
    }
    say!("{}", verification.vouches);
    if let Some(trusted) = verification.trusted() {
        say!("checkpoint {trusted}");
    }
}
