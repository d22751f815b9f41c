//! What is found in files, each read once.

use std::{
    collections::{BTreeMap, HashSet},
    path::PathBuf,
    sync::atomic::{AtomicUsize, Ordering},
};

use super::{Progress, Settings, kept::Kept};
use crate::{
    cache::{Digests, Guard},
    configuration,
    custom::Texts,
    finding::Finding,
    languages::{self, unruled},
    notebook,
    python::{self, FileReport, Suppressed},
    secrets::{Identity, Scanner},
    templates,
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
    /// Python of the project's own: what its functions do to each other's data is looked at together.
    pub(super) python: Vec<PythonFile>,
    /// Digests of the files that were read, if there is a cache.
    pub(super) digests: Digests,
    /// Files that were read.
    pub(super) files: usize,
    /// Their bytes.
    pub(super) bytes: u64,
    /// How many files of a language that no rule knows were read, for secrets only.
    pub(super) secrets_only: BTreeMap<&'static str, usize>,
}

/// A file of Python.
#[derive(Debug)]
pub(super) struct PythonFile {
    pub(super) path: String,
    /// Where it can be read again.
    pub(super) location: PathBuf,
    /// Its characters; none if all that it shows by itself was known already.
    pub(super) text: Option<String>,
    /// All that it was made of, if there is a cache.
    pub(super) guard: Option<Guard>,
}

/// What looks at one file.
pub(super) struct Looks<'a> {
    rules: python::Audit,
    others: languages::Audit,
    texts: &'a Texts,
    pub(super) scanner: &'a Scanner,
}

/// Looks for everything that one file alone can show. The project's own files are all read; of dependencies the code, since their
/// texts are not this project's to keep secret.
pub(super) fn look(
    tree: &Tree,
    (settings, kept): (&Settings, Option<&Kept<'_>>),
    scanner: &Scanner,
    tell: &(dyn Fn(Progress) + Sync),
) -> Code {
    let (rules, others) =
        (python::Audit::default().with(&settings.rules), languages::Audit::default().with(&settings.rules));
    let looks = Looks { rules, others, texts: settings.rules.texts(), scanner };
    let done = AtomicUsize::new(0);
    let wanted = |entry: &Entry| entry.origin == Origin::Project || python::is_candidate(entry);
    let all = tree.entries().iter().filter(|entry| wanted(entry)).count();
    let visited = tree.visit(&settings.tree, wanted, |entry, bytes| {
        let code = match kept {
            Some(kept) => kept.file(&looks, entry, bytes),
            None => looks.file(entry, bytes),
        };
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

// === impl Looks ===

impl Looks<'_> {
    /// Everything that one file shows.
    pub(super) fn file(&self, entry: &Entry, bytes: &[u8]) -> Code {
        let mut code = Code { files: 1, bytes: bytes.len() as u64, ..Code::default() };
        if python::is_candidate(entry) {
            code.report(self.rules.file(entry, bytes));
            if entry.origin == Origin::Project
                && let Ok(text) = decode(bytes)
            {
                code.python.push(PythonFile {
                    path: entry.path.clone(),
                    location: entry.location().to_owned(),
                    text: Some(text.characters.into_owned()),
                    guard: None,
                });
            }
        }
        code.count_unruled(entry, bytes);
        if entry.origin == Origin::Project {
            if notebook::is_candidate(&entry.path) {
                code.report(notebook::file(&self.rules, &entry.path, bytes));
            }
            code.report(self.others.file(&entry.path, bytes));
            code.report(configuration::file(&entry.path, bytes));
            code.report(templates::file(&entry.path, bytes));
            code.report(self.texts.file(&entry.path, bytes));
            let secrets = self.scanner.scan(&entry.path, bytes);
            code.findings.extend(secrets.iter().map(|secret| secret.finding(&entry.path)));
            code.secrets.extend(secrets.iter().map(|secret| secret.identity));
        }
        code
    }
}

// === impl Code ===

impl Code {
    /// Counts a file of the project's own that no rule knows the language of.
    pub(super) fn count_unruled(&mut self, entry: &Entry, bytes: &[u8]) {
        if entry.origin == Origin::Project {
            let path = &entry.path;
            let language = unruled::of(path, bytes)
                .or_else(|| notebook::foreign_language(path, bytes))
                .or_else(|| configuration::template_language(path, bytes));
            self.secrets_only.extend(language.map(|language| (language, 1)));
        }
    }

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
        self.digests.extend(other.digests);
        self.files += other.files;
        self.bytes += other.bytes;
        for (language, files) in other.secrets_only {
            *self.secrets_only.entry(language).or_default() += files;
        }
    }
}
