//! What rule files hold.

use serde_json::json;
use shield_audit::custom::Rules;

use super::{json as json_line, write::say};
use crate::cli::OutputFormat;

/// One line for each file, and one for what no example shows.
pub(crate) fn print(rules: &Rules, format: OutputFormat) {
    match format {
        OutputFormat::Json => json_line(&json!({
            "event": "rules-checked",
            "fingerprint": rules.fingerprint(),
            "files": rules.files(),
            "without_example": rules.unproven(),
        })),
        OutputFormat::Text => {
            for file in rules.files() {
                say!(
                    "{}: {} entries, every example holds (sha256 {})",
                    file.name,
                    file.entries,
                    file.sha256.hex()
                );
            }
            for name in rules.unproven() {
                say!("no example shows that it finds anything: {name}");
            }
        }
    }
}
