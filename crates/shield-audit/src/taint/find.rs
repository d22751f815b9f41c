//! Following a project: which files are looked at, and what is said of them.

use std::{
    cmp::Reverse,
    collections::{BTreeMap, BTreeSet},
};

use rayon::prelude::*;
use rustc_hash::FxHashSet;
use serde::Serialize;

use super::{
    importers::{Frameworks, frameworks},
    kept::{Keeper, Kept, ROUNDS_MAX},
    marks::Site,
    models::Models,
    project::{Meaning, Modules, Project, absolute, functions, stem},
    registered::registrations,
    report::{Contexts, confidence, finding, range},
    run::{Hit, Run},
    sources::WORDS,
    unfollowed::{Unfollowed, UnfollowedReason, limited, too_many_rounds, too_many_ways},
};
use crate::{
    finding::{Confidence, Finding, Step, number_alike},
    python::{Comments, Kind, Lines, Module, Source, Suppressed, names::Names},
};

/// What may be done for a file, whatever its length, and for each of its bytes.
const WORK_MIN: u64 = 400_000;
const WORK_PER_BYTE: u64 = 20;

/// A file of the project.
#[derive(Clone, Copy, Debug)]
pub struct SourceFile<'t> {
    /// Where it is: relative to the audited directory, `/` between names.
    pub path: &'t str,
    /// Its characters.
    pub text: &'t str,
}

/// What was found by following data.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub struct Flows {
    /// What a stranger's data can do, by place.
    pub findings: Vec<Finding>,
    /// What comments take back.
    pub suppressed: Vec<Suppressed>,
    /// What was not followed to its end, and why.
    pub unfollowed: Vec<Unfollowed>,
    /// How many files were followed: those that let strangers' data in, and what they import.
    pub followed: usize,
}

/// Follows what strangers send through the files of a project to where it does harm.
///
/// Only files that name a web framework, or import from a file of the project that does, let strangers' data in; those and what
/// they import are parsed, the others are not looked at. The order of the files does not matter.
#[must_use]
pub fn follow(files: &[SourceFile<'_>]) -> Flows {
    follow_with(files, &Models::default())
}

/// The same, with what rule files say of functions.
pub(crate) fn follow_with(files: &[SourceFile<'_>], models: &Models) -> Flows {
    let mut files: Vec<SourceFile<'_>> = files.to_vec();
    files.sort_by_key(|file| file.path);
    let mut flows = Flows::default();
    let reach = frameworks(&files, &Modules::of(files.iter().map(|file| file.path)));
    let (parsed, failed) = parse(&files, &reach, models);
    flows.unfollowed.extend(failed);
    let names: Vec<Names<'_>> = parsed.par_iter().map(|(_, source)| source.names()).collect();
    let lines: Vec<Lines<'_>> = parsed.par_iter().map(|(_, source)| source.lines()).collect();
    let modules: Vec<(&str, Module<'_>)> = parsed
        .iter()
        .zip(names.iter().zip(&lines))
        .map(|((index, source), (names, lines))| (files[*index].path, source.module(names, lines)))
        .collect();
    flows.followed = modules.len();
    let mut project = Project::new(modules, models);
    for (file, (index, _)) in project.files.iter_mut().zip(&parsed) {
        let own = Frameworks::of_all(file.module.names.imported().iter().map(String::as_str));
        file.frameworks = if own.is_empty() { reach[*index] } else { own };
    }
    flows.unfollowed.extend(project.files.iter().filter_map(|file| {
        let reason = UnfollowedReason::Unparsed { reason: file.module.error.clone()? };
        Some(Unfollowed { path: file.path.to_owned(), reason })
    }));
    project.registered = registrations(&project, WORK_MIN);
    let mut best: BTreeMap<(Site, &'static str), Found> = BTreeMap::new();
    for followed in follow_in_rounds(&mut project) {
        flows.unfollowed.extend(followed.unfollowed);
        for one in followed.found {
            let key = (one.site, one.finding.rule.id);
            match best.get(&key) {
                Some(other) if other.rank() <= one.rank() => {}
                _ => drop(best.insert(key, one)),
            }
        }
    }
    say(&project, best.into_values().collect(), &mut flows);
    flows.unfollowed.sort();
    flows.unfollowed.dedup();
    flows
}

/// A finding and where it is.
struct Found {
    site: Site,
    finding: Finding,
}

// === impl Found ===

impl Found {
    /// The surest and shortest way comes first.
    fn rank(&self) -> (Reverse<Confidence>, usize, &[Step]) {
        (Reverse(self.finding.confidence), self.finding.steps.len(), &self.finding.steps)
    }
}

type Parsed<'t> = Vec<(usize, Source<'t>)>;

/// Whether a file may let strangers' data in.
fn lets_in(text: &str, models: &Models) -> bool {
    let has = |word: &&str| memchr::memmem::find(text.as_bytes(), word.as_bytes()).is_some();
    WORDS.iter().any(has) || models.let_in(text)
}

/// Parses the files that let strangers' data in, and what they import.
fn parse<'t>(
    files: &[SourceFile<'t>],
    reach: &[Frameworks],
    models: &Models,
) -> (Parsed<'t>, Vec<Unfollowed>) {
    let modules = Modules::of(files.iter().map(|file| file.path));
    let mut known: FxHashSet<usize> = FxHashSet::default();
    let mut parsed: Parsed<'t> = Vec::new();
    let mut failed = Vec::new();
    let may = |index: &usize| !reach[*index].is_empty() || lets_in(files[*index].text, models);
    let mut next: Vec<usize> = (0..files.len()).filter(may).collect();
    while !next.is_empty() {
        known.extend(&next);
        let round: Vec<_> = next
            .par_iter()
            .map(|&index| {
                let source = Source::parse(files[index].text, Kind::of(files[index].path));
                let imports =
                    source.as_ref().map(|source| imports(files[index].path, source)).unwrap_or_default();
                (index, source, imports)
            })
            .collect();
        let mut wanted: Vec<usize> = Vec::new();
        for (index, source, imports) in round {
            match source {
                Ok(source) => parsed.push((index, source)),
                Err(reason) => failed.push(Unfollowed {
                    path: files[index].path.to_owned(),
                    reason: UnfollowedReason::Unparsed { reason },
                }),
            }
            for name in imports {
                // A member of a module, a module of a package, and every package above.
                let mut rest = name.as_str();
                loop {
                    if let Some(Meaning::File(file)) = modules.meaning(rest) {
                        wanted.push(file as usize);
                    }
                    match rest.rsplit_once('.') {
                        Some((above, _)) => rest = above,
                        None => break,
                    }
                }
            }
        }
        wanted.sort_unstable();
        wanted.dedup();
        next = wanted.into_iter().filter(|file| !known.contains(file)).collect();
    }
    parsed.sort_by_key(|(index, _)| *index);
    (parsed, failed)
}

/// The whole names of what a file imports.
fn imports(path: &str, source: &Source<'_>) -> Vec<String> {
    let names = source.names();
    let own = stem(path).replace('/', ".");
    let whole = |name: &String| {
        let rest = name.trim_start_matches('.');
        let level = u32::try_from(name.len() - rest.len()).unwrap_or(u32::MAX);
        absolute(&own, path, rest, level)
    };
    names.imported().iter().map(whole).collect()
}

/// What came of following one file.
#[derive(Default)]
struct Followed<'a> {
    found: Vec<Found>,
    unfollowed: Vec<Unfollowed>,
    /// What its functions left for others, and where they looked for what others left.
    kept: Kept<'a>,
    asked: BTreeSet<Keeper<'a>>,
}

/// Follows every file, and again those that look where others left something new in the round before.
fn follow_in_rounds<'a>(project: &mut Project<'a>) -> Vec<Followed<'a>> {
    let count = u32::try_from(project.files.len()).unwrap_or(u32::MAX);
    let mut each: Vec<Followed<'a>> =
        (0..count).into_par_iter().map(|file| follow_file(project, file)).collect();
    for round in 1.. {
        let mut kept = Kept::default();
        let mut whole = true;
        for followed in &each {
            whole &= kept.join(&followed.kept);
        }
        let again: Vec<u32> = {
            let news = kept.news(&project.kept);
            let looks = |file: &u32| each[*file as usize].asked.iter().any(|keeper| news.contains(keeper));
            (0..count).filter(looks).collect()
        };
        // Where more is left than is told apart, anybody who looks there may miss it.
        let missed: Vec<u32> = match (whole, round == ROUNDS_MAX) {
            (false, _) => (0..count).filter(|file| !each[*file as usize].asked.is_empty()).collect(),
            (true, last) => again.iter().copied().filter(|_| last).collect(),
        };
        let unfollowed = missed.into_iter().map(|file| too_many_rounds(project, file)).collect();
        each.push(Followed { unfollowed, ..Followed::default() });
        if again.is_empty() || round == ROUNDS_MAX {
            break;
        }
        project.kept = kept;
        let project = &*project;
        let followed: Vec<(u32, Followed<'a>)> =
            again.into_par_iter().map(|file| (file, follow_file(project, file))).collect();
        for (file, followed) in followed {
            each[file as usize] = followed;
        }
    }
    each
}

fn follow_file<'a>(project: &Project<'a>, file: u32) -> Followed<'a> {
    let module = &project.file(file).module;
    let text = module.text;
    let mut registered = project.registered.range((file, 0)..=(file, u32::MAX)).peekable();
    let reached = !project.file(file).frameworks.is_empty() || registered.peek().is_some();
    if !reached && !lets_in(text, project.models) {
        return Followed::default();
    }
    let mut run = Run::new(project, WORK_MIN + WORK_PER_BYTE * text.len() as u64);
    let mut roots = Vec::new();
    functions(&module.syntax.body, None, &mut roots);
    let mut broken_off = None;
    for (function, class) in roots {
        run.root(file, function, class);
        if broken_off.is_none() && (run.cut || !run.spend(0)) {
            broken_off = Some(too_many_ways(project, file, function.name.as_str(), function.name.range));
        }
    }
    for (_, said) in registered {
        run.lambda_root(file, said);
    }
    let kept = run.kept();
    let asked = std::mem::take(&mut run.asked).into_keys().collect();
    let unfollowed = broken_off.into_iter().chain(limited(project, &run.stopped)).collect();
    let hits = std::mem::take(&mut run.hits);
    let mut best: BTreeMap<(Site, &'static str), &Hit> = BTreeMap::new();
    let rank = |hit: &Hit| {
        let trail = run.ledger.trails[hit.mark.trail as usize];
        (Reverse(confidence(hit)), trail.length, hit.mark.origin)
    };
    for hit in &hits {
        let kept = best.entry((hit.site, hit.danger.rule.id)).or_insert(hit);
        if rank(hit) < rank(kept) {
            *kept = hit;
        }
    }
    let found = best.into_values().map(|hit| Found { site: hit.site, finding: finding(project, &run, hit) });
    let found = found.collect();
    Followed { found, unfollowed, kept, asked }
}

/// Gives findings their fingerprints, and takes those back that comments take back.
fn say(project: &Project<'_>, mut found: Vec<Found>, flows: &mut Flows) {
    found.sort_by(|left, right| {
        let key = |one: &Found| (one.site, one.finding.rule.id);
        key(left).cmp(&key(right))
    });
    let files: BTreeSet<u32> = found.iter().map(|one| one.site.file).collect();
    let comments: BTreeMap<u32, Comments<'_>> =
        files.iter().map(|file| (*file, Comments::of(&project.file(*file).module))).collect();
    let taken: Vec<Option<String>> = found
        .iter()
        .map(|one| {
            let module = &project.file(one.site.file).module;
            comments.get(&one.site.file)?.taking_back(module, range(one.site), one.finding.rule)
        })
        .collect();
    let contexts: BTreeMap<u32, Contexts> =
        files.iter().map(|file| (*file, Contexts::of(project, *file))).collect();
    let named = found.into_iter().map(|one| {
        let context = contexts.get(&one.site.file).map_or("", |all| all.around(one.site)).to_owned();
        Finding { context, ..one.finding }
    });
    let mut findings: Vec<Finding> = named.collect();
    number_alike(&mut findings);
    for (finding, comment) in findings.into_iter().zip(taken) {
        match comment {
            None => flows.findings.push(finding),
            Some(comment) => flows.suppressed.push(Suppressed { finding, comment }),
        }
    }
}
