//! What is printed. stdout is data, stderr is for people; everything is understandable without colour.

pub(crate) mod accept;
pub(crate) mod advisories;
pub(crate) mod audit;
pub(crate) mod bench;
pub(crate) mod drill;
pub(crate) mod evidence;
pub(crate) mod history;
pub(crate) mod init;
pub(crate) mod load;
pub(crate) mod mend;
pub(crate) mod replay;
mod reporter;
pub(crate) mod rule_files;
pub(crate) mod status;
pub(crate) mod summary;
mod table;
pub(crate) mod verify_vex;
pub(crate) mod write;

use serde::Serialize;
use shield_control::admin::StatusReport;

use crate::cli::OutputFormat;
pub(crate) use reporter::Reporter;
use write::say;

/// One JSON value on one line.
pub(crate) fn json(value: &impl Serialize) {
    say!("{}", serde_json::to_string(value).expect("outputs have only text keys"));
}

/// One JSON value, indented.
pub(crate) fn json_pretty(value: &impl Serialize) {
    say!("{}", serde_json::to_string_pretty(value).expect("outputs have only text keys"));
}

/// The one-line result of a command that has nothing else to show.
pub(crate) fn message(format: OutputFormat, command: &str, text: &str) {
    match format {
        OutputFormat::Text => say!("{text}"),
        OutputFormat::Json => json(&serde_json::json!({ "command": command, "message": text })),
    }
}

/// Where clients connect.
pub(crate) fn edge_address(status: &StatusReport) -> String {
    match (status.https, status.http) {
        (Some(https), Some(http)) => format!("https://{https} and http://{http}"),
        (Some(https), None) => format!("https://{https}"),
        (None, Some(http)) => format!("http://{http}"),
        (None, None) => "no address".to_owned(),
    }
}
