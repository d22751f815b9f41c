//! `shield audit`: what is wrong with a project, and what of it matters.

use std::{
    fs, io,
    path::{self, Path, PathBuf},
};

use shield_audit::{
    remedy::Stop,
    report::{Outcome, Report},
    tree::{directory_of, locate_in},
};
use shield_control::{
    manifest::{AuditSettings, FILE_NAME, Manifest},
    pipeline::{AuditRunError, AuditWith, KeptFile, advisories_path, audit_project},
};

use super::{accept, advisories, audit_files as files, mend, replay, rule_files, verify_vex};
use crate::{
    cli::{AuditArguments, OutputFormat, Place},
    exit::{Exit, Failure},
    output::audit::{Meter, print},
};

pub(crate) fn run(place: &Place, arguments: &AuditArguments, format: OutputFormat) -> Result<(), Failure> {
    carry_out(place, arguments, (&Stop::default(), format))
}

/// The same with `--fix`, which a signal must not cut off in the middle.
pub(crate) async fn fix(
    place: Place,
    arguments: Box<AuditArguments>,
    format: OutputFormat,
) -> Result<(), Failure> {
    mend::interruptible(move |stop| carry_out(&place, &arguments, (stop, format))).await
}

fn carry_out(
    place: &Place,
    arguments: &AuditArguments,
    (stop, format): (&Stop, OutputFormat),
) -> Result<(), Failure> {
    if let Some(sources) = &arguments.update {
        return advisories::update(sources, format);
    }
    if let Some(files) = &arguments.rules.check_rules {
        return rule_files::check(files, format);
    }
    let path = arguments.path.as_ref().unwrap_or(&place.project);
    let settings = settings(path, arguments)?;
    if let Some(document) = &arguments.verify_vex {
        return verify_vex::run(path, &settings, document, format);
    }
    if let Some(report) = &arguments.replay {
        return replay::run(path, report, &settings, &arguments.files, format);
    }
    let kept = (!arguments.no_cache).then(|| KeptFile::of(path)).flatten();
    if let Some(acceptance) = arguments.accept.acceptance() {
        return accept::run((path, &settings), kept.as_ref(), &acceptance, format);
    }
    if arguments.mend.revert {
        return mend::revert(path, format);
    }
    let inputs: Vec<&Path> = settings.imports.iter().map(|import| import.file.as_path()).collect();
    files::prepare(&arguments.files, &inputs)?;
    if arguments.mend.fix {
        // Others say what is left when all that can be mended is.
        let alone = AuditSettings { scanners: Vec::new(), imports: Vec::new(), ..settings.clone() };
        mend::fix(path, &alone, kept.as_ref(), (stop, format))?;
    }
    let report = look(path, &settings, kept.as_ref(), format)?;
    print(&report, &settings.criteria, format);
    mend::tell_open(path);
    files::write(&arguments.files, &report, &settings.criteria)?;
    if arguments.mend.plan {
        mend::plan(path, &settings, &report, format)?;
    }
    match report.outcome(&settings.criteria) {
        Outcome::Clean => Ok(()),
        Outcome::Found => Err(Failure::told(Exit::NotHeld)),
        Outcome::Incomplete => Err(Failure::told(Exit::Incomplete)),
        Outcome::FoundAndIncomplete => Err(Failure::told(Exit::NotHeldAndIncomplete)),
    }
}

/// Audits `path`, with what was kept of audits before if there is such a file.
pub(super) fn look(
    path: &Path,
    settings: &AuditSettings,
    kept: Option<&KeptFile>,
    format: OutputFormat,
) -> Result<Report, Failure> {
    let meter = Meter::new(format);
    let advisories = advisories_path();
    let audit_with =
        AuditWith { advisories: advisories.as_deref(), kept, tell: &|progress| meter.tell(progress) };
    let report = audit_project(path, settings, &audit_with);
    meter.finish();
    report.map_err(|error| failure(&error))
}

/// What `shield.toml` says, if the directory has one, with what the command line says instead.
fn settings(path: &Path, arguments: &AuditArguments) -> Result<AuditSettings, Failure> {
    let mut settings = manifest(path)?.map_or_else(AuditSettings::default, |manifest| manifest.audit);
    if let Some(fail_on) = arguments.fail_on {
        settings.criteria.fail_on = fail_on.into();
    }
    settings.criteria.gaps.extend(&arguments.gaps);
    if arguments.history {
        settings.history = shield_audit::audit::HistoryOf::Repository;
    }
    settings.exclude.extend(arguments.exclude.iter().cloned());
    settings.site_packages.extend(arguments.site_packages.iter().map(|path| absolute(path)));
    settings.python = arguments.python.or(settings.python);
    settings.rules.extend(arguments.rules.rules.iter().map(|path| absolute(path)));
    if let Some(baseline) = &arguments.baseline {
        settings.baseline = Some(absolute(baseline));
    }
    settings.scanners.extend(&arguments.others.with);
    settings.allow.extend(&arguments.others.allow);
    settings.imports.extend(arguments.others.import.iter().cloned());
    Ok(settings)
}

/// The `shield.toml` of what is audited, if there is one: one that lies outside, behind a link, is not its own.
pub(super) fn manifest(path: &Path) -> Result<Option<Manifest>, Failure> {
    let directory = directory_of(path);
    match locate_in(directory, Path::new(FILE_NAME)) {
        Ok(location) if location.is_file() => Manifest::load(&directory.join(FILE_NAME))
            .map(Some)
            .map_err(|error| Failure::new(Exit::Usage, &error, &error.hints())),
        Err(error) if error.kind() == io::ErrorKind::PermissionDenied => {
            let message = format!("failed to read `{}`: {error}", directory.join(FILE_NAME).display());
            Err(Failure::plain(Exit::Usage, &message, "name a file that can be read"))
        }
        Ok(_) | Err(_) => Ok(None),
    }
}

/// Paths of the command line are relative to where it is given, those of `shield.toml` to the project.
fn absolute(path: &Path) -> String {
    let absolute = fs::canonicalize(path).or_else(|_| path::absolute(path));
    absolute.unwrap_or_else(|_| PathBuf::from(path)).to_string_lossy().into_owned()
}

pub(super) fn failure(error: &AuditRunError) -> Failure {
    let hint = match error {
        AuditRunError::Walk(_) => "name a directory or file that exists",
        AuditRunError::Read { .. } => "name a file that can be read",
        AuditRunError::Rules(_) => rule_files::HINT,
        AuditRunError::Baseline(_) => "docs/audit.md says what a line of it looks like",
        AuditRunError::Advisories { .. } => "make it anew with `shield audit --update`",
    };
    Failure::new(Exit::Usage, error, &[hint.to_owned()])
}
