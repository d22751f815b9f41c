//! What is said of data that does harm.

use ruff_text_size::{TextRange, TextSize};

use super::{
    kinds::Kinds,
    marks::{Site, Trail, What},
    project::{Project, functions},
    run::{Hit, Run},
};
use crate::{
    finding::{Confidence, Finding, Fingerprint, Place, Severity, Step, Wording},
    python::names::{ScopeId, ScopeKind},
};

/// How sure it is that data does harm where it arrives.
pub(super) fn confidence(hit: &Hit) -> Confidence {
    let leads = matches!(hit.danger.kind, Kinds::PATH | Kinds::REDIRECT);
    let doubt = hit.mark.cleared.has(Kinds::DOUBT) || leads && hit.mark.cleared.has(Kinds::NO_SLASH);
    match (hit.mark.sure, hit.certain, doubt) {
        (true, true, false) => Confidence::High,
        (_, _, true) | (false, false, _) => Confidence::Low,
        _ => Confidence::Medium,
    }
}

/// What is said of it, but for the name of what it lies in.
pub(super) fn finding(project: &Project<'_>, run: &Run<'_, '_>, hit: &Hit) -> Finding {
    let rule = &hit.danger.rule;
    let confidence = confidence(hit);
    let severity = match (confidence, hit.danger.kind) {
        (Confidence::High, Kinds::CODE | Kinds::COMMAND | Kinds::SQL | Kinds::OBJECTS) => Severity::Critical,
        (Confidence::Low, _) => rule.severity.min(Severity::Medium),
        _ => rule.severity,
    };
    let way = run.ledger.way(hit.mark.trail);
    let steps: Vec<Step> = way.iter().map(|step| say_step(project, *step)).collect();
    let from = way.first().map_or("", |step| snippet(project, step.site));
    let message = format!("what a stranger sends in `{}` {}", shortened(from), hit.danger.harm);
    Finding {
        rule,
        severity,
        confidence,
        place: at(project, hit.site),
        context: String::new(),
        subject: hit.subject.to_string(),
        message,
        steps,
        wording: Wording::of(rule, snippet(project, hit.site)),
        fingerprint: Fingerprint::UNSET,
    }
}

fn say_step(project: &Project<'_>, step: Trail) -> Step {
    let text = shortened(snippet(project, step.site));
    let what = match step.what {
        What::Source => format!("`{text}` is what a stranger sends"),
        What::Assigned => format!("it is put into `{text}`"),
        What::Passed => format!("it is handed on in `{text}`"),
        What::Returned => format!("it comes back from `{text}`"),
    };
    Step { place: at(project, step.site), what }
}

pub(super) fn range(site: Site) -> TextRange {
    TextRange::new(TextSize::new(site.start), TextSize::new(site.end.max(site.start)))
}

pub(super) fn at(project: &Project<'_>, site: Site) -> Place {
    let file = project.file(site.file);
    Place { file: file.path.to_owned(), span: Some(file.module.lines.span(range(site))) }
}

fn snippet<'p>(project: &'p Project<'_>, site: Site) -> &'p str {
    project.file(site.file).module.text.get(range(site).to_std_range()).unwrap_or_default()
}

fn shortened(text: &str) -> String {
    let words = text.split_whitespace().collect::<Vec<_>>().join(" ");
    if words.chars().count() <= 60 { words } else { words.chars().take(57).collect::<String>() + "..." }
}

/// The functions of a file, by where they begin, with their qualified names.
#[derive(Debug)]
pub(super) struct Contexts(Vec<(TextRange, String)>);

// === impl Contexts ===

impl Contexts {
    pub(super) fn of(project: &Project<'_>, file: u32) -> Self {
        let module = &project.file(file).module;
        let mut all = Vec::new();
        functions(&module.syntax.body, None, &mut all);
        let mut named: Vec<(TextRange, String)> = Vec::with_capacity(all.len());
        for (function, _) in all {
            let Some(mut scope) = module.names.scope_of(function.range) else { continue };
            let mut names = vec![function.name.as_str()];
            while scope != ScopeId::MODULE {
                scope = module.names.scope(scope).parent;
                match module.names.scope(scope).kind {
                    ScopeKind::Function(outer) => names.push(outer.name.as_str()),
                    ScopeKind::Class(outer) => names.push(outer.name.as_str()),
                    ScopeKind::Module | ScopeKind::Lambda(_) | ScopeKind::Comprehension => {}
                }
            }
            names.reverse();
            named.push((function.range, names.join(".")));
        }
        named.sort_by_key(|(range, _)| range.start());
        Self(named)
    }

    /// Every function with its name.
    pub(super) fn named(&self) -> impl Iterator<Item = (TextRange, &str)> {
        self.0.iter().map(|(range, name)| (*range, name.as_str()))
    }

    /// The name of the innermost function around a place; empty at the top of the file.
    pub(super) fn around(&self, site: Site) -> &str {
        let place = range(site);
        let before = self.0.partition_point(|(range, _)| range.start() <= place.start());
        let around = self.0[..before].iter().rev().find(|(range, _)| range.contains_range(place));
        around.map_or("", |(_, name)| name)
    }
}
