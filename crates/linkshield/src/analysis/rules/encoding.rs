//! Percent-encoding where it has no honest use: in the host, twice over, around dots, around control characters.
//!
//! A query with `&`, `;`, `|` or `$` is ordinary and never a finding (the original called every query with two
//! parameters a command injection).

use crate::analysis::{Finding, Rule, Severity, Target, shown::shown};

const HOST: Rule =
    Rule { id: "encoded-host", severity: Severity::High, points: 70, title: "Percent-encoded host" };
const TRAVERSAL: Rule = Rule {
    id: "encoded-traversal",
    severity: Severity::Medium,
    points: 45,
    title: "Disguised step to a parent directory",
};
const NUL: Rule =
    Rule { id: "encoded-nul", severity: Severity::Medium, points: 45, title: "Encoded NUL character" };
const LINE_BREAK: Rule = Rule {
    id: "encoded-line-break-in-path",
    severity: Severity::Medium,
    points: 40,
    title: "Line break in the path",
};
const CONTROL: Rule =
    Rule { id: "encoded-control", severity: Severity::Low, points: 25, title: "Encoded control character" };
const OVERLONG: Rule = Rule {
    id: "overlong-encoding",
    severity: Severity::Medium,
    points: 45,
    title: "Forbidden form of an encoded character",
};
const DOUBLE: Rule =
    Rule { id: "double-encoding", severity: Severity::Low, points: 20, title: "Path is encoded twice" };
const NEEDLESS: Rule =
    Rule { id: "needless-encoding", severity: Severity::Low, points: 20, title: "Plain letters are encoded" };

pub(super) const RULES: &[Rule] = &[HOST, TRAVERSAL, NUL, LINE_BREAK, CONTROL, OVERLONG, DOUBLE, NEEDLESS];

/// Dots, slashes, backslashes and NUL in more bytes than they need. `%c0` and `%c1` alone are ordinary letters in the
/// encodings of Russian and Chinese sites, so these are whole steps to a parent directory.
const OVERLONG_FORMS: &[&str] = &[
    "%c0%ae%c0%ae",
    "..%c0%af",
    "..%c1%9c",
    "%c0%80",
    "%e0%80%ae",
    "%e0%80%af",
    "%f0%80%80%ae",
    "%f0%80%80%af",
];
/// Encoded letters and digits from which on it is no accident.
const NEEDLESS_MIN: usize = 3;

pub(super) fn check(target: &Target, findings: &mut Vec<Finding>) {
    let spelling = &target.spelling;
    if spelling.host.contains('%') && target.web() {
        let explanation = format!(
            "`{}` is an encoded host; it opens `{}`.",
            shown(&spelling.host),
            shown(&target.host.text())
        );
        findings.push(HOST.found(explanation, &spelling.host));
    }
    if target.url.cannot_be_a_base() {
        return;
    }
    check_path(&spelling.path, findings);
    check_bytes(&spelling.path, spelling.query.as_deref().unwrap_or_default(), findings);
}

fn check_path(path: &str, findings: &mut Vec<Finding>) {
    let lower = path.to_ascii_lowercase();
    if let Some(step) = disguised_parent(&lower) {
        let explanation =
            format!("`{}` in the path is a disguised `..`, a step to the parent directory.", shown(step));
        findings.push(TRAVERSAL.found(explanation, path));
    }
    if double_encoded(&lower) {
        let explanation = format!("`{}` holds a percent sign that is itself encoded.", shown(path));
        findings.push(DOUBLE.found(explanation, path));
    }
    let needless = escapes(path).filter(u8::is_ascii_alphanumeric).count();
    if needless >= NEEDLESS_MIN {
        let explanation = format!(
            "{needless} plain letters or digits of `{}` are encoded, which only hides them.",
            shown(path)
        );
        findings.push(NEEDLESS.found(explanation, path));
    }
}

fn check_bytes(path: &str, query: &str, findings: &mut Vec<Finding>) {
    let text = format!("{path}?{query}");
    if escapes(&text).any(|byte| byte == 0) {
        findings.push(
            NUL.found("`%00` ends text early in many programs, which hides what follows.".to_owned(), "%00"),
        );
    }
    if escapes(path).any(|byte| matches!(byte, b'\r' | b'\n')) {
        let explanation =
            format!("The path `{}` holds an encoded line break, which can split headers.", shown(path));
        findings.push(LINE_BREAK.found(explanation, path));
    }
    if escapes(&text).any(|byte| byte.is_ascii_control() && !matches!(byte, 0 | b'\t' | b'\r' | b'\n')) {
        findings
            .push(CONTROL.found(format!("`{}` holds an encoded control character.", shown(&text)), &text));
    }
    let lower = text.to_ascii_lowercase();
    if let Some(form) = OVERLONG_FORMS.iter().find(|form| lower.contains(**form)) {
        let explanation = format!(
            "`{form}` holds a form of UTF-8 that is forbidden because it smuggles characters past filters."
        );
        findings.push(OVERLONG.found(explanation, form));
    }
}

/// A path segment that means `..` but does not say so.
fn disguised_parent(lower: &str) -> Option<&str> {
    let plain = |segment: &str| segment.replace("%25", "%").replace("%2e", ".");
    let separated = |segment: &str| {
        let decoded = plain(segment).replace("%2f", "/").replace("%5c", "/");
        decoded.split('/').any(|part| part == "..")
    };
    lower.split(['/', '\\']).find(|segment| segment.contains('%') && separated(segment))
}

fn double_encoded(lower: &str) -> bool {
    lower.match_indices("%25").any(|(index, _)| {
        let digits = lower.as_bytes().get(index + 3..index + 5);
        digits.is_some_and(|digits| digits.iter().all(u8::is_ascii_hexdigit))
    })
}

/// The bytes that percent escapes in `text` stand for.
fn escapes(text: &str) -> impl Iterator<Item = u8> + '_ {
    let bytes = text.as_bytes();
    (0..bytes.len()).filter_map(|index| escape_at(bytes, index))
}

/// `text` with every escape replaced by the byte it stands for.
pub(super) fn percent_decoded(text: &str) -> String {
    let bytes = text.as_bytes();
    let mut result = Vec::with_capacity(bytes.len());
    let mut index = 0;
    while index < bytes.len() {
        match escape_at(bytes, index) {
            Some(byte) => {
                result.push(byte);
                index += 3;
            }
            None => {
                result.push(bytes[index]);
                index += 1;
            }
        }
    }
    String::from_utf8_lossy(&result).into_owned()
}

/// The byte of the escape that starts at `index`, if one does.
fn escape_at(bytes: &[u8], index: usize) -> Option<u8> {
    let digit = |offset: usize| bytes.get(index + offset).and_then(|byte| char::from(*byte).to_digit(16));
    if bytes.get(index) != Some(&b'%') {
        return None;
    }
    u8::try_from(digit(1)? * 16 + digit(2)?).ok()
}
