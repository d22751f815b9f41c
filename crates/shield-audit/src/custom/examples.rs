//! Holding rules against their own examples.
//!
//! What an entry of a rule file is good for is the difference that it makes. Where an example would come out the same without the entry,
//! that is told and no mistake: what a new version knows by itself must not break the files of those who knew it first. Paths play no
//! part.

use std::collections::BTreeSet;

use shield_types::settings::{Refusal, Setting};

use super::{
    bans::{Ban, Bans},
    paths::Paths,
    patterns::{Matched, Pattern},
    read::{Draft, Subject},
};
use crate::{
    configuration::hits::Hit,
    finding::{Confidence, Place},
    languages,
    python::Audit,
    taint::{
        SourceFile, follow_with,
        models::{Harm, Model, Models},
    },
};

/// What examples are called.
const PATH: &str = "example.py";

/// What was found, by what tells findings apart.
type Found = BTreeSet<(&'static str, Place, Confidence)>;

/// What an example must be.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Must {
    Bad,
    Good,
}

/// What a good example, or a bad one, says of its entry.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Shows {
    /// It does something.
    Work,
    /// Nothing: it would come out the same without.
    Nothing,
}

type Held = Result<Shows, String>;

/// Checks every example of a file; what is wrong becomes a mistake under its key. Gives the names of what no example shows at work.
pub(super) fn check(draft: &Draft<'_>) -> Vec<String> {
    let mut models = Models::of(draft.models.clone());
    let mut unproven = Vec::new();
    for examples in &draft.examples {
        let none = |list: &Setting<'_, Vec<String>>| list.value().is_none_or(Vec::is_empty);
        if none(&examples.good) && none(&examples.bad) {
            unproven.push(examples.name.clone());
            continue;
        }
        let mut work = false;
        let mut hold = |look: &mut dyn FnMut(&str, Must) -> Held| {
            work |= each(&examples.bad, Must::Bad, look);
            work |= each(&examples.good, Must::Good, look);
        };
        match examples.of {
            Subject::Ban(at) => {
                let ban = Ban { paths: Paths::default(), ..draft.bans[at].clone() };
                let audit = Audit::new([]).banning(Bans::of(vec![ban]));
                hold(&mut |text, must| of_ban(&audit, text, must));
            }
            Subject::Pattern(at) => hold(&mut |text, must| of_pattern(&draft.patterns[at], text, must)),
            Subject::Text(at) => {
                let rule = &draft.texts[at];
                hold(&mut |text, must| said(must, text, &rule.look(text), &rule.words));
            }
            Subject::Model(at) => hold(&mut |text, must| of_model(&mut models, at, text, must)),
            Subject::Kind(harm) => hold(&mut |text, must| of_kind(&models, harm, text, must)),
        }
        if !work {
            unproven.push(examples.name.clone());
        }
    }
    unproven
}

/// Whether one of some examples shows the entry at work.
fn each(setting: &Setting<'_, Vec<String>>, must: Must, look: &mut dyn FnMut(&str, Must) -> Held) -> bool {
    let mut work = false;
    for (number, text) in setting.value().into_iter().flatten().enumerate() {
        match look(text, must) {
            Ok(shows) => work |= shows == Shows::Work,
            Err(problem) => {
                let accepted = match must {
                    Must::Bad => "code that the rule finds, or another rule",
                    Must::Good => "code that the rule leaves alone, or another rule",
                };
                setting.mistaken(Refusal::new(format!("example {} {problem}", number + 1), accepted));
            }
        }
    }
    work
}

/// What an example says that is what it must be.
fn shows(must: Must) -> Held {
    Ok(if must == Must::Bad { Shows::Work } else { Shows::Nothing })
}

fn of_ban(audit: &Audit, text: &str, must: Must) -> Held {
    let report = audit.own_text(PATH, text);
    if let Some(skipped) = report.skipped.first() {
        return Err(format!("does not parse: {}", skipped.reason));
    }
    match (must, report.findings.first()) {
        (Must::Bad, None) => Err("is not found".to_owned()),
        (Must::Good, Some(finding)) => {
            let line = finding.place.span.map_or(1, |span| span.line);
            Err(format!("is found, in line {line}: {}", finding.message))
        }
        _ => shows(must),
    }
}

fn of_pattern(pattern: &Pattern, text: &str, must: Must) -> Held {
    let Some(language) = pattern.language() else { return shows(must) };
    let tree = languages::parse(text, language).map_err(|reason| format!("does not parse: {reason}"))?;
    if tree.root_node().has_error() {
        return Err("does not parse".to_owned());
    }
    let mut matched = Matched::default();
    pattern.look(&tree, text, language, &mut matched);
    said(must, text, &matched.hits, &pattern.words)
}

/// Whether what was found in a text is what must be. Without one of the rule's words nobody looks.
fn said(must: Must, text: &str, hits: &[Hit], words: &[String]) -> Held {
    let worded = words.is_empty() || words.iter().any(|word| text.contains(word.as_str()));
    match (must, hits.first(), worded) {
        (Must::Bad, None, _) => Err("is not found".to_owned()),
        (Must::Bad, Some(_), false) => {
            Err("has none of the rule's `words`, so that no file like it is looked at".to_owned())
        }
        (Must::Good, Some(hit), true) => {
            let line = text[..hit.range.start].matches('\n').count() + 1;
            Err(format!("is found, in line {line}: `{}`", hit.subject))
        }
        _ => shows(must),
    }
}

fn of_kind(models: &Models, harm: Harm, text: &str, must: Must) -> Held {
    let found = followed(models, text)?.iter().any(|(rule, ..)| *rule == harm.rule_id());
    match (must, found) {
        (Must::Bad, false) => Err("is not found".to_owned()),
        (Must::Good, true) => Err("is found".to_owned()),
        _ => shows(must),
    }
}

fn of_model(models: &mut Models, at: usize, text: &str, must: Must) -> Held {
    let with = followed(models, text)?;
    models.leave_out(Some(at));
    let without = followed(models, text);
    models.leave_out(None);
    let without = without?;
    let difference = match models.model_at(at) {
        Model::Sanitizer(_) => without.difference(&with).next(),
        _ => with.difference(&without).next(),
    };
    match (must, models.model_at(at), difference) {
        (Must::Good, Model::Sanitizer(_), None) if !with.is_empty() => {
            Err("is found all the same".to_owned())
        }
        (Must::Bad, Model::Sanitizer(_), Some(_)) => Err("is not found, because of the sanitizer".to_owned()),
        (Must::Bad, ..) if with.is_empty() => Err("is not found".to_owned()),
        (Must::Good, Model::Sanitizer(_), Some(_)) => Ok(Shows::Work),
        (_, Model::Sanitizer(_), _) => Ok(Shows::Nothing),
        (Must::Good, _, Some((rule, ..))) => Err(format!("is found, as {rule}")),
        (Must::Bad, _, Some(_)) => Ok(Shows::Work),
        (_, _, None) => Ok(Shows::Nothing),
    }
}

fn followed(models: &Models, text: &str) -> Result<Found, String> {
    let flows = follow_with(&[SourceFile { path: PATH, text }], models);
    if let Some(unfollowed) = flows.unfollowed.first() {
        return Err(format!("could not be followed: {}", unfollowed.reason));
    }
    Ok(flows.findings.into_iter().map(|one| (one.rule.id, one.place, one.confidence)).collect())
}
