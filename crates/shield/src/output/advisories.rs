//! What an index of advisories has, and how it is made.

use serde_json::json;
use shield_control::advisories::{UpdateProgress, Updated};

use super::{json as json_line, write::say};
use crate::cli::OutputFormat;

/// So many things that were not understood are named; JSON has all.
const QUARANTINED_SHOWN: usize = 10;

/// How an update goes on, in a line.
pub(crate) fn line(progress: UpdateProgress<'_>) -> String {
    let megabytes = |bytes: u64| format!("{:.1} MB", bytes as f64 / 1e6);
    match progress {
        UpdateProgress::Fetching { ecosystem, bytes, all } => {
            let all = all.map(|all| format!(" of {}", megabytes(all))).unwrap_or_default();
            format!("fetching {}: {}{all}", ecosystem.osv_name(), megabytes(bytes))
        }
        UpdateProgress::Reading { from } => format!("reading {from}"),
        UpdateProgress::Writing => "making the index".to_owned(),
    }
}

/// What is in an index that was made.
pub(crate) fn print(updated: &Updated, format: OutputFormat) {
    let Updated { path, summary, digest, bytes } = updated;
    if format == OutputFormat::Json {
        return json_line(&json!({
            "event": "updated",
            "path": path,
            "bytes": bytes,
            "sha256": digest.to_string(),
            "summary": summary,
        }));
    }
    say!("advisories: {} records, in `{}` ({bytes} bytes, {digest})", summary.records, path.display());
    for (ecosystem, coverage) in &summary.coverage {
        let newest = if coverage.newest.is_empty() { "not known" } else { &coverage.newest };
        let (name, advisories, packages) = (ecosystem.osv_name(), coverage.advisories, coverage.packages);
        say!("  {name}: {advisories} advisories of {packages} packages, the newest of {newest}");
    }
    for missing in summary.missing() {
        say!("  {}: nothing, so nothing can be said of its packages", missing.osv_name());
    }
    let rest = [
        (summary.others.values().sum(), "packages of other ecosystems, left out"),
        (summary.repeated, "records came twice; the newer ones count"),
        (summary.ignored, "files are no records"),
    ];
    for (count, what) in rest.iter().filter(|(count, _)| *count > 0) {
        say!("  {count} {what}");
    }
    let quarantined = &summary.quarantined;
    if quarantined.is_empty() {
        return;
    }
    say!("not understood, and left out: {}", quarantined.len());
    for one in quarantined.iter().take(QUARANTINED_SHOWN) {
        let id = if one.id.is_empty() { String::new() } else { format!(" ({})", one.id) };
        say!("  {}{id}: {}", one.file, one.reason);
    }
    if quarantined.len() > QUARANTINED_SHOWN {
        say!("  … and {} more; --output-format json has every one", quarantined.len() - QUARANTINED_SHOWN);
    }
}
