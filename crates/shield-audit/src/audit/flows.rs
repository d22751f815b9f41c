//! Where data of strangers does harm, beside what single calls show.

use std::collections::HashSet;

use super::{
    code::{Code, PythonFile},
    kept::Kept,
};
use crate::{
    custom::Rules,
    finding::{Finding, Place},
    python::Suppressed,
    report::{Gap, Part},
    taint::{SourceFile, UnfollowedReason, follow_with},
};

/// What following data shows.
#[derive(Debug)]
pub(super) struct Followed {
    pub(super) findings: Vec<Finding>,
    pub(super) suppressed: Vec<Suppressed>,
    /// Files that were not followed to their end, and why.
    pub(super) unfollowed: Vec<(String, String)>,
}

/// Adds what following the data of the project's own files shows, and gives what could not be followed to its end. A call that data
/// of strangers reaches is one finding, not two: what its name alone shows gives way.
pub(super) fn add(code: &mut Code, rules: &Rules, kept: Option<&Kept<'_>>) -> Vec<Gap> {
    let followed = match kept {
        Some(kept) => kept.flows(&mut code.python),
        None => follow_all(&code.python, rules),
    };
    let reached: HashSet<_> = followed.findings.iter().map(|finding| start(&finding.place)).collect();
    code.findings.retain(|finding| !gives_way(finding, &reached));
    code.findings.extend(followed.findings);
    code.suppressed.extend(followed.suppressed);
    followed.unfollowed.into_iter().map(|(path, reason)| Gap::of(Part::Flows, path, reason)).collect()
}

/// Follows data through the files whose text is there.
pub(super) fn follow_all(python: &[PythonFile], rules: &Rules) -> Followed {
    let files = python.iter().filter_map(|file| {
        let (path, text) = (file.path.as_str(), file.text.as_deref()?);
        Some(SourceFile { path, text })
    });
    let flows = follow_with(&files.collect::<Vec<_>>(), rules.models());
    // A file that does not parse is named already.
    let unfollowed =
        flows.unfollowed.iter().filter(|one| !matches!(one.reason, UnfollowedReason::Unparsed { .. }));
    let unfollowed = unfollowed.map(|one| (one.path.clone(), one.reason.to_string())).collect();
    Followed { findings: flows.findings, suppressed: flows.suppressed, unfollowed }
}

/// Where something begins: its file, line and column.
fn start(place: &Place) -> Option<(String, u32, u32)> {
    place.span.map(|span| (place.file.clone(), span.line, span.column))
}

fn gives_way(finding: &Finding, reached: &HashSet<Option<(String, u32, u32)>>) -> bool {
    finding.rule.id.starts_with("python/")
        && finding.place.span.is_some()
        && reached.contains(&start(&finding.place))
}
