//! What is found in files, each read once.

use std::{
    collections::HashSet,
    sync::atomic::{AtomicUsize, Ordering},
};

use super::{Progress, Settings};
use crate::{
    configuration,
    finding::Finding,
    languages,
    python::{self, FileReport, Suppressed},
    secrets::{Identity, Scanner},
    tree::{Entry, Origin, Skipped, Tree, decode},
};

/// Progress is told once for so many files.
const TOLD_EVERY: usize = 256;

/// What is found in files.
#[derive(Debug, Default)]
pub(super) struct Code {
    pub(super) findings: Vec<Finding>,
    pub(super) suppressed: Vec<Suppressed>,
    pub(super) skipped: Vec<Skipped>,
    /// Secrets of the tree: the history need not name them again.
    pub(super) secrets: HashSet<Identity>,
    /// Python of the project's own, with its path: what its functions do to each other's data is looked at together.
    pub(super) python: Vec<(String, String)>,
    /// Files that were read.
    pub(super) files: usize,
    /// Their bytes.
    pub(super) bytes: u64,
}

/// Looks for everything that one file alone can show. The project's own files are all read; of dependencies the code, since their
/// texts are not this project's to keep secret.
pub(super) fn look(
    tree: &Tree,
    settings: &Settings,
    scanner: &Scanner,
    tell: &(dyn Fn(Progress) + Sync),
) -> Code {
    let (rules, others) =
        (python::Audit::default().with(&settings.rules), languages::Audit::default().with(&settings.rules));
    let done = AtomicUsize::new(0);
    let wanted = |entry: &Entry| entry.origin == Origin::Project || python::is_candidate(entry);
    let all = tree.entries().iter().filter(|entry| wanted(entry)).count();
    let visited = tree.visit(&settings.tree, wanted, |entry, bytes| {
        let mut code = Code { files: 1, bytes: bytes.len() as u64, ..Code::default() };
        if python::is_candidate(entry) {
            code.report(rules.file(entry, bytes));
            if entry.origin == Origin::Project
                && let Ok(text) = decode(bytes)
            {
                code.python.push((entry.path.clone(), text.characters.into_owned()));
            }
        }
        if entry.origin == Origin::Project {
            code.report(others.file(&entry.path, bytes));
            code.report(configuration::file(&entry.path, bytes));
            code.report(settings.rules.texts().file(&entry.path, bytes));
            let secrets = scanner.scan(&entry.path, bytes);
            code.findings.extend(secrets.iter().map(|secret| secret.finding(&entry.path)));
            code.secrets.extend(secrets.iter().map(|secret| secret.identity));
        }
        let done = done.fetch_add(1, Ordering::Relaxed) + 1;
        if done.is_multiple_of(TOLD_EVERY) || done == all {
            tell(Progress::Files { done, all });
        }
        code
    });
    let mut code = Code { skipped: visited.skipped, ..Code::default() };
    visited.results.into_iter().for_each(|one| code.add(one));
    code
}

// === impl Code ===

impl Code {
    fn report(&mut self, report: FileReport) {
        self.findings.extend(report.findings);
        self.suppressed.extend(report.suppressed);
        self.skipped.extend(report.skipped);
    }

    fn add(&mut self, other: Self) {
        self.findings.extend(other.findings);
        self.suppressed.extend(other.suppressed);
        self.skipped.extend(other.skipped);
        self.secrets.extend(other.secrets);
        self.python.extend(other.python);
        self.files += other.files;
        self.bytes += other.bytes;
    }
}
