//! Words and orders that every form of a replay shares.

use std::collections::BTreeMap;

use crate::{
    audit::ReplayedReport,
    replay::{Count, Judged, JudgedClaim, Verdict},
    report::{Gap, Part, words::count},
};

/// One line of the table of verdicts.
pub(in crate::report) struct Row<'a> {
    pub(in crate::report) verdict: Verdict,
    pub(in crate::report) count: Count,
    /// The first entry that has it.
    pub(in crate::report) example: &'a Judged,
}

/// What it comes to, in one sentence.
pub(in crate::report) fn headline(replayed: &ReplayedReport) -> String {
    let claims = || replayed.replay.claims.iter().filter(|claim| claim.accusation.is_some());
    let accusing: usize = claims().map(|claim| claim.entries.len()).sum();
    let with = |verdict| {
        let all = claims().flat_map(|claim| &claim.entries);
        all.filter(|one| one.verdict == verdict).count()
    };
    format!(
        "of {} that accuse files, {} real in the project's own code and {} in installed code that is loaded{}",
        entries(accusing),
        are(with(Verdict::Own)),
        are(with(Verdict::Reached)),
        match replayed.unjudged() {
            0 => "; every entry is judged".to_owned(),
            unjudged => format!("; {} could not be judged", count(unjudged)),
        }
    )
}

fn are(number: usize) -> String {
    format!("{} {}", count(number), if number == 1 { "is" } else { "are" })
}

/// A claim that accuses files is shown with its funnel; the others in a line each.
pub(in crate::report) fn listed(replayed: &ReplayedReport) -> (Vec<&JudgedClaim>, Vec<&JudgedClaim>) {
    replayed.replay.claims.iter().partition(|claim| claim.accusation.is_some())
}

/// The verdicts of a claim, in the order of the funnel.
pub(in crate::report) fn counts(claim: &JudgedClaim) -> Vec<Row<'_>> {
    let mut examples: BTreeMap<Verdict, &Judged> = BTreeMap::new();
    for entry in &claim.entries {
        examples.entry(entry.verdict).or_insert(entry);
    }
    let rows = claim
        .counts()
        .into_iter()
        .filter_map(|(verdict, count)| Some(Row { verdict, count, example: examples.get(&verdict)? }));
    rows.collect()
}

/// The narrowings of a claim, with how much of the whole is left.
pub(in crate::report) fn stages(claim: &JudgedClaim) -> Vec<(&'static str, Count)> {
    claim.funnel().into_iter().map(|stage| (stage.what, stage.left)).collect()
}

/// Entries of a verdict.
pub(in crate::report) fn real(claim: &JudgedClaim, verdict: Verdict) -> Vec<&Judged> {
    claim.entries.iter().filter(|one| one.verdict == verdict).collect()
}

/// What is said of a claim that accuses nothing.
pub(in crate::report) fn sentence(claim: &JudgedClaim) -> String {
    let verdict = claim.entries.first().map_or("names no file", |one| one.verdict.words());
    format!("{}: {verdict}", entries(claim.entries.len()))
}

fn entries(number: usize) -> String {
    if number == 1 { "1 entry".to_owned() } else { format!("{} entries", count(number)) }
}

/// Everything that was not read.
pub(in crate::report) fn unread(replayed: &ReplayedReport) -> Vec<Gap> {
    let files = replayed.skipped.iter();
    let files = files.map(|one| Gap::of(Part::Files, &one.path, one.reason.to_string()));
    files.chain(replayed.gaps.iter().cloned()).collect()
}
