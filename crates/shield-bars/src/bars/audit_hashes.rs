//! The original's five uses of MD5 that protect nothing: mended, with the project's own tests unchanged as judge, and taken back. A part of
//! `audit.original-report` and of `audit.fixes`. Data: [`super::audit_original`].

use std::path::Path;

use shield_audit::{
    imports::Disk,
    python::{Audit, Parse},
    remedy::{Outcome, Project, PythonRescan, Work, apply, for_python, python_minimum, revert},
};

use super::audit_original::{copy, files, original, pytest, read};
use crate::harness::{Result, Trouble, Verdict};

const USES: usize = 5;
const RULE: &str = "python/weak-hash";

/// What became of them, in words.
pub(super) fn check(verdict: &mut Verdict) -> Result<String> {
    let from = original()?;
    let folder = || tempfile::tempdir().map_err(|error| Trouble::caused("make a folder", error));
    let (project, aside) = (folder()?, folder()?);
    copy(&from, project.path(), |_| true)?;
    let root = project.path();
    let audit = Audit::default();
    let minimum = python_minimum(&Disk, &root.to_string_lossy());
    let known = Project { python_minimum: minimum, ..Project::default() };
    let mut remedies = Vec::new();
    for file in python(root)? {
        let bytes = read(&root.join(&file))?;
        let mut findings = audit.bytes(&file, &bytes, Parse::Always).findings;
        findings.retain(|finding| finding.rule.id == RULE);
        remedies.extend(for_python(&file, &bytes, &findings, &known));
    }
    // A test that says something of MD5 stays as it is: it is the judge.
    remedies.retain(|remedy| remedy.finding.place.file.starts_with("src/"));
    verdict.demand(remedies.len() == USES, || format!("{} uses of weak hashes were found", remedies.len()));
    let report = aside.path().join("report.xml");
    let junit = format!("--junitxml={}", report.display());
    let arguments = ["--continue-on-collection-errors", "--tb=no", &junit];
    let mut tests = pytest(root, &arguments, &aside.path().join("output"))?;
    tests.report = Some(report);
    let journals = aside.path().join("records");
    let mut work = Work {
        root,
        journals: &journals,
        rescan: &PythonRescan(&audit),
        tests: Some(&mut tests),
        test_runs_max: 8,
    };
    let applied = apply(&mut work, &remedies).map_err(|error| Trouble::caused("apply remedies", error))?;
    for (remedy, outcome) in remedies.iter().zip(&applied.outcomes) {
        println!("  original: {} {}: {outcome:?}", remedy.class, remedy.finding.place.file);
    }
    let done = applied.outcomes.iter().filter(|outcome| **outcome == Outcome::Applied).count();
    verdict.demand(done == USES, || format!("{done} of {USES} uses of MD5 were mended"));
    let mut left = 0;
    for file in python(root)? {
        let bytes = read(&root.join(&file))?;
        let own = file.starts_with("src/") || bytes == read(&from.join(&file))?;
        verdict.demand(own, || format!("`{file}` was changed, which is no source"));
        let report = audit.bytes(&file, &bytes, Parse::Always);
        left += report.findings.iter().filter(|finding| finding.rule.id == RULE).count();
    }
    verdict.demand(left == 0, || format!("{left} weak hashes are still found"));
    let passed = applied.tests.as_ref().map_or((0, 0), |tests| {
        (tests.before.passed_count(), tests.after.as_ref().map_or(0, |after| after.passed_count()))
    });
    verdict.demand(passed.0 > 0, || "no test of the original passed, so nothing was judged".to_owned());
    verdict.demand(passed.1 >= passed.0, || format!("{} tests passed before, {} after", passed.0, passed.1));
    revert(root, &journals).map_err(|error| Trouble::caused("take back", error))?;
    let mut unrestored = 0;
    for file in python(root)? {
        unrestored += usize::from(read(&root.join(&file))? != read(&from.join(&file))?);
    }
    verdict.demand(unrestored == 0, || format!("{unrestored} files of the original were not restored"));
    Ok(format!(
        "{done} of {USES} uses of MD5 mended, {} tests passed before and {} after",
        passed.0, passed.1
    ))
}

/// The files of Python below a folder, relative to it.
fn python(root: &Path) -> Result<Vec<String>> {
    let relative = |file: std::path::PathBuf| {
        let name = file.strip_prefix(root).unwrap_or(&file).to_string_lossy().into_owned();
        name.ends_with(".py").then_some(name)
    };
    Ok(files(root)?.into_iter().filter_map(relative).collect())
}
