//! Findings: those to mend one by one, the others in tables.

use std::{cmp::Reverse, collections::BTreeMap};

use super::table::{code, more, said, table, text};
use crate::{
    finding::{Finding, Rule, Severity, Step},
    report::{
        Criteria, Report, Standing,
        words::{Group, advice, capital, count, grouped, groups, place, seen_by, title},
    },
};

/// So many findings of a rule are shown.
const ITEMS_MAX: usize = 200;
/// Bytes that articles take at most.
const BYTES_MAX: usize = 800_000;
/// So many steps of a way are shown.
const STEPS_MAX: usize = 20;
/// Longest sentence, in characters.
const SENTENCE_MAX: usize = 600;
/// So many places of a rule are named in a table.
const PLACES_MAX: usize = 3;

/// What fails the audit: the worst first, with one article a rule.
pub(super) fn open(report: &Report, criteria: &Criteria) -> String {
    let groups = groups(report, criteria);
    let (mut articles, mut before) = (String::new(), None);
    for (number, group) in groups.iter().enumerate() {
        if before.replace(group.severity) != Some(group.severity) {
            let same = groups.iter().filter(|one| one.severity == group.severity);
            let all: usize = same.map(|one| one.findings.len()).sum();
            let word = group.severity.name();
            articles
                .push_str(&format!(r#"<h3 class="level {word}">{word} <span>{}</span></h3>"#, count(all)));
        }
        // What one leaves of its share is for the others; many of one kind do not push out the next.
        let share = BYTES_MAX.saturating_sub(articles.len()) / (groups.len() - number);
        articles.push_str(&article(report, group, share));
    }
    articles
}

/// Everything of one rule, in about so many bytes.
fn article(report: &Report, group: &Group<'_>, bytes_max: usize) -> String {
    let rule = group.rule;
    let aliases: String = rule.aliases.iter().map(|alias| format!(", {alias}")).collect();
    let (mut items, mut written) = (String::new(), 0);
    for finding in group.findings.iter().take(ITEMS_MAX) {
        let item = item(report, finding);
        if items.len() + item.len() > bytes_max {
            break;
        }
        items.push_str(&item);
        written += 1;
    }
    let items = if items.is_empty() { items } else { format!("<ul>{items}</ul>") };
    format!(
        r#"<article class="finding {level}"><h4>{title} <span>{all}</span></h4><p class="names">{id}{aliases} · {cwe}</p><p class="advice">{advice}</p>{items}{more}</article>"#,
        level = group.severity.name(),
        title = said(&title(rule), SENTENCE_MAX),
        all = count(group.findings.len()),
        advice = said(&advice(rule), SENTENCE_MAX),
        more = more(group.findings.len() - written),
        id = rule.id,
        cwe = rule.cwe,
    )
}

fn item(report: &Report, finding: &Finding) -> String {
    let seen = seen_by(report, finding);
    let seen = if seen.is_empty() { seen } else { format!(" · {}", text(&seen)) };
    let names = format!("{} confidence · {}{seen}", finding.confidence.name(), finding.fingerprint);
    format!(
        r#"<li><p class="place">{}</p><p>{}</p>{}<p class="names">{names}</p></li>"#,
        code(&place(&finding.place)),
        said(&capital(&finding.message), SENTENCE_MAX),
        steps(&finding.steps),
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
pub(super) fn minor(report: &Report, criteria: &Criteria) -> String {
    let own = report.found.iter().filter(|one| one.standing == Standing::Own);
    let below = own.map(|one| &one.finding).filter(|finding| finding.severity < criteria.fail_on);
    let groups = grouped(below);
    let rows = groups.iter().map(|Group { rule, severity: level, findings }| {
        let named: Vec<_> = findings.iter().take(PLACES_MAX).map(|one| code(&place(&one.place))).collect();
        let rest = findings.len().saturating_sub(PLACES_MAX);
        let rest = if rest > 0 { format!(" and {} more", count(rest)) } else { String::new() };
        let places = format!("{}{rest}", named.join(", "));
        let advice = said(&advice(rule), SENTENCE_MAX);
        vec![titled(rule), level.name().to_owned(), count(findings.len()), places, advice]
    });
    table(&["what", "severity", "findings", "where", "what to do"], rows)
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
        vec![titled(rule), rule.severity.name().to_owned(), count(reached), count(unreached)]
    });
    table(&["what", "severity", "in code that is imported", "in code that nothing leads to"], rows)
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
    format!("{} ({})", said(&title(finding.rule), SENTENCE_MAX), finding.severity.name())
}

/// The title of a rule, and its name.
fn titled(rule: &Rule) -> String {
    format!(r#"{} <span class="names">{}</span>"#, said(&title(rule), SENTENCE_MAX), rule.id)
}
