//! Checks that stand before a use: `if (!ALLOWED.has(to)) return`, `if !filepath.IsLocal(name) { return }`.
//!
//! Data is not followed through branches. But whoever wrote the check that a rule asks for knows of the danger, and a report that
//! shouts all the same is not read: what is checked, by any name that leads to the use, is said quietly. A check is known by its
//! text, in the function of the use or in the two around that, within so many bytes.

use super::call::Scene;
use crate::{
    configuration::hits::Hit,
    finding::{Confidence, Severity},
};

/// Functions, from the use outwards, in which a check may stand.
const FUNCTIONS_MAX: usize = 3;

/// So many bytes before a use are looked at.
const BEFORE_BYTES: usize = 4_000;

/// Occurrences of one name that are looked at.
const OCCURRENCES_MAX: usize = 100;

/// Methods of a text that are asked what it is.
const ASKED_OF_TEXT: [&str; 4] = [".startsWith(", ".includes(", ".indexOf(", ".search("];

/// Functions, and methods of tables, that are asked about a text.
const ASKED_ABOUT: [&str; 11] = [
    "has",
    "includes",
    "indexOf",
    "hasOwn",
    "hasOwnProperty",
    "IsLocal",
    "HasPrefix",
    "Contains",
    "ContainsFunc",
    "relative",
    "Rel",
];

/// Words of names of what tells good from bad.
const JUDGING: [&str; 9] =
    ["allow", "permit", "valid", "safe", "known", "whitelist", "trusted", "isinternal", "islocal"];

/// What begins addresses of every site, and so proves nothing about one.
const ANY_SITE: [&str; 4] = ["http", "/", "https://", "http://"];

/// A finding about what may be checked before: said quietly, if it is.
pub(super) fn judged(scene: &Scene<'_, '_>, hit: Hit, names: &[&str]) -> Hit {
    if !is_checked(scene, hit.range.start, names) {
        return hit;
    }
    let message = format!("{}, unless the check before it keeps that out", hit.message);
    hit.severity(Severity::Low).confidence(Confidence::Low).message(message)
}

/// Whether one of some names is checked before a place.
fn is_checked(scene: &Scene<'_, '_>, at: usize, names: &[&str]) -> bool {
    let inwards = scene.functions.len().saturating_sub(FUNCTIONS_MAX);
    let Some(function) = scene.functions.get(inwards) else { return false };
    let text = scene.names.text;
    let start = text.ceil_char_boundary((*function).max(at.saturating_sub(BEFORE_BYTES)));
    let before = text.get(start..at).unwrap_or_default();
    names.iter().any(|name| checks(before, name))
}

fn checks(before: &str, name: &str) -> bool {
    let word = |one: char| one.is_alphanumeric() || one == '_' || one == '$';
    let mut places = before.match_indices(name).take(OCCURRENCES_MAX);
    places.any(|(at, _)| {
        let (left, right) = (&before[..at], &before[at + name.len()..]);
        let whole = !left.ends_with(word) && !left.ends_with('.') && !right.starts_with(word);
        whole && (asks_text(right) || asks_about(left, right))
    })
}

/// `name.startsWith(root)`.
fn asks_text(right: &str) -> bool {
    let question = ASKED_OF_TEXT.iter().find_map(|question| right.strip_prefix(question));
    question.is_some_and(|argument| !says_nothing(argument))
}

/// `ALLOWED.has(name`, `HasPrefix(name, root`, `slices.Contains(all, name`, `allowed[name`.
fn asks_about(left: &str, right: &str) -> bool {
    let near = left.len().saturating_sub(60);
    let near = left.get(left.ceil_char_boundary(near)..).unwrap_or_default();
    let Some(open) = near.rfind(['(', '[']).filter(|open| !near[*open..].contains([')', ']', ';', '{']))
    else {
        return false;
    };
    let callee =
        near[..open].rsplit(|one: char| !one.is_alphanumeric() && one != '_').next().unwrap_or_default();
    let lower = callee.to_ascii_lowercase();
    let judges = JUDGING.iter().any(|word| lower.contains(word));
    let called = near[open..].starts_with('(') && ASKED_ABOUT.contains(&callee);
    (judges || called) && !right.strip_prefix(',').is_some_and(says_nothing)
}

/// Whether what a text is compared with is the beginning of any address.
fn says_nothing(argument: &str) -> bool {
    let argument = argument.trim_start();
    let Some(quote) = argument.chars().next().filter(|one| "\"'`".contains(*one)) else { return false };
    let literal = argument[1..].split(quote).next().unwrap_or_default();
    ANY_SITE.contains(&literal)
}

#[cfg(test)]
mod tests {
    use super::checks;

    #[test]
    fn checks_are_of_the_same_name() {
        for before in [
            "if (!p.startsWith(root)) return;",
            "if (!ALLOWED.has(p)) return",
            "if !filepath.IsLocal(p) { return }",
            "if !strings.HasPrefix(p, root) { return }",
            "if slices.Contains(all, p) {",
            "if (allowed[p])",
            "if (!isSafeUrl(p)) throw x",
        ] {
            assert!(checks(before, "p"), "{before}");
        }
        for before in [
            "if (!q.startsWith(root)) return",
            "if (!op.startsWith(root)) return",
            "p.startsWith('http')",
            "p.startsWith(\"/\")",
            "strings.HasPrefix(p, \"https://\")",
            "f(p)",
            "ALLOWED.has(q); f(p)",
            "all[p]",
        ] {
            assert!(!checks(before, "p"), "{before}");
        }
    }
}
