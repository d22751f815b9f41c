//! What every rule of a rule file says of itself.

use std::collections::BTreeMap;

use shield_types::settings::{Refusal, Setting, Table};

use super::intern;
use crate::finding::{Confidence, Cwe, Rule, Severity};

/// Longest id, title and text, in bytes.
const ID_BYTES_MAX: usize = 80;
const TITLE_BYTES_MAX: usize = 120;
const HELP_BYTES_MAX: usize = 1_000;

/// What a rule is about that names no weakness: rules of writing code that were not kept.
const QUALITY: u16 = 710;

/// Areas of the rules that are built in, now or one day: a rule file that worked must not collide with a new version.
const AREAS: [&str; 31] = [
    "advisories",
    "advisory",
    "audit",
    "baseline",
    "bash",
    "code",
    "compose",
    "configuration",
    "container",
    "custom",
    "dependencies",
    "docker",
    "dockerfile",
    "go",
    "imports",
    "java",
    "javascript",
    "kubernetes",
    "licences",
    "packaging",
    "python",
    "rust",
    "secret",
    "secrets",
    "settings",
    "shell",
    "shield",
    "template",
    "typescript",
    "workflow",
    "yaml",
];

/// Ids that are taken, and by which file.
pub(super) type Ids = BTreeMap<String, String>;

/// Reads what a rule says of itself; `file` is where.
pub(super) fn read(table: &Table<'_>, ids: &mut Ids, file: &str) -> Option<&'static Rule> {
    let id = id(table, ids, file);
    let title = sentence(table, "title", TITLE_BYTES_MAX, "what is wrong, in a few words").required();
    let severity = severity(table).required();
    let cwe = table.integer("cwe", 1..=9_999).and_then(|number| {
        u16::try_from(number).map_err(|_| Refusal::new("no weakness", "a number of the CWE, such as 89"))
    });
    let cwe = cwe.or(QUALITY);
    let help = sentence(table, "help", HELP_BYTES_MAX, "what to do, in a sentence or two").required();
    let instead =
        sentence(table, "instead", ID_BYTES_MAX, "what to write instead, such as \"shop.db.query\"")
            .optional();
    let aliases = table.list_of("aliases", |name| match is_alias(&name) {
        true => Ok(name),
        false => Err(Refusal::new(
            "not an alias",
            "1 to 40 letters, digits, `-`, `_`, `.` or `/`, such as \"SHOP12\"",
        )),
    });
    let aliases = aliases.or(Vec::new());
    let (id, title, severity, cwe) = (id.take(), title.take(), severity.take(), cwe.take());
    let (help, instead, aliases) = (help.take(), instead.take(), aliases.take());
    let advice = match instead? {
        Some(instead) => format!("Use `{instead}` instead. {}", help?),
        None => help?,
    };
    Some(intern::rule(Rule {
        id: intern::text(&id?),
        title: intern::text(&title?),
        cwe: Cwe(cwe?),
        severity: severity?,
        aliases: intern::list(&aliases?),
        advice: intern::text(&advice),
    }))
}

/// How sure a rule is.
pub(super) fn confidence<'r>(table: &Table<'r>) -> Setting<'r, Confidence> {
    let words = [Confidence::Low, Confidence::Medium, Confidence::High].map(|one| (one.name(), one));
    table.enumeration("confidence", &words).or(Confidence::High)
}

pub(super) fn severity<'r>(table: &Table<'r>) -> Setting<'r, Severity> {
    table.enumeration("severity", &Severity::ALL.map(|severity| (severity.name(), severity)))
}

/// A text of one line.
pub(super) fn sentence<'r>(
    table: &Table<'r>,
    key: &'static str,
    bytes_max: usize,
    accepted: &str,
) -> Setting<'r, String> {
    table.string(key, bytes_max, accepted).and_then(|text| {
        match text.trim().is_empty() || text.chars().any(char::is_control) {
            true => Err(Refusal::new("not one line of text", accepted)),
            false => Ok(text.trim().to_owned()),
        }
    })
}

fn id<'r>(table: &Table<'r>, ids: &mut Ids, file: &str) -> Setting<'r, String> {
    let accepted = "an area and a name of small letters, digits and `-`, such as \"shop/raw-sql\"";
    table.string("id", ID_BYTES_MAX, accepted).required().and_then(|id| {
        let Some((area, name)) = id.split_once('/').filter(|(area, name)| is_kebab(area) && is_kebab(name))
        else {
            return Err(Refusal::new("not an id", accepted));
        };
        if AREAS.contains(&area) {
            let problem = format!("`{area}` is an area of the built-in rules");
            return Err(Refusal::new(
                problem,
                format!("an area of your own, such as \"{}\"", own_area(name)),
            ));
        }
        if let Some(other) = ids.insert(id.clone(), file.to_owned()) {
            return Err(Refusal::new(format!("given twice; first in `{other}`"), "an id of its own"));
        }
        Ok(id)
    })
}

/// Whether an id is one of an area of the built-in rules.
pub(super) fn is_built_in(id: &str) -> bool {
    id.split_once('/').is_some_and(|(area, _)| AREAS.contains(&area))
}

fn own_area(name: &str) -> String {
    format!("our/{name}")
}

pub(super) fn is_kebab(text: &str) -> bool {
    text.starts_with(|first: char| first.is_ascii_lowercase())
        && text.bytes().all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-')
}

fn is_alias(text: &str) -> bool {
    (1..=40).contains(&text.len())
        && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-_./".contains(&byte))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::custom::known;

    #[test]
    fn every_area_is_reserved() {
        for (id, _) in known::all() {
            let (area, _) = id.split_once('/').unwrap();
            assert!(AREAS.contains(&area), "{id}");
        }
    }
}
