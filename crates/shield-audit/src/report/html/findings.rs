//! Findings: those to mend one by one, the others in tables.

use std::{cmp::Reverse, collections::BTreeMap};

use super::table::{code, more, said, table, text};
use crate::{
    finding::{Finding, Rule, Severity, Step},
    report::{
        Report, Standing,
        words::{confidence, count, place, severity, worst_first},
    },
};

/// So many findings have an article of their own.
const ARTICLES_MAX: usize = 400;
/// Bytes that articles take at most.
const BYTES_MAX: usize = 800_000;
/// So many steps of a way are shown.
const STEPS_MAX: usize = 20;
/// Longest sentence, in characters.
const SENTENCE_MAX: usize = 600;
/// So many places of a rule are named in a table.
const PLACES_MAX: usize = 3;

/// The findings of one rule.
type OfRule<'a> = (&'static Rule, Vec<&'a Finding>);

/// What fails the audit, one by one.
pub(super) fn open(report: &Report, fail_on: Severity) -> String {
    let findings = worst_first(report, fail_on);
    let (mut articles, mut written, mut before) = (String::new(), 0, None);
    for finding in findings.iter().take(ARTICLES_MAX) {
        let article = article(finding);
        if articles.len() + article.len() > BYTES_MAX {
            break;
        }
        if before.replace(finding.severity) != Some(finding.severity) {
            let same = findings.iter().filter(|one| one.severity == finding.severity).count();
            let word = severity(finding.severity);
            articles
                .push_str(&format!(r#"<h3 class="level {word}">{word} <span>{}</span></h3>"#, count(same)));
        }
        articles.push_str(&article);
        written += 1;
    }
    articles + &more(findings.len() - written)
}

fn article(finding: &Finding) -> String {
    let rule = finding.rule;
    let aliases: String = rule.aliases.iter().map(|alias| format!(", {alias}")).collect();
    let context = match finding.context.as_str() {
        "" => String::new(),
        context => format!(" in {}", code(context)),
    };
    format!(
        r#"<article class="finding {level}"><h4>{title}</h4><p class="place">{place}{context}</p><p>{message}</p>{steps}<p class="advice">{advice}</p><p class="names">{id}{aliases} · {cwe} · {confidence} confidence · {fingerprint}</p></article>"#,
        level = severity(finding.severity),
        title = text(rule.title),
        place = code(&place(&finding.place)),
        message = said(&finding.message, SENTENCE_MAX),
        steps = steps(&finding.steps),
        advice = said(rule.advice, SENTENCE_MAX),
        id = rule.id,
        cwe = rule.cwe,
        confidence = confidence(finding.confidence),
        fingerprint = finding.fingerprint,
    )
}

fn steps(steps: &[Step]) -> String {
    if steps.is_empty() {
        return String::new();
    }
    let shown = steps.iter().take(STEPS_MAX);
    let items: String = shown
        .map(|step| {
            format!("<li>{} <span>{}</span></li>", code(&place(&step.place)), said(&step.what, SENTENCE_MAX))
        })
        .collect();
    format!(r#"<ol class="steps">{items}</ol>{}"#, more(steps.len().saturating_sub(STEPS_MAX)))
}

/// The project's own that do not count, by rule.
pub(super) fn minor(report: &Report, fail_on: Severity) -> String {
    let own = report.found.iter().filter(|one| one.standing == Standing::Own);
    let below = own.map(|one| &one.finding).filter(|finding| finding.severity < fail_on);
    let rows = by_rule(below).into_iter().map(|(rule, findings)| {
        let named: Vec<_> = findings.iter().take(PLACES_MAX).map(|one| code(&place(&one.place))).collect();
        let rest = findings.len().saturating_sub(PLACES_MAX);
        let rest = if rest > 0 { format!(" and {} more", count(rest)) } else { String::new() };
        let places = format!("{}{rest}", named.join(", "));
        vec![text(rule.title), code(rule.id), figure(findings.len()), places, said(rule.advice, SENTENCE_MAX)]
    });
    table(&["what", "rule", "findings", "where", "what to do"], rows)
}

/// What is in installed code, by rule.
pub(super) fn installed(report: &Report) -> String {
    let apart = report.found.iter().filter(|one| one.standing != Standing::Own);
    let mut rules: BTreeMap<(Reverse<Severity>, &str), (&Rule, usize, usize)> = BTreeMap::new();
    for one in apart {
        let rule = one.finding.rule;
        let (_, reached, unreached) = rules.entry((Reverse(rule.severity), rule.id)).or_insert((rule, 0, 0));
        *if one.standing == Standing::Dependency { reached } else { unreached } += 1;
    }
    let rows = rules.into_values().map(|(rule, reached, unreached)| {
        vec![
            text(rule.title),
            code(rule.id),
            severity(rule.severity).to_owned(),
            figure(reached),
            figure(unreached),
        ]
    });
    table(&["what", "rule", "severity", "in code that is imported", "in code that nothing leads to"], rows)
}

/// What the baseline accepts, and on what terms.
pub(super) fn accepted(report: &Report) -> String {
    let rows = report.accepted.iter().map(|one| {
        let owner = one.terms.owner.as_deref().unwrap_or("nobody");
        let until = one.terms.until.to_string();
        vec![
            named(&one.finding),
            code(&place(&one.finding.place)),
            text(&one.terms.reason),
            text(owner),
            until,
        ]
    });
    table(&["what", "where", "because", "answers for it", "until"], rows)
}

/// What comments take back, and which.
pub(super) fn suppressed(report: &Report) -> String {
    let rows = report
        .suppressed
        .iter()
        .map(|one| vec![named(&one.finding), code(&place(&one.finding.place)), code(&one.comment)]);
    table(&["what", "where", "comment"], rows)
}

fn named(finding: &Finding) -> String {
    format!("{} ({})", text(finding.rule.title), severity(finding.severity))
}

/// The worst rules first.
fn by_rule<'a>(findings: impl Iterator<Item = &'a Finding>) -> Vec<OfRule<'a>> {
    let mut rules: BTreeMap<(Reverse<Severity>, &str), OfRule<'a>> = BTreeMap::new();
    for finding in findings {
        let rule = finding.rule;
        rules.entry((Reverse(rule.severity), rule.id)).or_insert((rule, Vec::new())).1.push(finding);
    }
    rules.into_values().collect()
}

fn figure(number: usize) -> String {
    format!(r#"<span class="figure">{}</span>"#, count(number))
}
