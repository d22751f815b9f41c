//! Everything applied to one corpus, judged, and taken back.

use std::{
    collections::{BTreeMap, HashMap},
    fmt, fs,
    os::unix::fs::PermissionsExt,
    path::Path,
};

use shield_audit::{
    finding::Finding,
    imports::PythonVersion,
    python::{Audit, Parse},
    remedy::{Outcome, Project, PythonRescan, TestError, TestRun, Tests, Work, apply, for_python, revert},
};

use super::super::audit_original::{files, read};
use crate::harness::{Result, Trouble, Verdict};

/// What happened to a corpus.
#[derive(Debug, Default)]
pub(super) struct Count {
    files: usize,
    findings: usize,
    pub(super) applied: usize,
    changed: usize,
    /// Remedies that their own proof kept out of the files.
    reverted: usize,
    refused: usize,
    /// Changed files that do not parse.
    broken: usize,
    /// Findings that were not there.
    added: usize,
    /// Files that are not what they were after everything was taken back.
    unrestored: usize,
}

/// Tests that pass whatever happens.
struct Green;

impl Tests for Green {
    fn run(&mut self) -> std::result::Result<TestRun, TestError> {
        Ok(TestRun { succeeded: true, cases: BTreeMap::new() })
    }
}

/// A file with who may do what with it.
type Stored = (Vec<u8>, u32);

pub(super) fn check(folder: &Path, name: &str, verdict: &mut Verdict) -> Result<Count> {
    let audit = Audit::default();
    let project = Project {
        python_minimum: Some(PythonVersion(9)),
        installed: ["defusedxml".to_owned()].into_iter().collect(),
        // Each file is a project of its own.
        ..Project::default()
    };
    let before = stored(folder)?;
    let mut count = Count { files: before.len(), ..Count::default() };
    let mut remedies = Vec::new();
    for (file, (bytes, _)) in &before {
        let findings = audit.bytes(file, bytes, Parse::Always).findings;
        remedies.extend(for_python(file, bytes, &findings, &project));
    }
    count.findings = remedies.len();
    let journals = tempfile::tempdir().map_err(|error| Trouble::caused("make a folder", error))?;
    let mut work = Work {
        root: folder,
        journals: journals.path(),
        rescan: &PythonRescan(&audit),
        tests: Some(&mut Green),
        test_runs_max: 4,
    };
    let applied = apply(&mut work, &remedies).map_err(|error| Trouble::caused("apply remedies", error))?;
    for (remedy, outcome) in remedies.iter().zip(&applied.outcomes) {
        match outcome {
            Outcome::Applied => count.applied += 1,
            Outcome::Proposed => {}
            Outcome::Refused { .. } => count.refused += 1,
            Outcome::Reverted { why } => {
                count.reverted += 1;
                println!(
                    "  {name}: {}: {} was reverted: {why}",
                    remedy.finding.place.file, remedy.finding.rule.id
                );
            }
        }
    }
    judge(&audit, folder, &before, &mut count)?;
    let undone = revert(folder, journals.path()).map_err(|error| Trouble::caused("take back", error))?;
    let left = undone.map_or(0, |undone| undone.left.len());
    let after = stored(folder)?;
    count.unrestored = left + before.iter().filter(|(file, stored)| after.get(*file) != Some(stored)).count();
    verdict.demand(after.len() == before.len(), || {
        format!("{name}: {} files became {}", before.len(), after.len())
    });
    verdict.demand(count.broken == 0, || format!("{name}: {} changed files do not parse", count.broken));
    verdict.demand(count.added == 0, || format!("{name}: {} findings were added", count.added));
    verdict.demand(count.unrestored == 0, || format!("{name}: {} files were not restored", count.unrestored));
    Ok(count)
}

fn stored(folder: &Path) -> Result<BTreeMap<String, Stored>> {
    let mut stored = BTreeMap::new();
    for file in files(folder)? {
        let name = file.strip_prefix(folder).unwrap_or(&file).to_string_lossy().into_owned();
        let mode = fs::metadata(&file)
            .map_err(|error| Trouble::caused("look at a file", error))?
            .permissions()
            .mode();
        stored.insert(name, (read(&file)?, mode));
    }
    Ok(stored)
}

/// Looks at every changed file anew.
fn judge(audit: &Audit, folder: &Path, before: &BTreeMap<String, Stored>, count: &mut Count) -> Result<()> {
    for (file, (old, mode)) in stored(folder)?.iter().map(|(file, (bytes, mode))| (file, (bytes, mode))) {
        let Some((was, was_mode)) = before.get(file) else { continue };
        if old == was {
            continue;
        }
        count.changed += 1;
        let (earlier, later) = (audit.bytes(file, was, Parse::Always), audit.bytes(file, old, Parse::Always));
        if !later.skipped.is_empty() || mode != was_mode {
            count.broken += 1;
            println!("  {file} is broken: {:?}", later.skipped);
        }
        let added = added(&earlier.findings, &later.findings);
        added.iter().for_each(|finding| println!("  {file}: added {} {}", finding.rule.id, finding.message));
        count.added += added.len();
    }
    Ok(())
}

/// The findings that were not there: more of a rule about one thing than before, however bad.
fn added<'f>(before: &[Finding], after: &'f [Finding]) -> Vec<&'f Finding> {
    let mut left: HashMap<(&str, &str, &str), usize> = HashMap::new();
    for Finding { rule, context, subject, .. } in before {
        *left.entry((rule.id, context, subject)).or_default() += 1;
    }
    let mut added = Vec::new();
    for finding in after {
        match left.get_mut(&(finding.rule.id, finding.context.as_str(), finding.subject.as_str())) {
            Some(left) if *left > 0 => *left -= 1,
            _ => added.push(finding),
        }
    }
    added
}

// === impl Count ===

impl Count {
    pub(super) fn add(&mut self, other: &Self) {
        self.files += other.files;
        self.findings += other.findings;
        self.applied += other.applied;
        self.changed += other.changed;
        self.reverted += other.reverted;
        self.refused += other.refused;
        self.broken += other.broken;
        self.added += other.added;
        self.unrestored += other.unrestored;
    }
}

impl fmt::Display for Count {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            formatter,
            "{} files, {} findings: {} fixes applied in {} files ({} reverted by their own proof, {} refused), {} broken, {} findings added, {} \
             not restored",
            self.files,
            self.findings,
            self.applied,
            self.changed,
            self.reverted,
            self.refused,
            self.broken,
            self.added,
            self.unrestored
        )
    }
}
