//! `shield audit --replay`: what is true of a report that another search made.

use std::path::Path;

use shield_audit::{audit::replayed, replay::Report, report::replay, tree::read_regular};
use shield_control::{manifest::AuditSettings, pipeline::audit_settings};

use super::{audit::failure, audit_files, reports};
use crate::{
    cli::{AuditFileArguments, OutputFormat},
    exit::{Exit, Failure},
    output::{audit::Meter, replay::print},
};

/// Bytes of the longest report: one of a hundred thousand findings has a fifth of them.
const REPORT_BYTES_MAX: u64 = 512 << 20;
/// What is left when a report cannot be written.
const RECORDED: &str = "what became of the entries is printed above";

pub(super) fn run(
    path: &Path,
    report: &Path,
    settings: &AuditSettings,
    files: &AuditFileArguments,
    format: OutputFormat,
) -> Result<(), Failure> {
    audit_files::prepare(files, &[report])?;
    let accused = read(report)?;
    let settings = audit_settings(path, settings, None).map_err(|error| failure(&error))?;
    let meter = Meter::new(format);
    let judged = replayed(path, &settings, &accused, &|progress| meter.tell(progress));
    meter.finish();
    let judged = judged
        .map_err(|error| Failure::new(Exit::Usage, &error, &["name a directory that exists".to_owned()]))?;
    print(&judged, format);
    let forms: [(_, &dyn Fn() -> String); 3] = [
        (&files.json, &|| replay::json(&judged)),
        (&files.html, &|| replay::html(&judged)),
        (&files.markdown, &|| replay::markdown(&judged)),
    ];
    for (path, make) in forms {
        if let Some(path) = path {
            reports::write(path, &make(), RECORDED)?;
        }
    }
    if judged.is_complete() { Ok(()) } else { Err(Failure::told(Exit::Incomplete)) }
}

fn read(path: &Path) -> Result<Report, Failure> {
    let bytes = read_regular(path, REPORT_BYTES_MAX).map_err(|error| {
        let message = format!("failed to read `{}`: {error}", path.display());
        Failure::plain(Exit::Usage, &message, "name a report that can be read")
    })?;
    Report::read(&bytes).map_err(|error| {
        let hint = format!(
            "`{}` is to be a compliance report; a scanner's output is for `--import`",
            path.display()
        );
        Failure::new(Exit::Usage, &error, &[hint])
    })
}
