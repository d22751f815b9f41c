//! The audit stage: what is wrong with the project's code, what it depends on and its secrets.

use std::{
    env, io,
    path::{Path, PathBuf},
};

use jiff::{civil::Date, tz::TimeZone};
use serde_json::{Value, json};
use shield_audit::{
    advisories::{Answer, Index, OpenIndexError},
    audit::{Progress, Settings, audit},
    baseline::{Baseline, ParseBaselineError},
    custom::LoadRulesError,
    foreign::Others,
    report::{Criteria, Found, Outcome, Report},
    tree::{WalkError, directory_of, read_regular, read_text_in},
};
use shield_evidence::{Check, CheckOutcome};
use shield_types::{Sha256Digest, chain};
use tokio::sync::watch;

use super::{
    kept::KeptFile,
    rule_files::load_rules,
    ship::{Pipeline, ShipError, failed},
    stage::{PipelineEvent, StageFailure, StageName},
};
use crate::{manifest::AuditSettings, store::StoredArtifact};

/// The file of accepted findings that is taken when none is named.
pub(super) const BASELINE: &str = "audit-baseline.txt";
/// Names the index of advisories, in place of the one in the user's cache.
const ADVISORIES: &str = "SHIELD_ADVISORIES";
/// Bytes of an index: all that is known of four ecosystems takes a tenth.
const ADVISORIES_BYTES_MAX: u64 = 2 << 30;
/// So many findings are told when the stage fails.
const TOLD_MAX: usize = 10;
/// Where to read on.
const HINT: &str = "`shield audit` shows all of it; docs/audit.md says how a finding is mended or accepted";

/// Why nothing was audited.
#[derive(Debug, thiserror::Error)]
pub enum AuditRunError {
    /// The directory.
    #[error("audit the project")]
    Walk(#[from] WalkError),
    /// A file could not be read.
    #[error("read `{}`", path.display())]
    Read {
        /// Which.
        path: PathBuf,
        /// What the operating system said.
        source: io::Error,
    },
    /// The file of accepted findings has mistakes.
    #[error("accept what the baseline says")]
    Baseline(#[from] ParseBaselineError),
    /// Rule files have mistakes: there is no audit without one of their rules.
    #[error("audit with the rules of the project's own")]
    Rules(#[from] LoadRulesError),
    /// The index of advisories is none, or of another version.
    #[error("use `{}`", path.display())]
    Advisories {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        source: OpenIndexError,
    },
}

/// Where the index of advisories is kept: `SHIELD_ADVISORIES`, or the user's cache (XDG Base Directory Specification). None if
/// neither is known.
#[must_use]
pub fn advisories_path() -> Option<PathBuf> {
    set(ADVISORIES).or_else(|| user_cache().map(|cache| cache.join("advisories")))
}

/// Our directory in the user's cache (XDG Base Directory Specification).
pub(super) fn user_cache() -> Option<PathBuf> {
    let cache = set("XDG_CACHE_HOME").or_else(|| set("HOME").map(|home| home.join(".cache")));
    cache.map(|cache| cache.join("shield"))
}

/// The path in a variable that is set.
fn set(name: &str) -> Option<PathBuf> {
    env::var_os(name).filter(|value| !value.is_empty()).map(PathBuf::from)
}

/// What an audit has from its surroundings.
#[derive(Clone, Copy)]
pub struct AuditWith<'a> {
    /// The index of advisories, if there is a file.
    pub advisories: Option<&'a Path>,
    /// Results of audits of the same tree before; none: everything is looked at.
    pub kept: Option<&'a KeptFile>,
    /// Hears how it goes on, from whatever thread.
    pub tell: &'a (dyn Fn(Progress) + Sync),
}

/// Audits the directory or file at `path` as `settings` say; paths in these are relative to the directory.
///
/// # Errors
/// If there is nothing at `path`, or the baseline, the index or a rule file cannot be used. Everything else is part of the report.
pub fn audit_project(
    path: &Path,
    settings: &AuditSettings,
    audit_with: &AuditWith<'_>,
) -> Result<Report, AuditRunError> {
    let mut order = audit_settings(path, settings, audit_with.advisories)?;
    order.baseline = baseline(path, settings)?;
    audited(path, order, audit_with)
}

/// Audits `path`, with what was kept before, and keeps what the next audit can use.
pub(super) fn audited(
    path: &Path,
    mut order: Settings,
    audit_with: &AuditWith<'_>,
) -> Result<Report, AuditRunError> {
    order.cache = audit_with.kept.map(KeptFile::open);
    let report = audit(path, &order, audit_with.tell)?;
    if let Some((file, cache)) = audit_with.kept.zip(order.cache) {
        file.keep(cache);
    }
    Ok(report)
}

/// The day that acceptances are judged on.
pub(super) fn today() -> Date {
    TimeZone::UTC.to_datetime(jiff::Timestamp::now()).date()
}

/// What an audit of `path` looks at, as `settings` say, held against nothing that is accepted; paths in these are relative to the
/// directory. `advisories` is the index, if there is a file.
///
/// # Errors
/// If the index or a rule file cannot be used.
pub fn audit_settings(
    path: &Path,
    settings: &AuditSettings,
    advisories: Option<&Path>,
) -> Result<Settings, AuditRunError> {
    let directory = directory_of(path);
    let mut order = Settings::on(today());
    order.tree.excluded.extend(settings.exclude.iter().cloned());
    order.history = settings.history;
    order.python = settings.python;
    order.site_packages = settings.site_packages.iter().map(|site| directory.join(site)).collect();
    order.rules = load_rules(directory, &settings.rules)?;
    order.advisories = advisories.map(index).transpose()?.flatten();
    order.others = Others {
        wanted: settings.scanners.clone(),
        allowed: settings.allow.iter().copied().collect(),
        imports: settings.imports.clone(),
    };
    Ok(order)
}

/// The accepted findings. A file that is named must be there.
fn baseline(path: &Path, settings: &AuditSettings) -> Result<Option<Baseline>, AuditRunError> {
    match read_baseline(path, settings) {
        Err(error) if settings.baseline.is_none() && error.is_not_found() => Ok(None),
        read => read.map(Some),
    }
}

/// The accepted findings of a file.
pub(super) fn read_baseline(path: &Path, settings: &AuditSettings) -> Result<Baseline, AuditRunError> {
    let (directory, name) = (directory_of(path), settings.baseline.as_deref().unwrap_or(BASELINE));
    let text = read_text_in(directory, Path::new(name))
        .map_err(|source| AuditRunError::Read { path: directory.join(name), source })?;
    Ok(Baseline::parse(name, &text)?)
}

fn index(path: &Path) -> Result<Option<Index>, AuditRunError> {
    match read_regular(path, ADVISORIES_BYTES_MAX) {
        Ok(bytes) => Index::open(bytes)
            .map(Some)
            .map_err(|source| AuditRunError::Advisories { path: path.to_owned(), source }),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(source) => Err(AuditRunError::Read { path: path.to_owned(), source }),
    }
}

// === impl AuditRunError ===

impl AuditRunError {
    /// Whether a file is not there.
    pub(super) fn is_not_found(&self) -> bool {
        matches!(self, Self::Read { source, .. } if source.kind() == io::ErrorKind::NotFound)
    }
}

// === impl Pipeline ===

impl Pipeline<'_> {
    /// Passes when nothing that counts was found, and nothing that counts was left unread.
    pub(super) async fn audit(&mut self, artifact: &StoredArtifact) -> Result<(), ShipError> {
        let running = self.begin(StageName::Audit, "code, packages and secrets of the project".to_owned());
        let audited = self.audited().await;
        let report = match audited {
            Ok(report) => report,
            Err(reason) => {
                self.record(running, artifact.digest, failed(&reason), Vec::new(), json!({}))?;
                let (stage, output, hint) = (StageName::Audit, Vec::new(), HINT.to_owned());
                return Err(self.fail(StageFailure { stage, reason, output, hint }));
            }
        };
        let criteria = &self.criteria();
        let (outcome, summary) = (report.outcome(criteria), self.summary(&report));
        let (checks, details) = (self.checks(&report), self.details(&report));
        if outcome == Outcome::Clean {
            return self.pass(running, artifact.digest, checks, details, summary);
        }
        self.record(running, artifact.digest, failed(&summary), checks, details)?;
        let missing = report.coverage.missing();
        let gaps = missing.iter().filter(|gap| !criteria.gaps.contains(&gap.part));
        let gaps = gaps.map(|gap| format!("not looked at: {} {}: {}", gap.part, gap.what, gap.reason));
        let output = report.failing(criteria).map(line).chain(gaps).take(TOLD_MAX).collect();
        let (stage, hint) = (StageName::Audit, HINT.to_owned());
        Err(self.fail(StageFailure { stage, reason: summary, output, hint }))
    }

    /// The audit runs on threads of its own; how far it is comes back through a channel.
    async fn audited(&mut self) -> Result<Report, String> {
        let (project, mut settings) = (self.order.project.clone(), self.order.manifest.audit.clone());
        let stage = self.order.manifest.stages.audit.as_ref();
        settings.allow = stage.map(|stage| stage.allow.clone()).unwrap_or_default();
        // The latest is enough: nobody reads what came before it.
        let (tell, mut told) = watch::channel(None);
        let work = tokio::task::spawn_blocking(move || {
            let tell = |progress| {
                tell.send_replace(Some(progress));
            };
            let advisories = advisories_path();
            // What is signed rests on what was looked at for it, on nothing that was kept.
            let audit_with = AuditWith { advisories: advisories.as_deref(), kept: None, tell: &tell };
            audit_project(&project, &settings, &audit_with)
        });
        while told.changed().await.is_ok() {
            let line = match *told.borrow_and_update() {
                Some(Progress::Files { done, all }) => format!("{done} of {all} files"),
                Some(Progress::Scanner { name, number, all }) => format!("{name}, scanner {number} of {all}"),
                _ => continue,
            };
            (self.tell)(PipelineEvent::Output { stage: StageName::Audit, line });
        }
        // What it reads is anybody's: should a reader of it give up, the stage has failed, and the pipeline ends in order.
        let report = work.await.map_err(|error| format!("the audit broke off, which is a bug: {error}"))?;
        report.map_err(|error| chain(&error))
    }

    /// What counts in a pipeline.
    fn criteria(&self) -> Criteria {
        let criteria = self.order.manifest.audit.criteria.clone();
        let stage = self.order.manifest.stages.audit.as_ref();
        Criteria { fail_on: stage.and_then(|stage| stage.fail_on).unwrap_or(criteria.fail_on), ..criteria }
    }

    fn summary(&self, report: &Report) -> String {
        let criteria = &self.criteria();
        let open = report.failing(criteria).count();
        let missing = report.coverage.missing().len();
        let files = report.coverage.files;
        format!(
            "{open} findings of severity {} or above in {files} files, {missing} things not looked at",
            criteria.fail_on.name()
        )
    }

    fn checks(&self, report: &Report) -> Vec<Check> {
        let criteria = &self.criteria();
        let of = |name: &str, held: bool, detail: String| Check {
            name: name.to_owned(),
            outcome: if held { CheckOutcome::Yes } else { CheckOutcome::No },
            method: "shield audit".to_owned(),
            detail,
        };
        let open = report.failing(criteria).count();
        let gaps = report.coverage.missing_by_part();
        let gaps: Vec<_> = gaps.iter().map(|(part, count)| format!("{count} {part}")).collect();
        let gaps = if gaps.is_empty() { "nothing".to_owned() } else { gaps.join(", ") };
        vec![
            of("findings", open == 0, format!("{open} of severity {} or above", criteria.fail_on.name())),
            of("coverage", report.coverage.is_complete(&criteria.gaps), format!("not looked at: {gaps}")),
        ]
    }

    /// Figures and names; the report itself is made again by `shield audit`.
    fn details(&self, report: &Report) -> Value {
        let criteria = &self.criteria();
        let names: Vec<_> =
            report.failing(criteria).map(|found| found.finding.fingerprint.to_string()).collect();
        let database: Option<Sha256Digest> = match &report.advisories {
            Answer::Checked(checked) => Some(checked.digest),
            Answer::NoDatabase => None,
        };
        json!({
            "criteria": criteria,
            "funnel": report.funnel(criteria),
            "files": report.coverage.files,
            "packages": report.bill.packages.len(),
            "scanners": report.scanners,
            "advisories_sha256": database.map(|digest| digest.to_string()),
            "fingerprints": names,
            "rule_files_sha256": report.own_rules.fingerprint.map(|digest| digest.to_string()),
        })
    }
}

/// One line about a finding.
fn line(found: &Found) -> String {
    let finding = &found.finding;
    let line = finding.place.span.map(|span| format!(":{}", span.line)).unwrap_or_default();
    format!(
        "{} {}{line} {}: {}",
        finding.severity.name(),
        finding.place.file,
        finding.rule.id,
        finding.message
    )
}
