//! `shield audit --accept`: what may stay for a while, and why.

use std::path::Path;

use shield_control::{
    manifest::AuditSettings,
    pipeline::{AcceptError, Acceptance, AuditWith, KeptFile, accept_findings, advisories_path},
};

use super::audit;
use crate::{
    cli::OutputFormat,
    exit::{Exit, Failure},
    output::{accept::print, audit::Meter},
};

pub(super) fn run(
    (path, settings): (&Path, &AuditSettings),
    kept: Option<&KeptFile>,
    acceptance: &Acceptance,
    format: OutputFormat,
) -> Result<(), Failure> {
    let meter = Meter::new(format);
    let advisories = advisories_path();
    let audit_with =
        AuditWith { advisories: advisories.as_deref(), kept, tell: &|progress| meter.tell(progress) };
    let accepted = accept_findings(path, settings, acceptance, &audit_with);
    meter.finish();
    print(&accepted.map_err(|error| failure(&error))?, format);
    Ok(())
}

fn failure(error: &AcceptError) -> Failure {
    let (exit, hint) = match error {
        AcceptError::Audit(error) => return audit::failure(error),
        AcceptError::Terms(_) => {
            (Exit::Usage, "say in one line why the finding may stay; an owner is one word")
        }
        AcceptError::Past { .. } => (Exit::Usage, "name a day until which the finding may stay"),
        AcceptError::Pick(_) => (
            Exit::Usage,
            "`shield audit` shows the fingerprint of each finding in brackets; nothing was accepted",
        ),
        AcceptError::Busy { .. } => {
            (Exit::NotRecorded, "try again when the others are done; nothing was accepted")
        }
        AcceptError::Write(_) => (Exit::NotRecorded, "make the file writable; nothing was accepted"),
    };
    Failure::new(exit, error, &[hint.to_owned()])
}
