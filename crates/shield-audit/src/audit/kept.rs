//! Results of audits before, where everything that they were made of is the same: see [`crate::cache`].

use std::{borrow::Cow, fs, path::Path};

use serde::{Deserialize, Serialize};
use shield_types::Sha256Digest;

use super::{
    HistoryOf, Settings,
    code::{Code, Looks, PythonFile},
    flows::{self, Followed},
    graph::{self, ImportGraph, Imports},
};
use crate::{
    cache::{Cache, Digests, Guard, Kind, Recorder, Results, Trace},
    imports::Disk,
    report::{Gap, Part},
    secrets::AREA,
    tree::{Entry, Origin, decode},
};

/// What is kept of a file beside its findings.
#[derive(Serialize, Deserialize)]
struct OfFile {
    /// Whether data is followed through it.
    python: bool,
}

/// What is kept of the import graph beside its findings.
#[derive(Serialize, Deserialize)]
struct OfImports<'a> {
    trace: Trace,
    /// What each is about, and why.
    gaps: Vec<(String, String)>,
    graph: Cow<'a, ImportGraph>,
}

/// Everything that one file shows.
pub(super) fn file(
    cache: &Cache,
    history: HistoryOf,
    looks: &Looks<'_>,
    (entry, bytes): (&Entry, &[u8]),
) -> Code {
    let digest = Sha256Digest::of(bytes);
    let origin: &[u8] = match entry.origin {
        Origin::Project => b"project",
        Origin::Dependency => b"dependency",
    };
    let guard = Guard::of([origin, digest.as_bytes()]);
    let mut code = match cache.results::<OfFile>(Kind::File, &entry.path, guard) {
        Some((results, of_file)) => known(history, looks, (entry, bytes), (results, of_file)),
        None => looked_at(cache, guard, looks, (entry, bytes)),
    };
    code.python.iter_mut().for_each(|file| file.guard = Some(guard));
    code.digests.extend(entry.location().to_str().map(|location| (location.to_owned(), digest)));
    code
}

fn known(
    history: HistoryOf,
    looks: &Looks<'_>,
    (entry, bytes): (&Entry, &[u8]),
    (results, OfFile { python }): (Results, OfFile),
) -> Code {
    let mut code = Code {
        files: 1,
        bytes: bytes.len() as u64,
        findings: results.findings,
        suppressed: results.suppressed,
        ..Code::default()
    };
    if python {
        let (path, location) = (entry.path.clone(), entry.location().to_owned());
        code.python.push(PythonFile { path, location, text: None, guard: None });
    }
    // Which secrets there are is never kept; only commits ask.
    let secret = code.findings.iter().any(|finding| finding.rule.id.starts_with(AREA));
    if secret && history == HistoryOf::Repository {
        let secrets = looks.scanner.scan(&entry.path, bytes);
        code.secrets.extend(secrets.iter().map(|secret| secret.identity));
    }
    code
}

fn looked_at(cache: &Cache, guard: Guard, looks: &Looks<'_>, (entry, bytes): (&Entry, &[u8])) -> Code {
    let code = looks.file(entry, bytes);
    if code.skipped.is_empty() {
        let of_file = OfFile { python: !code.python.is_empty() };
        cache.put_results((Kind::File, &entry.path), guard, (&code.findings, &code.suppressed), &of_file);
    }
    code
}

/// What following data through all files of Python shows.
pub(super) fn flows(cache: &Cache, python: &mut [PythonFile]) -> Followed {
    let guards = python.iter().filter_map(|file| Some((file, file.guard.as_ref()?)));
    let parts = guards.flat_map(|(file, guard)| [file.path.as_bytes(), guard.as_bytes().as_slice()]);
    let guard = Guard::of(parts);
    if let Some((Results { findings, suppressed }, unfollowed)) = cache.results(Kind::Flows, "", guard) {
        return Followed { findings, suppressed, unfollowed };
    }
    let again = python.iter_mut().filter(|file| file.text.is_none());
    // Every one of them, whatever the first says.
    let same = again.fold(true, |same, file| read_again(file) && same);
    let followed = flows::follow_all(python);
    if same {
        let results = (followed.findings.as_slice(), followed.suppressed.as_slice());
        cache.put_results((Kind::Flows, ""), guard, results, &followed.unfollowed);
    }
    followed
}

/// Reads the text of a file again; `false` if it is another one now.
fn read_again(file: &mut PythonFile) -> bool {
    let Ok(bytes) = fs::read(&file.location) else { return false };
    file.text = decode(&bytes).ok().map(|text| text.characters.into_owned());
    let guard = Guard::of([b"project".as_slice(), Sha256Digest::of(&bytes).as_bytes()]);
    file.guard == Some(guard)
}

/// The import graph, with what it shows.
pub(super) fn imports(
    cache: &Cache,
    root: &Path,
    sites: &[String],
    (settings, digests): (&Settings, &Digests),
) -> Imports {
    let python = settings.python.map(|version| version.0.to_string()).unwrap_or_default();
    let parts = [root.as_os_str().as_encoded_bytes(), python.as_bytes()];
    let guard = Guard::of(parts.into_iter().chain(sites.iter().map(String::as_bytes)));
    if let Some((Results { findings, .. }, kept)) = cache.results::<OfImports<'_>>(Kind::Imports, "", guard)
        && kept.trace.holds(&Disk, digests)
    {
        let gaps = kept.gaps.into_iter().map(|(what, reason)| Gap::of(Part::Imports, what, reason)).collect();
        return Imports { findings, gaps, graph: kept.graph.into_owned() };
    }
    let recorder = Recorder::new(&Disk);
    let imports = graph::look(&recorder, root, sites, settings);
    if let Some(trace) = recorder.into_trace() {
        let gaps = imports.gaps.iter().map(|gap| (gap.what.clone(), gap.reason.clone())).collect();
        let kept = OfImports { trace, gaps, graph: Cow::Borrowed(&imports.graph) };
        cache.put_results((Kind::Imports, ""), guard, (&imports.findings, &[]), &kept);
    }
    imports
}
