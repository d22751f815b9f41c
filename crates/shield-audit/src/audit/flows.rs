//! Where data of strangers does harm, beside what single calls show.

use std::collections::HashSet;

use super::{
    code::{Code, PythonFile},
    kept::Kept,
};
use crate::{
    custom::Rules,
    finding::{Cwe, Finding, Place, Span},
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
    let reached = Reached::by(&followed.findings);
    code.findings.retain(|finding| !reached.covers(finding));
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

/// Longer calls are covered by where they begin only, in lines.
const CALL_LINES_MAX: u32 = 200;

/// Where data of strangers goes.
#[derive(Default)]
struct Reached<'f> {
    /// Where the calls that it reaches begin.
    starts: HashSet<(&'f str, u32, u32)>,
    /// The lines of those calls, and of its way there, by the weakness.
    lines: HashSet<(&'f str, u32, Cwe)>,
}

// === impl Reached ===

impl<'f> Reached<'f> {
    fn by(findings: &'f [Finding]) -> Self {
        let mut reached = Self::default();
        for finding in findings {
            let Some((file, span)) = located(&finding.place) else { continue };
            let cwe = finding.rule.cwe;
            reached.starts.insert((file, span.line, span.column));
            let lines = span.line..=span.end_line.min(span.line.saturating_add(CALL_LINES_MAX));
            reached.lines.extend(lines.map(|line| (file, line, cwe)));
            let steps = finding.steps.iter().filter_map(|step| located(&step.place));
            reached.lines.extend(steps.map(|(file, span)| (file, span.line, cwe)));
        }
        reached
    }

    /// Whether a finding says less of the same call, or of what is handed to it.
    fn covers(&self, finding: &Finding) -> bool {
        let Some((file, span)) = located(&finding.place) else { return false };
        let of_same_call = self.starts.contains(&(file, span.line, span.column));
        let of_same_data = self.lines.contains(&(file, span.line, finding.rule.cwe));
        finding.rule.id.starts_with("python/") && (of_same_call || of_same_data)
    }
}

fn located(place: &Place) -> Option<(&str, Span)> {
    place.span.map(|span| (place.file.as_str(), span))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        python::{Audit, Parse},
        taint::follow,
    };

    /// The ids of what is left beside what following the data shows.
    fn left(text: &str) -> Vec<&'static str> {
        let flows = follow(&[SourceFile { path: "a.py", text }]);
        assert!(!flows.findings.is_empty(), "{text}");
        let reached = Reached::by(&flows.findings);
        let report = Audit::default().text("a.py", text, Parse::Always);
        report.findings.iter().filter(|one| !reached.covers(one)).map(|one| one.rule.id).collect()
    }

    #[test]
    fn one_defect_is_one_finding() {
        const VIEW: &str =
            "from flask import Flask, request\napp = Flask(__name__)\n@app.route('/')\ndef f():\n    ";
        let injection = "q = 'select a from b where c = ' + request.args['c']\n    db.execute(q)";
        assert_eq!(left(&format!("{VIEW}{injection}")), Vec::<&str>::new());
        let direct = "db.execute(\n        'select a from b where c = ' + request.args['c'])";
        assert_eq!(left(&format!("{VIEW}{direct}")), Vec::<&str>::new());
        let two = format!("{VIEW}{injection}\n    db.execute('select a from b where c = ' + other)");
        assert_eq!(left(&two), ["python/sql-text"]);
    }
}
