//! What is said of data that does harm.

use ruff_text_size::{TextRange, TextSize};

use super::{
    kinds::Kinds,
    marks::{Site, Trail, What},
    project::{Project, functions},
    run::{Hit, Run},
};
use crate::{
    finding::{Confidence, Finding, Fingerprint, Place, Severity, Step},
    python::names::{ScopeId, ScopeKind},
};

pub(super) fn finding(project: &Project<'_>, run: &Run<'_, '_>, hit: &Hit) -> Finding {
    let rule = &hit.danger.rule;
    let leads = matches!(hit.danger.kind, Kinds::PATH | Kinds::REDIRECT);
    let doubt = hit.mark.cleared.has(Kinds::DOUBT) || leads && hit.mark.cleared.has(Kinds::NO_SLASH);
    let confidence = match (hit.mark.sure, hit.certain, doubt) {
        (true, true, false) => Confidence::High,
        (_, _, true) | (false, false, _) => Confidence::Low,
        _ => Confidence::Medium,
    };
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
        context: context(project, hit.site),
        subject: hit.subject.to_string(),
        message,
        steps,
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

/// The qualified name of what a place lies in.
pub(super) fn context(project: &Project<'_>, site: Site) -> String {
    let module = &project.file(site.file).module;
    let mut around: Vec<(u32, &str)> = Vec::new();
    let mut roots = Vec::new();
    functions(&module.syntax.body, None, &mut roots);
    let within = |range: TextRange| range.start().to_u32() <= site.start && site.end <= range.end().to_u32();
    for (function, _) in roots.into_iter().filter(|(function, _)| within(function.range)) {
        let Some(scope) = module.names.scope_of(function.range) else { continue };
        around.push((function.range.start().to_u32(), function.name.as_str()));
        let mut parent = module.names.scope(scope).parent;
        while parent != ScopeId::MODULE {
            let here = module.names.scope(parent);
            if let ScopeKind::Class(class) = here.kind {
                around.push((class.range.start().to_u32(), class.name.as_str()));
            }
            parent = here.parent;
        }
    }
    around.sort_unstable();
    around.dedup();
    around.into_iter().map(|(_, name)| name).collect::<Vec<_>>().join(".")
}
