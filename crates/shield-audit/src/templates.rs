//! Templates of pages (Jinja, Django, Nunjucks) that are told to escape nothing: `{{ x|safe }}`, `{% autoescape off %}`.
//!
//! What a template is given is not known here: a value that a program made is as safe as the program, so that nothing of this is sure.
//! What cannot hold markup of a stranger is left alone: literals, addresses of routes, JSON, numbers, what a filter cleaned before.
//! Templates are read from front to back, once; comments and what is shown as it is are passed over.

use std::ops::Range;

use crate::{
    configuration::hits::{Hit, report},
    finding::{Confidence, Cwe, Rule, Severity},
    python::FileReport,
    tree::decode,
};

/// Larger files are pages that a program wrote, in bytes.
const FILE_BYTES_MAX: usize = 1 << 20;

/// Longer expressions are none, in bytes.
const EXPRESSION_BYTES_MAX: usize = 2_000;

const ENDINGS: [&str; 6] = ["djhtml", "htm", "html", "j2", "jinja", "jinja2"];

/// Filters whose answers hold no markup of others: escaped, cleaned, JSON, numbers.
const CLEANING: [&str; 18] = [
    "bleach",
    "clean",
    "date",
    "e",
    "escape",
    "escapejs",
    "filesizeformat",
    "floatformat",
    "force_escape",
    "int",
    "json_script",
    "length",
    "sanitize",
    "slugify",
    "tojson",
    "urlencode",
    "urlize",
    "xmlattr",
];

/// What writes markup of its own: routes, translations, forms, other blocks.
const OWN_MARKUP: [&str; 14] = [
    "_(",
    "block.super",
    "caller(",
    "content_for(",
    "csrf",
    "form.",
    "get_flashed",
    "gettext(",
    "ngettext(",
    "render_field(",
    "static(",
    "super(",
    "url(",
    "url_for(",
];

const ADVICE: &str = "Let the template escape the value, or clean the markup where it comes in (`nh3`) and mark only that as safe.";

static UNESCAPED_VALUE: Rule = Rule {
    id: "template/unescaped-value",
    title: "a value that is put into a page as it is",
    cwe: Cwe(79),
    severity: Severity::Medium,
    aliases: &["py/reflective-xss"],
    advice: ADVICE,
};

static AUTOESCAPE_OFF: Rule = Rule {
    id: "template/autoescape-off",
    title: "a part of a page whose values are not escaped",
    cwe: Cwe(79),
    severity: Severity::Medium,
    aliases: &["py/jinja2/autoescape-false"],
    advice: ADVICE,
};

/// Looks at a file as it lies on disk. Files that are no templates have an empty report.
#[must_use]
pub(crate) fn file(path: &str, bytes: &[u8]) -> FileReport {
    let says = |word: &str| memchr::memmem::find(bytes, word.as_bytes()).is_some();
    let candidate = is_candidate(path) && bytes.len() <= FILE_BYTES_MAX;
    if !candidate || !(says("safe") || says("autoescape")) {
        return FileReport::default();
    }
    match decode(bytes) {
        Ok(text) => report(path, &text.characters, look(&text.characters), None),
        // Who reads its secrets says so.
        Err(_) => FileReport::default(),
    }
}

fn is_candidate(path: &str) -> bool {
    let name = path.rsplit('/').next().unwrap_or(path).to_ascii_lowercase();
    // Angular has a syntax like it, and filters of the same name.
    let angular = name.ends_with(".component.html");
    !angular && name.rsplit_once('.').is_some_and(|(_, ending)| ENDINGS.contains(&ending))
}

fn look(text: &str) -> Vec<Hit> {
    let mut hits = Vec::new();
    let mut at = 0;
    while let Some(start) = memchr::memchr(b'{', &text.as_bytes()[at..]).map(|found| at + found) {
        let Some(tag) = Tag::at(text, start) else {
            at = start + 1;
            continue;
        };
        at = tag.range.end;
        match tag.kind {
            Kind::Value => hits.extend(unescaped(&tag)),
            Kind::Statement => {
                let mut words = tag.inside.split_whitespace();
                match (words.next(), words.next()) {
                    (Some("autoescape"), Some("off" | "false")) => {
                        let hit = Hit::of(&AUTOESCAPE_OFF, tag.range, "autoescape");
                        hits.push(hit.confidence(Confidence::Low));
                    }
                    (Some(shown @ ("raw" | "verbatim" | "comment")), _) => {
                        at = behind(text, at, &format!("end{shown}"));
                    }
                    _ => {}
                }
            }
            Kind::Comment => {}
        }
    }
    hits
}

/// Where the tag ends that closes a block whose inside is no template.
fn behind(text: &str, at: usize, closing: &str) -> usize {
    let found = memchr::memmem::find(&text.as_bytes()[at..], closing.as_bytes());
    found.map_or(text.len(), |found| at + found + closing.len())
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    /// `{{ … }}`.
    Value,
    /// `{% … %}`.
    Statement,
    /// `{# … #}`.
    Comment,
}

/// Something in braces.
struct Tag<'t> {
    kind: Kind,
    range: Range<usize>,
    inside: &'t str,
}

// === impl Tag ===

impl<'t> Tag<'t> {
    fn at(text: &'t str, start: usize) -> Option<Self> {
        let (kind, closing) = match text.as_bytes().get(start + 1)? {
            b'{' => (Kind::Value, "}}"),
            b'%' => (Kind::Statement, "%}"),
            b'#' => (Kind::Comment, "#}"),
            _ => return None,
        };
        let inside = start + 2;
        let reach = text.len().min(inside + EXPRESSION_BYTES_MAX);
        let length = memchr::memmem::find(&text.as_bytes()[inside..reach], closing.as_bytes())?;
        let end = inside + length;
        let inside = text[inside..end].trim_matches(['-', '+']).trim();
        Some(Self { kind, range: start..end + closing.len(), inside })
    }
}

/// `{{ value|filter|safe }}`, unless nothing in it can be a stranger's.
fn unescaped(tag: &Tag<'_>) -> Option<Hit> {
    let parts = filters(tag.inside);
    let (value, filters) = parts.split_first()?;
    let name = |filter: &str| filter.split(['(', ':', ' ']).next().unwrap_or_default().to_owned();
    let safe = filters.iter().position(|filter| name(filter) == "safe")?;
    let cleaned = filters[..safe].iter().any(|filter| CLEANING.contains(&name(filter).as_str()));
    let literal = value.starts_with(['"', '\'']) || value.bytes().all(|byte| byte.is_ascii_digit());
    let own = OWN_MARKUP.iter().any(|word| value.contains(word));
    let hit = || {
        let message =
            format!("`{value}` is put into the page as it is: if a stranger wrote it, so are its scripts");
        Hit::of(&UNESCAPED_VALUE, tag.range.clone(), value.to_owned()).message(message)
    };
    (!cleaned && !literal && !own).then(|| hit().confidence(Confidence::Low))
}

/// The value and its filters: what stands between bars that are in no quotes and no parentheses.
fn filters(inside: &str) -> Vec<&str> {
    let (mut parts, mut start, mut depth, mut quote) = (Vec::new(), 0, 0_usize, None);
    for (at, byte) in inside.bytes().enumerate() {
        match (quote, byte) {
            (Some(open), _) if open == byte => quote = None,
            (Some(_), _) => {}
            (None, b'"' | b'\'') => quote = Some(byte),
            (None, b'(' | b'[') => depth += 1,
            (None, b')' | b']') => depth = depth.saturating_sub(1),
            (None, b'|') if depth == 0 => {
                parts.push(inside[start..at].trim());
                start = at + 1;
            }
            _ => {}
        }
    }
    parts.push(inside[start..].trim());
    parts
}

#[cfg(test)]
mod tests {
    use super::*;

    fn found(text: &str) -> Vec<(&'static str, u32)> {
        let report = file("templates/a.html", text.as_bytes());
        let line = |one: &crate::finding::Finding| one.place.span.map_or(0, |span| span.line);
        report.findings.iter().map(|one| (one.rule.id, line(one))).collect()
    }

    #[test]
    fn values_that_are_not_escaped_are_found() {
        for text in [
            "{{ name|safe }}",
            "{{ name | safe }}",
            "{{- a.b[0] | default('|') | safe -}}",
            "{{ text|markdown|safe }}",
            "{# {{ a|safe }} #}{{ b|safe }}",
        ] {
            assert_eq!(found(text), [("template/unescaped-value", 1)], "{text}");
        }
        assert_eq!(found("<p>\n{% autoescape off %}{{ a }}\n"), [("template/autoescape-off", 2)]);
        assert_eq!(found("{%- autoescape false -%}"), [("template/autoescape-off", 1)]);
    }

    #[test]
    fn what_holds_no_strangers_markup_is_left_alone() {
        for text in [
            "{{ name }}",
            "{{ name|safe_name }}",
            "{{ 'a|safe' }}",
            "{{ '<b>'|safe }}",
            "{{ data|tojson|safe }}",
            "{{ url_for('a')|safe }}",
            "{{ _('some <b>text</b>')|safe }}",
            "{{ form.hidden_tag()|safe }}",
            "{{ name|escape|safe }}",
            "{% raw %}{{ a|safe }}{% endraw %}",
            "{% comment %}{{ a|safe }}{% endcomment %}",
            "{# {{ a|safe }} #}",
            "{% autoescape true %}",
            "{{ a|safe",
            "a {é{|safe",
        ] {
            assert_eq!(found(text), [], "{text}");
        }
        assert!(file("a.component.html", b"{{ a|safe }}").findings.is_empty());
        assert!(file("a.py", b"{{ a|safe }}").findings.is_empty());
    }

    #[test]
    fn comments_take_them_back() {
        let report = file("a.html", b"{{ a|safe }}{# nosec #}");
        assert_eq!((report.findings.len(), report.suppressed.len()), (0, 1));
    }
}
