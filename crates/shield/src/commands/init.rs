//! `shield init`: a first shield.toml.

use shield_control::init;

use crate::{
    cli::{InitArguments, OutputFormat, Place},
    context::project,
    exit::{Exit, Failure},
    output,
};

pub(crate) fn run(place: &Place, arguments: &InitArguments, format: OutputFormat) -> Result<(), Failure> {
    let directory = project(place)?;
    let existing = if arguments.force { init::Existing::Replace } else { init::Existing::Keep };
    let written = init::write(&directory, existing).map_err(|error| {
        let exit = match error {
            init::WriteManifestError::Exists { .. } => Exit::Usage,
            init::WriteManifestError::Write { .. } => Exit::NotRecorded,
        };
        Failure::new(exit, &error, &error.hints())
    })?;
    output::init::print(&written, format);
    Ok(())
}
