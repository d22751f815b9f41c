//! The tool: its rules, what it says of itself, and the weaknesses that its rules are about.

use std::collections::BTreeSet;

use serde_json::{Value, json};

use crate::{
    finding::{Cwe, Rule, Severity},
    report::words,
};

/// What a notification is: something that was not looked at.
pub(super) const NOT_LOOKED_AT: &str = "not-looked-at";
/// What a notification is: something that was left out on purpose.
pub(super) const LEFT_OUT: &str = "left-out";

/// GitHub shows so many tags of a rule.
const TAGS_MAX: usize = 10;

pub(super) fn driver(rules: &[&'static Rule]) -> Value {
    json!({
        "name": "shield audit",
        "semanticVersion": env!("CARGO_PKG_VERSION"),
        "rules": rules.iter().map(|rule| described(rule)).collect::<Vec<_>>(),
        "notifications": [
            {"id": NOT_LOOKED_AT, "shortDescription": {"text": "something could not be looked at: what is in it is not known"}},
            {"id": LEFT_OUT, "shortDescription": {"text": "something was left out on purpose"}},
        ],
        "supportedTaxonomies": [{"name": "CWE"}],
    })
}

/// The weaknesses of all rules, in their order.
pub(super) fn weaknesses(rules: &[&Rule]) -> Value {
    let weaknesses: BTreeSet<Cwe> = rules.iter().map(|rule| rule.cwe).collect();
    let taxa: Vec<_> = weaknesses
        .iter()
        .map(|cwe| {
            let address = format!("https://cwe.mitre.org/data/definitions/{}.html", cwe.0);
            json!({"id": cwe.0.to_string(), "name": cwe.to_string(), "helpUri": address})
        })
        .collect();
    json!({
        "name": "CWE",
        "organization": "MITRE",
        "shortDescription": {"text": "Common Weakness Enumeration"},
        "informationUri": "https://cwe.mitre.org/",
        "taxa": taxa,
    })
}

fn described(rule: &Rule) -> Value {
    let (text, markdown) = help(rule);
    let area = rule.id.split(['/', ':']).next().unwrap_or(rule.id);
    let security = rule.cwe != words::QUALITY;
    let mut tags = vec![area.to_owned(), format!("external/cwe/cwe-{:03}", rule.cwe.0)];
    tags.push(if security { "security" } else { "maintainability" }.to_owned());
    tags.extend(rule.aliases.iter().map(|alias| (*alias).to_owned()));
    tags.truncate(TAGS_MAX);
    let mut properties = json!({"tags": tags, "problem.severity": problem(rule.severity)});
    if security {
        properties["security-severity"] = json!(score(rule.severity));
    }
    json!({
        "id": rule.id,
        "name": pascal(rule.id),
        "shortDescription": {"text": format!("{}.", words::title(rule))},
        "fullDescription": {"text": format!("{}. {}", words::title(rule), words::advice(rule))},
        "help": {"text": text, "markdown": markdown},
        "helpUri": format!("https://cwe.mitre.org/data/definitions/{}.html", rule.cwe.0),
        "defaultConfiguration": {"level": level(rule.severity)},
        "relationships": [{
            "target": {"id": rule.cwe.0.to_string(), "toolComponent": {"name": "CWE"}},
            "kinds": ["superset"],
        }],
        "properties": properties,
    })
}

/// What to do, in text and in Markdown. Rules are constants of this crate, or of the rule files that the
/// project itself wrote: nothing in them is a stranger's.
fn help(rule: &Rule) -> (String, String) {
    let names = match rule.aliases {
        [] => String::new(),
        aliases => format!(" Others call it {}.", aliases.join(", ")),
    };
    let advice = words::advice(rule);
    let severity = rule.severity.name();
    let text =
        format!("{advice} It is {}, of severity {severity} unless a result says otherwise.{names}", rule.cwe);
    let markdown = format!(
        "**{}**\n\n{advice}\n\n- {}\n- severity {severity} unless a result says otherwise\n- `{}`{}\n",
        words::title(rule),
        rule.cwe,
        rule.id,
        rule.aliases.iter().map(|alias| format!(", elsewhere `{alias}`")).collect::<String>(),
    );
    (text, markdown)
}

/// `python/weak-hash` as `PythonWeakHash`, as names of rules are spelled in SARIF.
fn pascal(id: &str) -> String {
    id.split(['/', '-', ':', '.', '_']).map(words::capital).collect()
}

/// The level of results of a severity.
pub(super) const fn level(severity: Severity) -> &'static str {
    match severity {
        Severity::Critical | Severity::High => "error",
        Severity::Medium => "warning",
        Severity::Low | Severity::Info => "note",
    }
}

const fn problem(severity: Severity) -> &'static str {
    match severity {
        Severity::Critical | Severity::High => "error",
        Severity::Medium => "warning",
        Severity::Low | Severity::Info => "recommendation",
    }
}

/// A score that GitHub reads as this severity: above 9 is critical, from 7 high, from 4 medium, from 0.1 low.
const fn score(severity: Severity) -> &'static str {
    match severity {
        Severity::Critical => "9.5",
        Severity::High => "8.0",
        Severity::Medium => "5.5",
        Severity::Low => "2.0",
        Severity::Info => "0.0",
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::sample;

    #[test]
    fn rules_say_what_to_do() {
        let rules: Vec<_> = sample::found().rules().into_iter().collect();
        let driver = driver(&rules);
        let weak =
            driver["rules"].as_array().unwrap().iter().find(|rule| rule["id"] == "python/weak-hash").unwrap();
        assert_eq!(weak["name"], "PythonWeakHash");
        assert_eq!(weak["properties"]["security-severity"], "5.5");
        assert_eq!(weak["properties"]["tags"], json!(["python", "external/cwe/cwe-328", "security", "B324"]));
        assert_eq!(weak["relationships"][0]["target"]["id"], "328");
        assert_eq!(weak["fullDescription"]["text"], "Weak hash. Use SHA-256.");
    }

    #[test]
    fn broken_imports_are_no_security() {
        let rules: Vec<_> = sample::found().rules().into_iter().collect();
        let driver = driver(&rules);
        let broken =
            driver["rules"].as_array().unwrap().iter().find(|rule| rule["id"] == "imports/broken").unwrap();
        assert_eq!(broken["properties"]["security-severity"], Value::Null);
    }
}
