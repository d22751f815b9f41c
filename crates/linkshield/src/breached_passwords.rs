//! `linkshield breached-passwords`: makes the filter that `serve --breached-passwords` reads.

use std::{path::PathBuf, process::ExitCode};

use clap::{Args, ValueEnum};
use linkshield::breached::{BuildListError, ListForm, build_from_list, write_whole};

use crate::failed;

/// Which list, and where its filter goes.
#[derive(Debug, Args)]
pub(crate) struct BreachedPasswords {
    /// The list: a text file, one entry per line.
    list: PathBuf,
    /// Where the filter goes; one that is there is replaced as a whole.
    #[arg(long, value_name = "FILE")]
    output: PathBuf,
    /// What the lines are: SHA-1 in hexadecimal digits, as in public collections, or the passwords themselves.
    #[arg(long, value_enum, default_value = "hashes")]
    form: Form,
}

#[derive(Clone, Copy, Debug, ValueEnum)]
enum Form {
    Hashes,
    Passwords,
}

pub(crate) fn breached_passwords(arguments: &BreachedPasswords) -> ExitCode {
    let form = match arguments.form {
        Form::Hashes => ListForm::Hashes,
        Form::Passwords => ListForm::Passwords,
    };
    let built = match build_from_list(&arguments.list, form) {
        Ok(built) => built,
        Err(error) => {
            return failed(&error, list_hint(&error));
        }
    };
    if let Err(error) = write_whole(&arguments.output, &built.bytes) {
        return failed(&error, "`--output FILE` names a file in a directory that is there, with room for it");
    }
    let (entries, bytes, skipped) = (built.entries, built.bytes.len(), built.skipped);
    println!("{}: {entries} breached passwords in {bytes} bytes", arguments.output.display());
    if skipped > 0 {
        eprintln!("{skipped} lines were left out: empty, or not UTF-8");
    }
    ExitCode::SUCCESS
}

fn list_hint(error: &BuildListError) -> &'static str {
    match error {
        BuildListError::Line { .. } => "`--form passwords` reads a list of passwords instead of hashes",
        BuildListError::Read { .. } => {
            "the list is a text file that is there and can be read, one entry per line"
        }
        _ => "a list has one entry at least, and does not change while it is read",
    }
}
