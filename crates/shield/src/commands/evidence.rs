//! `shield evidence`: what was proved, and whether the proof is whole.

use std::path::PathBuf;

use shield_control::Layout;
use shield_evidence::{
    EvidenceStore, LOG_FILE, PUBLIC_KEY_FILE, PublicKey, SIGNING_KEY_FILE, TrustedCheckpoint, verify,
};

use crate::{
    cli::{EvidenceCommand, OutputFormat, Place},
    context::existing_layout,
    exit::{Exit, Failure},
    output,
};

pub(crate) fn run(place: &Place, command: &EvidenceCommand, format: OutputFormat) -> Result<(), Failure> {
    let layout = existing_layout(place, Exit::NoControlPlane)?;
    let directory = layout.evidence();
    match command {
        EvidenceCommand::List => list(&layout, format),
        EvidenceCommand::Show { index } => show(directory, *index),
        EvidenceCommand::Verify { expect, public_key } => {
            check(directory, *expect, public_key.clone(), format)
        }
    }
}

/// Before the first statement there is no log, and nothing wrong with it. One that was removed leaves its note behind.
fn begun(layout: &Layout) -> bool {
    let files = [SIGNING_KEY_FILE, PUBLIC_KEY_FILE, LOG_FILE];
    layout.evidence_key_note().exists() || files.iter().any(|name| layout.evidence().join(name).exists())
}

fn open(directory: PathBuf) -> Result<EvidenceStore, Failure> {
    let hint =
        "`shield ship` writes the first statements; `shield evidence verify` says what is wrong with a log"
            .to_owned();
    EvidenceStore::open(&directory).map_err(|error| Failure::new(Exit::EvidenceBad, &error, &[hint]))
}

fn list(layout: &Layout, format: OutputFormat) -> Result<(), Failure> {
    if !begun(layout) {
        output::evidence::print_list(&[], format);
        return Ok(());
    }
    let store = open(layout.evidence())?;
    let entries = store.list().map_err(|error| Failure::new(Exit::EvidenceBad, &error, &[]))?;
    output::evidence::print_list(&entries, format);
    Ok(())
}

/// JSON in both formats: a statement is a document.
fn show(directory: PathBuf, index: u64) -> Result<(), Failure> {
    let store = open(directory)?;
    let record = store.show(index).map_err(|error| Failure::new(Exit::EvidenceBad, &error, &[]))?;
    let Some(record) = record else {
        let message = format!("failed to find statement {index}");
        return Err(Failure::plain(Exit::Usage, &message, "`shield evidence list` shows those there are"));
    };
    output::json_pretty(&record);
    Ok(())
}

fn check(
    directory: PathBuf,
    expect: Option<TrustedCheckpoint>,
    public_key: Option<PathBuf>,
    format: OutputFormat,
) -> Result<(), Failure> {
    // A key that was named on the command line and cannot be read is a mistake there, not of the log.
    let exit = if public_key.is_some() { Exit::Usage } else { Exit::EvidenceBad };
    let path = public_key.unwrap_or_else(|| directory.join(PUBLIC_KEY_FILE));
    let key = PublicKey::read(&path).map_err(|error| Failure::new(exit, &error, &[]))?;
    let verification =
        verify(&directory, &key, expect).map_err(|error| Failure::new(Exit::EvidenceBad, &error, &[]))?;
    output::evidence::print_verification(&verification, format);
    if verification.findings.is_empty() { Ok(()) } else { Err(Failure::told(Exit::EvidenceBad)) }
}
