//! SARIF 2.1.0 (OASIS, 2020), of any tool.

use std::{collections::HashMap, path::Path};

use serde_json::Value;

use super::{
    ReadOutputError,
    path::{decoded, relative},
    rating, span,
    table::weakness,
};
use crate::{
    finding::{Cwe, Place, Severity, Span},
    foreign::{About, Observation, Output},
    imports::Unread,
};

/// One run: whose, its rules by number and by id, and where its relative names start.
struct Run<'v> {
    tool: &'v str,
    rules: Vec<&'v Value>,
    by_id: HashMap<&'v str, &'v Value>,
    bases: &'v Value,
    root: &'v Path,
}

fn runs(document: &Value) -> Option<&Vec<Value>> {
    let runs = document["runs"].as_array();
    runs.filter(|_| document["version"].as_str().is_some_and(|version| version.starts_with("2.")))
}

/// Whether a document is SARIF.
pub(super) fn is(document: &Value) -> bool {
    runs(document).is_some()
}

/// Whose runs are in a document.
pub(super) fn whose(document: &Value) -> Vec<String> {
    let root = Path::new("");
    runs(document).into_iter().flatten().map(|run| Run::of(run, root).tool.to_lowercase()).collect()
}

/// Reads a document.
pub(super) fn read(document: &Value, root: &Path) -> Result<Output, ReadOutputError> {
    let Some(runs) = runs(document) else {
        return Err(ReadOutputError::Form { tool: "SARIF".to_owned(), expected: "runs" });
    };
    let mut output = Output::default();
    for run in runs {
        Run::of(run, root).read(run, &mut output);
    }
    Ok(output)
}

fn array(value: &Value) -> impl Iterator<Item = &Value> {
    value.as_array().into_iter().flatten()
}

/// The text of a message or of a description.
fn message(value: &Value) -> Option<&str> {
    value["text"].as_str().or_else(|| value["markdown"].as_str())
}

// === impl Run ===

impl<'v> Run<'v> {
    fn of(run: &'v Value, root: &'v Path) -> Self {
        let driver = &run["tool"]["driver"];
        let rules: Vec<&Value> = array(&driver["rules"]).collect();
        let extensions = array(&run["tool"]["extensions"]).flat_map(|extension| array(&extension["rules"]));
        let by_id = rules.iter().copied().chain(extensions);
        let by_id = by_id.filter_map(|rule| Some((rule["id"].as_str()?, rule))).collect();
        let tool = driver["name"].as_str().unwrap_or("unnamed");
        Self { tool, rules, by_id, bases: &run["originalUriBaseIds"], root }
    }

    fn read(&self, run: &Value, output: &mut Output) {
        for result in array(&run["results"]) {
            let fails = matches!(result["kind"].as_str(), None | Some("fail" | "open" | "review"));
            let accepted = |one: &Value| !matches!(one["status"].as_str(), Some("rejected" | "underReview"));
            if array(&result["suppressions"]).any(accepted) {
                output.taken_back += 1;
            } else if fails {
                output.observations.push(self.observation(result));
            }
        }
        let mut unread = |reason: String| {
            output.unread.push(Unread { path: format!("output of {}", self.tool), reason });
        };
        if !run["results"].is_array() {
            unread("a run has no results, so that it was never made: run the tool again".to_owned());
        }
        if array(&run["externalPropertyFileReferences"]["results"]).next().is_some() {
            unread(
                "results are in other files, which are not read: let the tool write them into this one"
                    .to_owned(),
            );
        }
        for invocation in array(&run["invocations"]) {
            if invocation["executionSuccessful"] == Value::Bool(false) {
                unread("the tool says that it did not end well".to_owned());
            }
            for told in array(&invocation["toolExecutionNotifications"]) {
                if matches!(told["level"].as_str(), Some("error" | "warning")) {
                    unread(
                        message(&told["message"]).unwrap_or("it says no more").chars().take(200).collect(),
                    );
                }
            }
        }
    }

    fn observation(&self, result: &Value) -> Observation {
        let named = result["ruleId"].as_str().or_else(|| result["rule"]["id"].as_str());
        let number = result["ruleIndex"].as_u64().or_else(|| result["rule"]["index"].as_u64());
        let numbered = number.and_then(|number| self.rules.get(usize::try_from(number).ok()?).copied());
        let rule = named.and_then(|id| self.by_id.get(id).copied()).or(numbered).unwrap_or(&Value::Null);
        let cwes = weaknesses(rule).chain(weaknesses(result));
        let mut cwes: Vec<Cwe> = cwes.collect();
        cwes.sort_unstable();
        cwes.dedup();
        let observation = Observation {
            place: self.place(&result["locations"][0]["physicalLocation"]),
            tool: self.tool.to_lowercase(),
            rule: named.or_else(|| rule["id"].as_str()).unwrap_or("unnamed").to_owned(),
            severity: severity(result, rule),
            cwes,
            message: said(result, rule),
            about: About::Code,
        };
        observation.tidy()
    }

    fn place(&self, location: &Value) -> Place {
        let artifact = &location["artifactLocation"];
        let uri = decoded(artifact["uri"].as_str().unwrap_or_default());
        let base = artifact["uriBaseId"].as_str().and_then(|base| self.bases[base]["uri"].as_str());
        let whole = match base {
            Some(base) if !uri.starts_with('/') && !uri.contains("://") => format!("{}{uri}", decoded(base)),
            _ => uri,
        };
        Place { file: relative(&whole, self.root), span: region(&location["region"]) }
    }
}

fn region(region: &Value) -> Option<Span> {
    let number = |name: &str| region[name].as_u64().and_then(|number| u32::try_from(number).ok());
    span(number("startLine"), number("startColumn"), number("endLine"), number("endColumn"))
}

/// The number that GitHub reads, or the level of the result, or the usual one of its rule.
fn severity(result: &Value, rule: &Value) -> Severity {
    let scored = [result, rule].into_iter().find_map(|one| {
        let score = &one["properties"]["security-severity"];
        rating::severity(score.as_str().map_or_else(|| score.to_string(), str::to_owned).as_str())
    });
    let level = result["level"].as_str().or_else(|| rule["defaultConfiguration"]["level"].as_str());
    scored.or_else(|| rating::severity(level?)).unwrap_or(Severity::Medium)
}

fn said(result: &Value, rule: &Value) -> String {
    let of_rule = || {
        let id = result["message"]["id"].as_str()?;
        message(&rule["messageStrings"][id])
    };
    let text = message(&result["message"]).or_else(of_rule).or_else(|| message(&rule["shortDescription"]));
    let mut text = text.unwrap_or_default().to_owned();
    for (number, argument) in array(&result["message"]["arguments"]).enumerate().take(16) {
        text = text.replace(&format!("{{{number}}}"), argument.as_str().unwrap_or_default());
    }
    text
}

/// In tags (`external/cwe/cwe-079`, `CWE-79`), in taxa and in relationships to them.
fn weaknesses(value: &Value) -> impl Iterator<Item = Cwe> {
    let tags = array(&value["properties"]["tags"]).chain(array(&value["properties"]["cwe"]));
    let tags = tags.filter_map(Value::as_str).filter_map(|tag| {
        let tag = tag.rsplit('/').next().unwrap_or(tag);
        tag.get(..4).filter(|start| start.eq_ignore_ascii_case("cwe-"))?;
        weakness(tag)
    });
    let related = array(&value["relationships"]).map(|one| &one["target"]).chain(array(&value["taxa"]));
    let related = related.filter(|one| one["toolComponent"]["name"].as_str() == Some("CWE"));
    tags.chain(related.filter_map(|one| weakness(one["id"].as_str()?)))
}
