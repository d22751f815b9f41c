//! Where data of strangers does harm, beside what single calls show.

use std::collections::HashSet;

use super::code::Code;
use crate::{
    custom::Rules,
    finding::{Finding, Place},
    report::{Gap, Part},
    taint::{SourceFile, UnfollowedReason, follow_with},
};

/// Adds what following the data of the project's own files shows, and gives what could not be followed to its end. A call that data
/// of strangers reaches is one finding, not two: what its name alone shows gives way.
pub(super) fn add(code: &mut Code, rules: &Rules) -> Vec<Gap> {
    let files: Vec<_> = code
        .python
        .iter()
        .map(|(path, text)| SourceFile { path: path.as_str(), text: text.as_str() })
        .collect();
    let flows = follow_with(&files, rules.models());
    let reached: HashSet<_> = flows.findings.iter().map(|finding| start(&finding.place)).collect();
    code.findings.retain(|finding| !gives_way(finding, &reached));
    code.findings.extend(flows.findings);
    code.suppressed.extend(flows.suppressed);
    // A file that does not parse is named already.
    let unfollowed =
        flows.unfollowed.iter().filter(|one| matches!(one.reason, UnfollowedReason::TooManyWays));
    unfollowed.map(|one| Gap::of(Part::Flows, one.path.as_str(), one.reason.to_string())).collect()
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
