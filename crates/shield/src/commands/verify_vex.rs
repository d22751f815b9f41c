//! `shield audit --verify-vex`: whether what an OpenVEX document claims can be derived from the tree.

use std::path::Path;

use shield_audit::{
    advisories::vex::Claim,
    audit::{Replayed, replay_claims},
    tree::{REGULAR_BYTES_MAX, read_regular},
};
use shield_control::{
    manifest::AuditSettings,
    pipeline::{AuditRunError, audit_settings},
};

use super::audit;
use crate::{
    cli::OutputFormat,
    exit::{Exit, Failure},
    output::verify_vex::print,
};

pub(super) fn run(
    path: &Path,
    settings: &AuditSettings,
    document: &Path,
    format: OutputFormat,
) -> Result<(), Failure> {
    let claims = claims(document)?;
    // What is claimed is about imports; advisories have no part in it.
    let order = audit_settings(path, settings, None).map_err(|error| audit::failure(&error))?;
    let replayed = replay_claims(path, &order, &claims);
    let replayed = replayed.map_err(|error| audit::failure(&AuditRunError::Walk(error)))?;
    print(&replayed, format);
    let any = |is: fn(&Replayed) -> bool| replayed.iter().any(|claim| is(&claim.replayed));
    let failed = any(|replayed| matches!(replayed, Replayed::Fails(_)));
    match (failed, any(|replayed| matches!(replayed, Replayed::Open(_)))) {
        (false, false) => Ok(()),
        (true, false) => Err(Failure::told(Exit::NotHeld)),
        (false, true) => Err(Failure::told(Exit::Incomplete)),
        (true, true) => Err(Failure::told(Exit::NotHeldAndIncomplete)),
    }
}

fn claims(document: &Path) -> Result<Vec<Claim>, Failure> {
    let hint = "name a file that `shield audit --vex` wrote";
    let failed = |reason: String| {
        Failure::plain(Exit::Usage, &format!("read OpenVEX of `{}`: {reason}", document.display()), hint)
    };
    let bytes = read_regular(document, REGULAR_BYTES_MAX).map_err(|error| failed(error.to_string()))?;
    let value = serde_json::from_slice(&bytes).map_err(|error| failed(error.to_string()))?;
    Claim::all_in(&value).ok_or_else(|| failed("it is no document of OpenVEX".to_owned()))
}
