//! `shield audit --fix`, `--plan` and `--revert`: what is done about findings.

use std::{
    fs, io,
    path::{Path, PathBuf},
};

use jiff::tz::TimeZone;
use shield_audit::{
    audit::remedies,
    python::Audit,
    remedy::{
        Applied, ApplyError, CodeOwners, GitBlame, OWNER_FILES, Outcome, Owner, PythonRescan, Remedy,
        Schedule, Terms, TestCommand, Tests, Work, apply, recover, revert as take_back,
    },
    report::Report,
    tree::{locate_in, read_text_in},
};
use shield_control::{
    manifest::{AuditSettings, CommandStage},
    pipeline::{KeptFile, advisories_path, audit_settings},
};

use super::audit::{failure, look, manifest};
use crate::{
    cli::OutputFormat,
    exit::{Exit, Failure},
    output::mend as output,
};

/// Where the records of changes are, below the audited directory: no audit looks in there.
const RECORDS: &str = ".shield/remedies";
/// A mend may make another one possible: a new package, the import of it. More rounds than this were never seen.
const ROUNDS_MAX: usize = 10;
/// How often the tests may run in one round.
const TEST_RUNS_MAX: u32 = 8;

/// Mends in rounds, until one changes nothing.
pub(super) fn fix(
    path: &Path,
    settings: &AuditSettings,
    kept: Option<&KeptFile>,
    format: OutputFormat,
) -> Result<(), Failure> {
    let root = directory(path)?;
    let records = records(&root)?;
    for undone in recover(&root, &records).map_err(|error| told(&error))? {
        output::undone(&undone, format);
    }
    let mut tests = tests(&root)?;
    for _ in 0..ROUNDS_MAX {
        let report = look(path, settings, kept, format)?;
        let remedies = proposed(path, settings, &report)?;
        let mut work = Work {
            root: &root,
            journals: &records,
            rescan: &PythonRescan(&Audit::default()),
            tests: tests.as_mut().map(|tests| tests as &mut dyn Tests),
            test_runs_max: TEST_RUNS_MAX,
        };
        let applied = apply(&mut work, &remedies).map_err(|error| told(&error))?;
        output::applied(&remedies, &applied, format);
        if !changed_anything(&applied) {
            output::not_applied(&remedies, &applied, tests.is_some(), format);
            break;
        }
    }
    Ok(())
}

fn changed_anything(applied: &Applied) -> bool {
    applied.outcomes.iter().any(|outcome| matches!(outcome, Outcome::Applied))
}

/// Says what to do about each finding, and by when.
pub(super) fn plan(
    path: &Path,
    settings: &AuditSettings,
    report: &Report,
    format: OutputFormat,
) -> Result<(), Failure> {
    let root = directory(path)?;
    let remedies = proposed(path, settings, report)?;
    let owners = OWNER_FILES.iter().find_map(|file| read_text_in(&root, Path::new(file)).ok());
    let owners = owners.map(|text| CodeOwners::read(&text));
    let blame = GitBlame { root: root.clone() };
    let today = TimeZone::UTC.to_datetime(jiff::Timestamp::now()).date();
    let owner =
        |finding: &shield_audit::finding::Finding| Owner::of(&finding.place, owners.as_ref(), Some(&blame));
    output::plan(&Schedule::of(&remedies, (today, Terms::default()), owner), format);
    Ok(())
}

/// Takes back what the last `--fix` did.
pub(super) fn revert(path: &Path, format: OutputFormat) -> Result<(), Failure> {
    let root = directory(path)?;
    let records = records(&root)?;
    for undone in recover(&root, &records).map_err(|error| told(&error))? {
        output::undone(&undone, format);
    }
    match take_back(&root, &records).map_err(|error| told(&error))? {
        Some(undone) => {
            output::undone(&undone, format);
            if !undone.left.is_empty() {
                return Err(Failure::told(Exit::Incomplete));
            }
        }
        None => output::nothing_to_revert(format),
    }
    Ok(())
}

fn proposed(path: &Path, settings: &AuditSettings, report: &Report) -> Result<Vec<Remedy>, Failure> {
    let settings =
        audit_settings(path, settings, advisories_path().as_deref()).map_err(|error| failure(&error))?;
    remedies(path, &settings, report).map_err(|error| {
        let hint = "name a directory that exists";
        Failure::new(Exit::Usage, &error, &[hint.to_owned()])
    })
}

/// The audited directory, absolute: single files are not mended, since what else would change with them is not known.
fn directory(path: &Path) -> Result<PathBuf, Failure> {
    match fs::canonicalize(path) {
        Ok(root) if root.is_dir() => Ok(root),
        Ok(_) | Err(_) => {
            let message = format!("failed to mend `{}`: it is no directory", path.display());
            Err(Failure::plain(Exit::Usage, &message, "name the project's directory"))
        }
    }
}

/// Where the records are: not behind a link out of the directory, which would have them written anywhere.
fn records(root: &Path) -> Result<PathBuf, Failure> {
    let records = root.join(RECORDS);
    for place in [records.parent().unwrap_or(root), &records] {
        let inside = place.strip_prefix(root).unwrap_or(place);
        if let Err(error) = locate_in(root, inside)
            && error.kind() == io::ErrorKind::PermissionDenied
        {
            let message = format!("failed to keep records in `{}`: {error}", place.display());
            return Err(Failure::plain(Exit::Usage, &message, "remove the link"));
        }
    }
    Ok(records)
}

/// The project's tests, as `shield.toml` says; without them nothing is mended that may change behaviour.
fn tests(root: &Path) -> Result<Option<TestCommand>, Failure> {
    let command = |stage: CommandStage| TestCommand {
        program: "sh".to_owned(),
        arguments: vec!["-c".to_owned(), stage.command],
        directory: root.to_owned(),
        environment: Vec::new(),
        limit: stage.deadline,
        report: None,
        output: None,
    };
    Ok(manifest(root)?.and_then(|manifest| manifest.stages.test).map(command))
}

fn told(error: &ApplyError) -> Failure {
    let hint = "nothing is half done: each file has its old bytes or its new ones; run it again, or `shield audit --revert`";
    Failure::new(Exit::NotRecorded, error, &[hint.to_owned()])
}
