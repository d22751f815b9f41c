//! What was done about findings, and what is left to do.

use serde_json::json;
use shield_audit::remedy::{Applied, Class, JournalError, Outcome, Remedy, Schedule, Undone};
use shield_types::chain;

use super::{
    json as json_line,
    write::{say, tell},
};
use crate::cli::OutputFormat;

/// What became of each remedy of a round.
pub(crate) fn applied(remedies: &[Remedy], applied: &Applied, format: OutputFormat) {
    let outcomes = || remedies.iter().zip(&applied.outcomes);
    if format == OutputFormat::Json {
        let list: Vec<_> =
            outcomes().map(|(remedy, outcome)| json!({ "remedy": remedy, "outcome": outcome })).collect();
        return json_line(&json!({ "event": "mended", "record": applied.record, "remedies": list }));
    }
    for (remedy, outcome) in outcomes() {
        let what =
            || format!("{} {} ({}): {}", line(remedy), remedy.finding.rule.id, remedy.class, remedy.what);
        match outcome {
            Outcome::Applied => say!("mended {}", what()),
            Outcome::Reverted { why } => say!("taken back {}: {why}", what()),
            Outcome::Refused { .. } | Outcome::Proposed => {}
        }
    }
}

/// What the last round left; proposals are only counted, since `--plan` lists them.
pub(crate) fn not_applied(remedies: &[Remedy], applied: &Applied, tested: bool, format: OutputFormat) {
    if format == OutputFormat::Json {
        return;
    }
    let (mut proposed, mut untested) = (0, 0);
    for (remedy, outcome) in remedies.iter().zip(&applied.outcomes) {
        match outcome {
            Outcome::Refused { .. } if remedy.class == Class::B && !tested => untested += 1,
            Outcome::Refused { why } => say!(
                "not mended {} {} ({}): {}: {why}",
                line(remedy),
                remedy.finding.rule.id,
                remedy.class,
                remedy.what
            ),
            Outcome::Proposed => proposed += 1,
            Outcome::Applied | Outcome::Reverted { .. } => {}
        }
    }
    if untested > 0 {
        say!(
            "{untested} may change behaviour and are not mended: shield.toml names no tests (stage.test.command)"
        );
    }
    if proposed > 0 {
        say!("{proposed} are for a person to decide; `shield audit --plan` lists them");
    }
}

fn line(remedy: &Remedy) -> String {
    let place = &remedy.finding.place;
    place.span.map_or_else(|| place.file.clone(), |span| format!("{}:{}", place.file, span.line))
}

/// What there is to do, by when and by whom.
pub(crate) fn plan(schedule: &Schedule, format: OutputFormat) {
    match format {
        OutputFormat::Json => json_line(&json!({ "event": "planned", "schedule": schedule })),
        OutputFormat::Text => say!("\n{}", schedule.markdown().trim_end()),
    }
}

/// What was taken back.
pub(crate) fn undone(undone: &Undone, format: OutputFormat) {
    if format == OutputFormat::Json {
        return json_line(&json!({ "event": "reverted", "undone": undone }));
    }
    say!("took back {} changes: {} files are as they were", undone.remedies.len(), undone.restored.len());
    undone.left.iter().for_each(|(file, why)| say!("left alone {file}: {why}"));
    if !undone.left.is_empty() {
        say!("what they were is kept: take your changes back, then run `shield audit --revert` again");
    }
}

/// A `--fix` is at work or was cut off.
pub(crate) fn open(record: u32) {
    tell!(
        "note: number {record} of `--fix` is not done: files hold changes that no test has judged, and this audit is about them"
    );
    tell!("hint: unless it is at work now, `shield audit --revert` takes them back");
}

/// Whether one is cannot be said.
pub(crate) fn unreadable_records(error: &JournalError) {
    tell!("note: whether a `--fix` was cut off cannot be said: failed to {}", chain(error));
}

/// There was no change to take back.
pub(crate) fn nothing_to_revert(format: OutputFormat) {
    match format {
        OutputFormat::Json => json_line(&json!({ "event": "reverted", "undone": null })),
        OutputFormat::Text => say!("nothing to take back: no change is recorded here"),
    }
}
