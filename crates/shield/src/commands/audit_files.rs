//! Files that an audit was asked to write.

use std::{
    env,
    path::{Path, PathBuf},
};

use jiff::Timestamp;
use shield_audit::{
    advisories::Answer,
    report::{Criteria, Report, cyclonedx, html, json, markdown, sarif, spdx, vex},
};

use super::reports;
use crate::{
    cli::AuditFileArguments,
    exit::{Exit, Failure},
    output::write::tell,
};

/// What is left when a report cannot be written.
const RECORDED: &str = "what was found is printed above";
/// Who says what OpenVEX says.
const AUTHOR: &str = "shield audit";

/// The variable with the moment that reproducible builds take for now (reproducible-builds.org/specs/source-date-epoch), in seconds.
const EPOCH: &str = "SOURCE_DATE_EPOCH";

/// Makes sure that each file can be written, before anything is looked at, and is none of those that are read.
pub(super) fn prepare(files: &AuditFileArguments, inputs: &[&Path]) -> Result<(), Failure> {
    let AuditFileArguments { json, html, markdown, sarif, cyclonedx, spdx, vex } = files;
    let paths: Vec<&Path> = [json, html, markdown, sarif, cyclonedx, spdx, vex]
        .into_iter()
        .flatten()
        .map(AsRef::as_ref)
        .collect();
    created()?;
    reports::prepare(&paths, inputs)
}

/// Writes each file that was asked for.
pub(super) fn write(files: &AuditFileArguments, report: &Report, criteria: &Criteria) -> Result<(), Failure> {
    let now = created()?;
    let put = |path: &Option<PathBuf>, make: &dyn Fn() -> String| match path {
        Some(path) => reports::write(path, &make(), RECORDED),
        None => Ok(()),
    };
    put(&files.json, &|| json(report, criteria))?;
    put(&files.html, &|| html(report, criteria))?;
    put(&files.markdown, &|| markdown(report, criteria))?;
    put(&files.sarif, &|| sarif(report, criteria))?;
    put(&files.cyclonedx, &|| cyclonedx(report, now))?;
    put(&files.spdx, &|| spdx(report, now))?;
    let Some(path) = &files.vex else { return Ok(()) };
    match vex(report, AUTHOR, now) {
        Some(text) => reports::write(path, &text, RECORDED),
        None => {
            tell!("no OpenVEX is written: {}", why_none(&report.advisories));
            Ok(())
        }
    }
}

/// The moment that documents say they were made at.
fn created() -> Result<Timestamp, Failure> {
    let Some(text) = env::var_os(EPOCH) else { return Ok(Timestamp::now()) };
    moment(&text.to_string_lossy()).ok_or_else(|| {
        let message = format!("{EPOCH} is `{}`", text.to_string_lossy());
        Failure::plain(
            Exit::Usage,
            &message,
            "accepted are whole seconds since 1970; without it, documents say the time",
        )
    })
}

fn moment(text: &str) -> Option<Timestamp> {
    Timestamp::from_second(text.parse().ok()?).ok()
}

/// Why nothing is said of any vulnerability.
const fn why_none(answer: &Answer) -> &'static str {
    match answer {
        Answer::NoDatabase => {
            "nothing is known of vulnerabilities without a database; make one with `shield audit --update`"
        }
        Answer::Checked(_) => "the database knows no vulnerability of these packages",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn moments_are_whole_seconds() {
        assert_eq!(moment("86400").unwrap().to_string(), "1970-01-02T00:00:00Z");
        for text in ["", "now", "1.5", "99999999999999999"] {
            assert_eq!(moment(text), None, "{text}");
        }
    }
}
