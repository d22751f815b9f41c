//! `shield audit --fix`, `--plan` and `--revert`: what is done about findings.

use std::{
    fs, io,
    path::{Path, PathBuf},
    thread,
};

use jiff::tz::TimeZone;
use shield_audit::{
    audit::remedies,
    python::Audit,
    remedy::{
        Applied, ApplyError, CodeOwners, GitBlame, JournalError, OWNER_FILES, Outcome, Owner, PythonRescan,
        Remedy, Schedule, Stop, Terms, TestCommand, Tests, Work, apply, open_record, recover,
        revert as take_back,
    },
    report::Report,
    tree::{locate_in, read_text_in},
};
use shield_control::{
    manifest::{AuditSettings, CommandStage},
    pipeline::{KeptFile, advisories_path, audit_settings},
};

use tokio::sync::oneshot;

use super::{
    audit::{failure, look, manifest},
    faults::interrupted,
};
use crate::{
    cli::OutputFormat,
    exit::{Exit, Failure},
    output::mend as output,
};

/// Where the records of changes are, below the audited directory: no audit looks in there.
const RECORDS: &str = ".shield/remedies";
/// A mend may make another one possible: a new package, the import of it. More rounds than this were never seen.
const ROUNDS_MAX: usize = 10;
/// Stack of the thread that mends: as much as the main one usually has.
const STACK_BYTES: usize = 8 << 20;
/// How often the tests may run in one round.
const TEST_RUNS_MAX: u32 = 8;

/// Does what mends. At the first Ctrl-C, SIGTERM or SIGHUP tests are ended and what they have not judged is taken back; where nothing is half done,
/// it just ends.
pub(super) async fn interruptible(
    work: impl FnOnce(&Stop) -> Result<(), Failure> + Send + 'static,
) -> Result<(), Failure> {
    let (stop, (tell, hear)) = (Stop::default(), oneshot::channel());
    let within = stop.clone();
    let mending = move || {
        // Nobody hears it where a signal came first.
        let _ = tell.send(work(&within));
    };
    let thread = thread::Builder::new().stack_size(STACK_BYTES).spawn(mending);
    thread.map_err(|error| Failure::unexpected("start a thread", &error))?;
    let ended = async { hear.await.unwrap_or_else(|error| Err(Failure::unexpected("mend", &error))) };
    tokio::pin!(ended);
    tokio::select! {
        outcome = &mut ended => outcome,
        () = interrupted() => match stop.want() {
            true => ended.await,
            false => Err(cut_off()),
        },
    }
}

fn cut_off() -> Failure {
    let hint = "what was mended and judged before stays; `shield audit --revert` takes it back";
    Failure::plain(Exit::Interrupted, "interrupted: no file holds a change that was not judged", hint)
}

/// Mends in rounds, until one changes nothing.
pub(super) fn fix(
    path: &Path,
    settings: &AuditSettings,
    kept: Option<&KeptFile>,
    (stop, format): (&Stop, OutputFormat),
) -> Result<(), Failure> {
    let root = directory(path)?;
    let records = records(&root)?;
    take_back_open((&root, &records), stop, format)?;
    let mut tests = tests(&root, stop)?;
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
        let at_work = stop.begin().ok_or_else(cut_off)?;
        let applied = match apply(&mut work, &remedies) {
            Err(ApplyError::Stopped) => {
                for undone in recover(&root, &records).map_err(|error| told(&error))? {
                    output::undone(&undone, format);
                }
                return Err(cut_off());
            }
            applied => applied.map_err(|error| told(&error))?,
        };
        drop(at_work);
        output::applied(&remedies, &applied, format);
        if stop.is_wanted() {
            return Err(cut_off());
        }
        if !changed_anything(&applied) {
            output::not_applied(&remedies, &applied, tests.is_some(), format);
            break;
        }
    }
    Ok(())
}

/// Takes back what an earlier `--fix` left half done.
fn take_back_open((root, records): (&Path, &Path), stop: &Stop, format: OutputFormat) -> Result<(), Failure> {
    let _at_work = stop.begin().ok_or_else(cut_off)?;
    for undone in recover(root, records).map_err(|error| told(&error))? {
        output::undone(&undone, format);
    }
    Ok(())
}

/// Says whether an earlier `--fix` left changes in the files that no test has judged: what an audit finds is about them too.
pub(super) fn tell_open(path: &Path) {
    match open_record(&path.join(RECORDS)) {
        Ok(None) => {}
        Ok(Some(record)) => output::open(record),
        Err(error) => output::unreadable_records(&error),
    }
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
    take_back_open((&root, &records), &Stop::default(), format)?;
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
fn tests(root: &Path, stop: &Stop) -> Result<Option<TestCommand>, Failure> {
    let command = |stage: CommandStage| TestCommand {
        program: "sh".to_owned(),
        arguments: vec!["-c".to_owned(), stage.command],
        directory: root.to_owned(),
        environment: Vec::new(),
        limit: stage.deadline,
        report: None,
        output: None,
        stop: stop.clone(),
    };
    Ok(manifest(root)?.and_then(|manifest| manifest.stages.test).map(command))
}

fn told(error: &ApplyError) -> Failure {
    let hint = match error {
        ApplyError::Journal(JournalError::Foreign { .. }) => {
            "it came with the files, was copied with them, or others may write there: nothing of it was done; look at it, remove \
             `.shield/remedies`, then run this again"
        }
        ApplyError::Journal(JournalError::Busy { .. }) => "wait until it is done, then run this again",
        _ => {
            "nothing is half done: each file has its old bytes or its new ones; run it again, or `shield audit --revert`"
        }
    };
    Failure::new(Exit::NotRecorded, error, &[hint.to_owned()])
}
