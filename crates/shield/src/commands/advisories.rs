//! `shield audit --update`: what is known of vulnerabilities, made anew.

use std::path::PathBuf;

use shield_control::{
    advisories::{AdvisorySource, UpdateAdvisoriesError, update_advisories},
    pipeline::advisories_path,
};

use crate::{
    cli::OutputFormat,
    exit::{Exit, Failure},
    output::{
        advisories::{line, print},
        audit::Meter,
    },
};

pub(super) fn update(sources: &[PathBuf], format: OutputFormat) -> Result<(), Failure> {
    let path = advisories_path().ok_or_else(|| {
        let message =
            "failed to find a place for the index of advisories: neither HOME nor XDG_CACHE_HOME is set";
        Failure::plain(Exit::Usage, message, "name a file with SHIELD_ADVISORIES")
    })?;
    let source = match sources {
        [] => AdvisorySource::osv(),
        paths => AdvisorySource::Paths(paths.to_vec()),
    };
    let meter = Meter::new(format);
    let updated = update_advisories(&source, &path, &|progress| meter.line(|| line(progress)));
    meter.finish();
    let updated = updated.map_err(|error| Failure::new(exit(&error), &error, &error.hints(&path)))?;
    print(&updated, format);
    Ok(())
}

fn exit(error: &UpdateAdvisoriesError) -> Exit {
    match error {
        UpdateAdvisoriesError::Url { .. }
        | UpdateAdvisoriesError::Source(_)
        | UpdateAdvisoriesError::Nothing { .. } => Exit::Usage,
        UpdateAdvisoriesError::Download { .. }
        | UpdateAdvisoriesError::Garbage { .. }
        | UpdateAdvisoriesError::Shrunk { .. } => Exit::Unreachable,
        UpdateAdvisoriesError::Write(_) => Exit::NotRecorded,
    }
}
