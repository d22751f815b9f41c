//! Holding rules against their own examples.
//!
//! What an entry of a rule file is good for is the difference that it makes: a `bad` example must have findings that it has not without
//! the entry, a `good` one must not; of a sanitizer the other way round. Paths play no part.

use std::collections::BTreeSet;

use shield_types::settings::{Refusal, Setting};

use super::{
    bans::{Ban, Bans},
    paths::Paths,
    patterns::{Matched, Pattern},
    read::{Draft, Examples, Subject},
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

/// Checks every example of a file; what is wrong becomes a mistake under its key.
pub(super) fn check(draft: &Draft<'_>) {
    let mut models = Models::of(draft.models.clone());
    for examples in &draft.examples {
        let hold = |look: &mut dyn FnMut(&str, Must) -> Result<(), String>| {
            each(&examples.bad, Must::Bad, look);
            each(&examples.good, Must::Good, look);
        };
        match examples.of {
            Subject::Ban(at) => {
                let ban = Ban { paths: Paths::default(), ..draft.bans[at].clone() };
                let audit = Audit::new([]).banning(Bans::of(vec![ban]));
                hold(&mut |text, must| of_ban(&audit, text, must));
            }
            Subject::Pattern(at) => hold(&mut |text, must| of_pattern(&draft.patterns[at], text, must)),
            Subject::Text(at) => {
                hold(&mut |text, must| said(must, draft.texts[at].look(text).first().map(|hit| (text, hit))))
            }
            Subject::Model(at) => hold(&mut |text, must| of_model(&mut models, at, text, must)),
            Subject::Kind(harm) => hold(&mut |text, must| of_kind(&models, harm, text, must)),
        }
    }
}

/// The names of what has no example of what it finds.
pub(super) fn unproven(draft: &Draft<'_>) -> Vec<String> {
    let without = draft.examples.iter().filter(|examples| !examples.is_proven(draft));
    without.map(|examples| examples.name.clone()).collect()
}

fn each(
    setting: &Setting<'_, Vec<String>>,
    must: Must,
    look: &mut dyn FnMut(&str, Must) -> Result<(), String>,
) {
    for (number, text) in setting.value().into_iter().flatten().enumerate() {
        if let Err(problem) = look(text, must) {
            let accepted = match must {
                Must::Bad => "code that the rule finds, or another rule",
                Must::Good => "code that the rule leaves alone, or another rule",
            };
            setting.mistaken(Refusal::new(format!("example {} {problem}", number + 1), accepted));
        }
    }
}

fn of_ban(audit: &Audit, text: &str, must: Must) -> Result<(), String> {
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
        _ => Ok(()),
    }
}

fn of_pattern(pattern: &Pattern, text: &str, must: Must) -> Result<(), String> {
    let Some(language) = pattern.language() else { return Ok(()) };
    let tree = languages::parse(text, language).map_err(|reason| format!("does not parse: {reason}"))?;
    if tree.root_node().has_error() {
        return Err("does not parse".to_owned());
    }
    let mut matched = Matched::default();
    let has_word = |word: &String| text.contains(word.as_str());
    let worded = pattern.words.is_empty() || pattern.words.iter().any(has_word);
    pattern.look(&tree, text, language, &mut matched);
    if !worded && must == Must::Bad && !matched.hits.is_empty() {
        return Err("has none of the rule's `words`, so that no file like it is looked at".to_owned());
    }
    said(must, matched.hits.first().filter(|_| worded).map(|hit| (text, hit)))
}

/// Whether what was found is what must be.
fn said(must: Must, found: Option<(&str, &Hit)>) -> Result<(), String> {
    match (must, found) {
        (Must::Bad, None) => Err("is not found".to_owned()),
        (Must::Good, Some((text, hit))) => {
            let line = text[..hit.range.start].matches('\n').count() + 1;
            Err(format!("is found, in line {line}: `{}`", hit.subject))
        }
        _ => Ok(()),
    }
}

fn of_kind(models: &Models, harm: Harm, text: &str, must: Must) -> Result<(), String> {
    let found = followed(models, text)?.iter().any(|(rule, ..)| *rule == harm.rule_id());
    match (must, found) {
        (Must::Bad, false) => Err("is not found".to_owned()),
        (Must::Good, true) => Err("is found".to_owned()),
        _ => Ok(()),
    }
}

fn of_model(models: &mut Models, at: usize, text: &str, must: Must) -> Result<(), String> {
    let with = followed(models, text)?;
    models.leave_out(Some(at));
    let without = followed(models, text);
    models.leave_out(None);
    let without = without?;
    if let Model::Sanitizer(_) = models.model_at(at) {
        let taken = without.difference(&with).next().is_some();
        return match (must, taken) {
            (Must::Good, false) if with.is_empty() => {
                Err("shows nothing: without the sanitizer nothing is found either".to_owned())
            }
            (Must::Good, false) => Err("is found all the same".to_owned()),
            (Must::Bad, true) => Err("is not found, because of the sanitizer".to_owned()),
            (Must::Bad, false) if with.is_empty() => Err("is not found".to_owned()),
            _ => Ok(()),
        };
    }
    match (must, with.difference(&without).next()) {
        (Must::Bad, None) if with.is_empty() => Err("is not found".to_owned()),
        (Must::Bad, None) => Err("is found as well without this entry".to_owned()),
        (Must::Good, Some((rule, ..))) => Err(format!("is found, as {rule}")),
        _ => Ok(()),
    }
}

fn followed(models: &Models, text: &str) -> Result<Found, String> {
    let flows = follow_with(&[SourceFile { path: PATH, text }], models);
    if let Some(unfollowed) = flows.unfollowed.first() {
        return Err(format!("could not be followed: {}", unfollowed.reason));
    }
    Ok(flows.findings.into_iter().map(|one| (one.rule.id, one.place, one.confidence)).collect())
}

// === impl Examples ===

impl Examples<'_> {
    /// Whether an example shows that it does something.
    fn is_proven(&self, draft: &Draft<'_>) -> bool {
        let sanitizer = |at: usize| matches!(draft.models[at].model, Model::Sanitizer(_));
        let shows = match self.of {
            Subject::Model(at) if sanitizer(at) => &self.good,
            _ => &self.bad,
        };
        shows.value().is_some_and(|examples| !examples.is_empty())
    }
}
