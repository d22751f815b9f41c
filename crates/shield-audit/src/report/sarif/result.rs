//! One finding as a result.

use serde_json::{Map, Value, json};

use super::{log::ROOT, tool};
use crate::{
    baseline::Terms,
    finding::{Finding, Place, Step},
    foreign::Sighting,
    report::{Standing, escape, words},
};

/// GitHub shows so many steps of a way.
const STEPS_MAX: usize = 1_000;

/// What becomes of a finding.
#[derive(Clone, Copy, Debug)]
pub(super) enum Set<'a> {
    /// It is not taken back.
    Open(Standing),
    /// The baseline accepts it.
    Accepted(&'a Terms),
    /// A comment takes it back.
    Suppressed(&'a str),
}

/// The result of a finding, with who sees it, whose rule is at this place.
pub(super) fn result(set: &Set<'_>, (finding, seen_by): (&Finding, Vec<Sighting>), rule: usize) -> Value {
    let mut result = Map::from_iter([
        ("ruleId".to_owned(), json!(finding.rule.id)),
        ("ruleIndex".to_owned(), json!(rule)),
        ("message".to_owned(), json!({"text": finding.message})),
        ("locations".to_owned(), json!([location(&finding.place, &finding.context)])),
        ("partialFingerprints".to_owned(), fingerprints(finding)),
        ("properties".to_owned(), properties(set, finding, &seen_by)),
    ]);
    let mut say = |key: &str, value: Value| result.insert(key.to_owned(), value);
    match set {
        Set::Open(Standing::Own) | Set::Accepted(_) | Set::Suppressed(_) => {
            say("level", json!(tool::level(finding.severity)));
        }
        // Code of others: for whoever looks into it, not for this project to mend.
        Set::Open(Standing::Dependency) => {
            say("level", json!("none"));
            say("kind", json!("review"));
        }
        Set::Open(Standing::Unreachable) => {
            say("level", json!("none"));
            say("kind", json!("notApplicable"));
        }
    }
    match set {
        Set::Open(_) => {}
        Set::Accepted(terms) => {
            let owner =
                terms.owner.as_ref().map(|owner| format!("; {owner} answers for it")).unwrap_or_default();
            let reason = format!("{} (until {}{owner})", terms.reason, terms.until);
            say("suppressions", json!([{"kind": "external", "status": "accepted", "justification": reason}]));
        }
        Set::Suppressed(comment) => {
            say("suppressions", json!([{"kind": "inSource", "justification": comment}]));
        }
    }
    if !finding.steps.is_empty() {
        say("codeFlows", json!([{"threadFlows": [{"locations": flow(&finding.steps)}]}]));
    }
    Value::Object(result)
}

/// Ours, and the one that GitHub knows alerts by: a hash, and which one of alike it is, which the hash says already.
fn fingerprints(finding: &Finding) -> Value {
    json!({
        "shieldAudit/v1": finding.fingerprint,
        "primaryLocationLineHash": format!("{}:1", finding.fingerprint),
    })
}

fn properties(set: &Set<'_>, finding: &Finding, seen_by: &[Sighting]) -> Value {
    let mut properties = Map::from_iter([
        ("severity".to_owned(), json!(finding.severity)),
        ("confidence".to_owned(), json!(finding.confidence)),
        ("subject".to_owned(), json!(finding.subject)),
    ]);
    if !seen_by.is_empty() {
        properties.insert("seenBy".to_owned(), json!(seen_by));
    }
    if let Set::Open(standing) = set {
        properties.insert("standing".to_owned(), json!(words::standing(*standing)));
    }
    Value::Object(properties)
}

fn location(place: &Place, context: &str) -> Value {
    let mut location = Map::from_iter([("physicalLocation".to_owned(), physical(place))]);
    if !context.is_empty() {
        location.insert("logicalLocations".to_owned(), json!([{"fullyQualifiedName": context}]));
    }
    Value::Object(location)
}

/// What is about a whole file is at its first line: readers that show alerts in files need one.
fn physical(place: &Place) -> Value {
    let file = if place.file.is_empty() { "." } else { &place.file };
    let region = match place.span {
        None => json!({"startLine": 1}),
        Some(span) => {
            let (line, column) = (span.line.max(1), span.column.max(1));
            let (end_line, end_column) = (span.end_line, span.end_column).max((line, column));
            json!({"startLine": line, "startColumn": column, "endLine": end_line, "endColumn": end_column.max(1)})
        }
    };
    json!({"artifactLocation": {"uri": escape::uri(file), "uriBaseId": ROOT}, "region": region})
}

fn flow(steps: &[Step]) -> Vec<Value> {
    let shown = steps.iter().take(STEPS_MAX);
    let locations = shown.map(|step| {
        json!({"location": {"physicalLocation": physical(&step.place), "message": {"text": step.what}}})
    });
    locations.collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{finding::Span, report::sample};

    #[test]
    fn lines_and_columns_are_at_least_one() {
        let at = |line, column, end_line, end_column| {
            let span = Some(Span { line, column, end_line, end_column });
            physical(&Place { file: "a.py".to_owned(), span })["region"].clone()
        };
        assert_eq!(at(0, 0, 0, 0), json!({"startLine": 1, "startColumn": 1, "endLine": 1, "endColumn": 1}));
        assert_eq!(at(3, 5, 4, 1), json!({"startLine": 3, "startColumn": 5, "endLine": 4, "endColumn": 1}));
        assert_eq!(physical(&Place { file: String::new(), span: None })["artifactLocation"]["uri"], ".");
    }

    #[test]
    fn steps_become_a_flow() {
        let report = sample::found();
        let result = result(&Set::Open(Standing::Own), (&report.found[0].finding, Vec::new()), 0);
        let locations = &result["codeFlows"][0]["threadFlows"][0]["locations"];
        assert_eq!(locations[1]["location"]["message"]["text"], "runs it");
        assert_eq!(locations[0]["location"]["physicalLocation"]["region"]["startLine"], 3);
        assert_eq!(result["locations"][0]["logicalLocations"][0]["fullyQualifiedName"], "run");
    }
}
