//! Which claims of an OpenVEX document can be derived.

use serde_json::json;
use shield_audit::{audit::ReplayedClaim, report};

use super::{json as json_line, write::say};
use crate::cli::OutputFormat;

/// A line a claim, then how many hold.
pub(crate) fn print(claims: &[ReplayedClaim], format: OutputFormat) {
    match format {
        OutputFormat::Json => json_line(&json!({ "event": "vex-verified", "claims": claims })),
        OutputFormat::Text => say!("{}", report::claims(claims)),
    }
}
