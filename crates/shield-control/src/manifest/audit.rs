//! `[audit]`: what an audit looks at, and what it is held against.

use shield_audit::{
    audit::HistoryOf,
    finding::Severity,
    foreign::{Permission, Wanted},
    imports::PythonVersion,
    report::{Criteria, Part},
};
use shield_types::settings::{Refusal, Setting, Table};

use super::{
    model::{AuditSettings, AuditStage},
    stages::project_file,
};

/// Longest path or name, in bytes.
const PATH_BYTES_MAX: usize = 4_096;

const NAMES: &str = "names of directories, such as \"vendor\"";
const SITES: &str = "directories of installed packages, such as \".venv/lib/python3.12/site-packages\"";
const RULES: &str = "paths of files inside the project, such as \"audit-rules.toml\"";
const PYTHON: &str = "a version such as \"3.12\"";

pub(crate) fn read(table: &Table<'_>) -> Option<AuditSettings> {
    let default = AuditSettings::default();
    let fail_on = severity(table, "fail_on").or(default.criteria.fail_on);
    let gaps = table.list_of("gaps", |part| {
        part.parse::<Part>()
            .map_err(|_| Refusal::new("no part of an audit", format!("any of {}", Part::listed())))
    });
    let gaps = gaps.or(default.criteria.gaps);
    let exclude = table.list_of("exclude", |name| match name.is_empty() || name.contains('/') {
        true => Err(Refusal::new("no name of a directory", NAMES)),
        false => Ok(name),
    });
    let exclude = exclude.or(default.exclude);
    let histories = [("tree", HistoryOf::Tree), ("repository", HistoryOf::Repository)];
    let history = table.enumeration("secrets", &histories).or(default.history);
    let site_packages = table.list_of("site_packages", |path| match path.len() {
        1..=PATH_BYTES_MAX => Ok(path),
        _ => Err(Refusal::new("no path", SITES)),
    });
    let site_packages = site_packages.or(default.site_packages);
    let python = table.string("python", 16, PYTHON).and_then(|text| python(&text)).optional();
    let baseline = project_file(table, "baseline").optional();
    let scanners = table.list_of("scanners", |name| {
        name.parse::<Wanted>().map_err(|_| Refusal::new("no scanner", format!("any of {}", Wanted::listed())))
    });
    let scanners = scanners.or(default.scanners);
    let rules = table.list_of("rules", |path| match is_in_project(&path) {
        true => Ok(path),
        false => Err(Refusal::new("outside the project", RULES)),
    });
    let rules = rules.or(default.rules);
    Some(AuditSettings {
        criteria: Criteria { fail_on: fail_on.take()?, gaps: gaps.take()? },
        exclude: exclude.take()?,
        history: history.take()?,
        site_packages: site_packages.take()?,
        python: python.take()?,
        baseline: baseline.take()?,
        scanners: scanners.take()?,
        allow: default.allow,
        imports: default.imports,
        rules: rules.take()?,
    })
}

fn is_in_project(path: &str) -> bool {
    (1..=PATH_BYTES_MAX).contains(&path.len())
        && !path.starts_with('/')
        && path.split('/').all(|part| part != "..")
}

/// `3.12` as its minor number.
fn python(text: &str) -> Result<PythonVersion, Refusal> {
    let minor = text.strip_prefix("3.").and_then(|minor| minor.parse().ok());
    minor.map(PythonVersion).ok_or_else(|| Refusal::new("no version of Python 3", PYTHON))
}

fn severity<'r>(table: &Table<'r>, key: &'static str) -> Setting<'r, Severity> {
    table.enumeration(key, &Severity::ALL.map(|severity| (severity.name(), severity)))
}

/// `[stage.audit]`; the outer `None` is a mistake.
pub(crate) fn stage(table: &Table<'_>) -> Option<Option<AuditStage>> {
    let fail_on = severity(table, "fail_on").optional();
    let allow = table.list_of("allow", |name| {
        let listed = Permission::ALL.map(Permission::name).join(", ");
        name.parse::<Permission>()
            .map_err(|_| Refusal::new("nothing that could be allowed", format!("any of {listed}")))
    });
    let allow = allow.or(Vec::new());
    if !table.present() {
        return Some(None);
    }
    Some(Some(AuditStage { fail_on: fail_on.take()?, allow: allow.take()? }))
}
