//! Characters that show code in another order than it runs.

use crate::{
    configuration::hits::Hit,
    finding::{Cwe, Rule, Severity},
};

pub(super) static TROJAN_SOURCE: Rule = Rule {
    id: "code/trojan-source",
    title: "what is shown is not what runs",
    cwe: Cwe(1007),
    severity: Severity::High,
    aliases: &["G116", "detect-bidi-characters", "B613"],
    advice: "Remove the invisible character, and look at who put it there.",
};

/// Characters that turn the direction of what follows: each begins with these two bytes.
const TURNING: [char; 9] = [
    '\u{202a}', '\u{202b}', '\u{202c}', '\u{202d}', '\u{202e}', '\u{2066}', '\u{2067}', '\u{2068}',
    '\u{2069}',
];

/// The first turning character of each line.
pub(super) fn look(text: &str) -> Vec<Hit> {
    if memchr::memmem::find(text.as_bytes(), b"\xe2\x80").is_none()
        && memchr::memmem::find(text.as_bytes(), b"\xe2\x81").is_none()
    {
        return Vec::new();
    }
    let mut hits = Vec::new();
    let mut start = 0;
    for line in text.split_inclusive('\n') {
        if let Some((at, character)) = line.char_indices().find(|(_, one)| TURNING.contains(one)) {
            let at = start + at;
            let subject = format!("U+{:04X}", u32::from(character));
            hits.push(Hit::of(&TROJAN_SOURCE, at..at + character.len_utf8(), subject));
        }
        start += line.len();
    }
    hits
}
