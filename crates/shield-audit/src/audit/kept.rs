//! Results of audits before, where everything that they were made of is the same: see [`crate::cache`].

use std::{borrow::Cow, path::Path};

use serde::{Deserialize, Serialize};
use shield_types::Sha256Digest;

use super::{
    HistoryOf, Settings,
    code::{Code, Looks, PythonFile},
    flows::{Followed, follow_all},
    graph::{self, ImportGraph, Imports},
};
use crate::{
    cache::{Cache, Digests, Guard, Kind, Recorder, Results, Trace},
    imports::Disk,
    report::{Gap, Part},
    secrets::AREA,
    tree::{Entry, Origin, REGULAR_BYTES_MAX, decode, read_regular},
};

/// What is kept of a file beside its findings.
#[derive(Serialize, Deserialize)]
struct OfFile {
    /// Whether data is followed through it.
    python: bool,
}

/// What is kept of flows beside their findings.
#[derive(Serialize, Deserialize)]
struct OfFlows {
    unfollowed: Vec<(String, String)>,
}

/// What is kept of the import graph beside its findings.
#[derive(Serialize, Deserialize)]
struct OfImports<'a> {
    trace: Trace,
    /// What each is about, and why.
    gaps: Vec<(String, String)>,
    graph: Cow<'a, ImportGraph>,
}

/// Results before, for an audit with these settings.
pub(super) struct Kept<'a> {
    cache: &'a Cache,
    settings: &'a Settings,
    /// The settings that decide what is found.
    terms: Guard,
}

/// The settings that decide what a result says, beside those that a part names itself. Every field is named here: one that comes
/// later has to be thought of, or results that it would have changed are taken from a cache.
fn terms(settings: &Settings) -> Guard {
    let Settings {
        // Decides which files are read, not what they show.
        tree: _,
        // Decides whether commits are read; they are not kept.
        history: _,
        // Decide what the import graph reads: named there.
        site_packages: _,
        python: _,
        // Held against what was found, each time anew.
        advisories: _,
        baseline: _,
        today: _,
        cache: _,
        // What they say is joined with what was found, each time anew.
        others: _,
        rules,
    } = settings;
    Guard::of([rules.fingerprint().as_bytes().as_slice()])
}

// === impl Kept ===

impl<'a> Kept<'a> {
    /// If there is a cache.
    pub(super) fn of(settings: &'a Settings) -> Option<Self> {
        let cache = settings.cache.as_ref()?;
        Some(Self { cache, settings, terms: terms(settings) })
    }

    /// Everything that one file shows.
    pub(super) fn file(&self, looks: &Looks<'_>, entry: &Entry, bytes: &[u8]) -> Code {
        let digest = Sha256Digest::of(bytes);
        let guard = self.guard(entry.origin, digest);
        let before = self.cache.results::<OfFile>(Kind::File, &entry.path, guard);
        let mut code = match before {
            Some(before) => self.known(looks, (entry, bytes), guard, before),
            None => self.looked_at(guard, looks.file(entry, bytes), entry),
        };
        code.digests.extend(entry.location().to_str().map(|location| (location.to_owned(), digest)));
        code
    }

    fn guard(&self, origin: Origin, digest: Sha256Digest) -> Guard {
        let origin: &[u8] = match origin {
            Origin::Project => b"project",
            Origin::Dependency => b"dependency",
        };
        Guard::of([self.terms.as_bytes(), origin, digest.as_bytes()])
    }

    fn known(
        &self,
        looks: &Looks<'_>,
        (entry, bytes): (&Entry, &[u8]),
        guard: Guard,
        (results, OfFile { python }): (Results, OfFile),
    ) -> Code {
        let Results { findings, suppressed } = results;
        let mut code = Code { files: 1, bytes: bytes.len() as u64, findings, suppressed, ..Code::default() };
        code.count_unruled(entry, bytes);
        if python {
            let (path, location) = (entry.path.clone(), entry.location().to_owned());
            code.python.push(PythonFile { path, location, text: None, guard: Some(guard) });
        }
        // Which secrets there are is never kept; only commits ask.
        let secret = code.findings.iter().any(|finding| finding.rule.id.starts_with(AREA));
        if secret && self.settings.history == HistoryOf::Repository {
            let secrets = looks.scanner.scan(&entry.path, bytes);
            code.secrets.extend(secrets.iter().map(|secret| secret.identity));
        }
        code
    }

    /// Keeps what a file shows, unless something of it was not looked at.
    fn looked_at(&self, guard: Guard, mut code: Code, entry: &Entry) -> Code {
        code.python.iter_mut().for_each(|file| file.guard = Some(guard));
        if code.skipped.is_empty() {
            let python = !code.python.is_empty();
            let found = (code.findings.as_slice(), code.suppressed.as_slice());
            self.cache.put_results((Kind::File, &entry.path), guard, found, &OfFile { python });
        }
        code
    }

    /// What following data through all files of Python shows. It rests on all of them: which are followed depends on what each imports.
    pub(super) fn flows(&self, python: &mut [PythonFile]) -> Followed {
        let guard = self.guard_of_flows(python);
        if let Some((Results { findings, suppressed }, OfFlows { unfollowed })) =
            self.cache.results(Kind::Flows, "", guard)
        {
            return Followed { findings, suppressed, unfollowed };
        }
        let mut same = true;
        for file in python.iter_mut().filter(|file| file.text.is_none()) {
            same &= self.read_again(file);
        }
        let followed = follow_all(python, &self.settings.rules);
        if same {
            let of_flows = OfFlows { unfollowed: followed.unfollowed.clone() };
            let found = (followed.findings.as_slice(), followed.suppressed.as_slice());
            self.cache.put_results((Kind::Flows, ""), guard, found, &of_flows);
        }
        followed
    }

    fn guard_of_flows(&self, python: &[PythonFile]) -> Guard {
        let files = python.iter().flat_map(|file| {
            let guard = file.guard.as_ref().map(|guard| guard.as_bytes().as_slice());
            [file.path.as_bytes(), guard.unwrap_or_default()]
        });
        Guard::of([self.terms.as_bytes().as_slice()].into_iter().chain(files))
    }

    /// Reads the text of a file again; `false` if it is another one now.
    fn read_again(&self, file: &mut PythonFile) -> bool {
        let Ok(bytes) = read_regular(&file.location, REGULAR_BYTES_MAX) else { return false };
        file.text = decode(&bytes).ok().map(|text| text.characters.into_owned());
        file.guard == Some(self.guard(Origin::Project, Sha256Digest::of(&bytes)))
    }

    /// The import graph, with what it shows.
    pub(super) fn imports(&self, root: &Path, sites: &[String], digests: &Digests) -> Imports {
        let python = self.settings.python.map(|version| version.0.to_string()).unwrap_or_default();
        let parts = [self.terms.as_bytes(), root.as_os_str().as_encoded_bytes(), python.as_bytes()];
        let guard = Guard::of(parts.into_iter().chain(sites.iter().map(String::as_bytes)));
        let before = self.cache.results::<OfImports<'_>>(Kind::Imports, "", guard);
        if let Some((Results { findings, .. }, OfImports { trace, gaps, graph })) = before
            && trace.holds(&Disk, digests)
        {
            [Kind::Facts, Kind::Undefined].into_iter().for_each(|kind| self.cache.take_all(kind));
            let gaps = gaps.into_iter().map(|(what, reason)| Gap::of(Part::Imports, what, reason));
            return Imports { findings, gaps: gaps.collect(), graph: graph.into_owned() };
        }
        let recorder = Recorder::new(&Disk, self.cache, self.terms);
        let imports = graph::look(&recorder, root, sites, self.settings.python);
        if let Some(trace) = recorder.into_trace() {
            let gaps = imports.gaps.iter().map(|gap| (gap.what.clone(), gap.reason.clone())).collect();
            let kept = OfImports { trace, gaps, graph: Cow::Borrowed(&imports.graph) };
            self.cache.put_results((Kind::Imports, ""), guard, (&imports.findings, &[]), &kept);
        }
        imports
    }
}
