//! `${{ … }}`, and whose texts are in it.

use std::ops::Range;

/// What strangers write, after `github.` and with `*` for an index: GitHub's list of untrusted input, and zizmor's.
const STRANGERS: [&str; 32] = [
    "event.issue.title",
    "event.issue.body",
    "event.pull_request.title",
    "event.pull_request.body",
    "event.pull_request.head.ref",
    "event.pull_request.head.label",
    "event.pull_request.head.repo.default_branch",
    "event.pull_request.head.repo.description",
    "event.pull_request.head.repo.homepage",
    "event.comment.body",
    "event.review.body",
    "event.review_comment.body",
    "event.discussion.title",
    "event.discussion.body",
    "event.pages.*.page_name",
    "event.commits.*.message",
    "event.commits.*.author.email",
    "event.commits.*.author.name",
    "event.commits.*.committer.email",
    "event.commits.*.committer.name",
    "event.head_commit.message",
    "event.head_commit.author.email",
    "event.head_commit.author.name",
    "event.head_commit.committer.email",
    "event.head_commit.committer.name",
    "event.workflow_run.head_branch",
    "event.workflow_run.display_title",
    "event.workflow_run.head_commit.message",
    "event.workflow_run.head_commit.author.email",
    "event.workflow_run.head_commit.author.name",
    "event.workflow_run.head_repository.description",
    "head_ref",
];

/// Functions whose answer is none of their arguments' text.
const TELLING: [&str; 8] =
    ["contains", "startswith", "endswith", "hashfiles", "success", "failure", "always", "cancelled"];

/// An expression of a text.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Expression<'a> {
    /// What is between the braces.
    pub(super) text: &'a str,
    /// All of it, in the text.
    pub(super) range: Range<usize>,
}

/// The expressions of a text.
pub(super) fn expressions(text: &str) -> Vec<Expression<'_>> {
    let mut found = Vec::new();
    let mut at = 0;
    while let Some(start) = text[at..].find("${{").map(|start| at + start) {
        let Some(length) = text[start..].find("}}") else { break };
        let end = start + length + 2;
        // Braces without anything between overlap: `${{}`.
        let inner = text.get(start + 3..end - 2).unwrap_or_default();
        found.push(Expression { text: inner.trim(), range: start..end });
        at = end;
    }
    found
}

// === impl Expression ===

impl<'a> Expression<'a> {
    /// The first reference in it whose value a stranger writes and that becomes part of its own value.
    pub(super) fn strangers(&self) -> Option<&'a str> {
        self.references().into_iter().filter(|of| of.becomes_value).map(|of| of.path).find(|path| {
            let Some(path) = normalised(path).strip_prefix("github.").map(str::to_owned) else {
                return false;
            };
            // A whole event has all of them in it.
            let whole = |of: &&str| of.starts_with(path.as_str()) && of[path.len()..].starts_with('.');
            STRANGERS.contains(&path.as_str()) || STRANGERS.iter().any(whole)
        })
    }

    /// The names of a context whose values become part of its own value: of `env.A`, `a`.
    pub(super) fn named(&self, context: &str) -> Vec<String> {
        let values = self.references().into_iter().filter(|of| of.becomes_value);
        let named = values
            .filter_map(|of| normalised(of.path).strip_prefix(context)?.strip_prefix('.').map(str::to_owned));
        named.collect()
    }

    /// Whether a context is named in it: `secrets`, `secrets.X`.
    pub(super) fn names(&self, context: &str) -> bool {
        self.references().iter().any(|of| {
            let path = normalised(of.path);
            path == context || path.strip_prefix(context).is_some_and(|rest| rest.starts_with('.'))
        })
    }

    /// Whether a context is taken as a whole: `toJSON(secrets)`.
    pub(super) fn takes_all_of(&self, context: &str) -> bool {
        self.references().iter().any(|of| normalised(of.path) == context)
    }

    fn references(&self) -> Vec<Reference<'a>> {
        let compares = ["==", "!=", "<", ">"].iter().any(|sign| self.text.contains(sign));
        let chooses = ["&&", "||"].iter().any(|sign| self.text.contains(sign));
        // Only a comparison, its value is true or false.
        let tells = compares && !chooses || self.text.starts_with('!');
        let bytes = self.text.as_bytes();
        let (mut found, mut at, mut calls) = (Vec::new(), 0, Vec::new());
        while at < bytes.len() {
            match bytes[at] {
                b'\'' => {
                    let end = memchr::memchr(b'\'', &bytes[at + 1..]);
                    at += end.map_or(bytes.len(), |end| end + 2);
                    continue;
                }
                b'(' => calls.push(false),
                b')' => drop(calls.pop()),
                byte if byte.is_ascii_alphabetic() || byte == b'_' => {
                    let end = end_of_path(bytes, at);
                    let path = &self.text[at..end];
                    if bytes.get(end) == Some(&b'(') {
                        calls.push(TELLING.contains(&path.to_ascii_lowercase().as_str()));
                        at = end + 1;
                    } else {
                        let becomes_value = !tells && !calls.contains(&true);
                        found.push(Reference { path, becomes_value });
                        at = end;
                    }
                    continue;
                }
                _ => {}
            }
            at += 1;
        }
        found
    }
}

/// A context named in an expression.
struct Reference<'a> {
    path: &'a str,
    /// Whether its text may be in the expression's own value.
    becomes_value: bool,
}

/// `github.event['issue'].labels[0].name` is one path.
fn end_of_path(bytes: &[u8], start: usize) -> usize {
    let mut at = start;
    while at < bytes.len() {
        match bytes[at] {
            byte if byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'-' | b'.' | b'*') => at += 1,
            b'[' => match memchr::memchr(b']', &bytes[at..]) {
                Some(end) => at += end + 1,
                None => return at,
            },
            _ => break,
        }
    }
    at
}

/// With points between names, `*` for numbers, in small letters: names of contexts are the same in any case.
fn normalised(path: &str) -> String {
    let path = path.replace("['", ".").replace("[\"", ".").replace("']", "").replace("\"]", "");
    let mut parts = Vec::new();
    for part in path.split(['.', '[', ']']).filter(|part| !part.is_empty()) {
        let index = part.bytes().all(|byte| byte.is_ascii_digit());
        parts.push(if index { "*".to_owned() } else { part.to_ascii_lowercase() });
    }
    parts.join(".")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn strangers(text: &str) -> Option<&str> {
        expressions(text).iter().find_map(Expression::strangers)
    }

    #[test]
    fn texts_of_strangers_are_known() {
        for text in [
            "a ${{ github.event.issue.title }} b",
            "${{github.head_ref}}",
            "${{ GitHub.Event['pull_request'].body }}",
            "${{ github.event.commits[0].message }}",
            "${{ github.event.commits.*.author.name }}",
            "${{ github.event.comment.body || 'x' }}",
            "${{ format('{0}', github.head_ref) }}",
            "${{ toJSON(github.event) }}",
            "${{ github.sha }} ${{ contains('a', github.x) && github.head_ref }}",
        ] {
            assert!(strangers(text).is_some(), "{text}");
        }
        for text in [
            "${{ github.event.issue.number }}",
            "${{ github.sha }}",
            "${{ contains(github.event.issue.title, 'x') }}",
            "${{ github.head_ref == 'main' }}",
            "${{ 'github.head_ref' }}",
            "${{ github.event.pull_request.head.sha }}",
            "github.head_ref",
            "${{",
            "${{}",
            "${{}}",
            "${{ '",
            "${{ a[ }}",
        ] {
            assert_eq!(strangers(text), None, "{text}");
        }
    }
}
