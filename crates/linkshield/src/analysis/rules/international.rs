//! International names: characters that are not what they look like.
//!
//! Honest names in one script are left alone, with a note that they are punycode on the wire. Look-alikes of known
//! names are a later, larger piece of work; here only what needs no list of names.

use super::scripts::{drawn_like_latin, ordinary_mix, scripts_of, written_at_home};
use crate::analysis::{
    Finding, Rule, Severity, Target,
    host::HostName,
    shown::{invisible, shown},
};

const MIXED: Rule = Rule {
    id: "mixed-script-host",
    severity: Severity::High,
    points: 75,
    title: "Alphabets mixed in one name",
};
const LOOKALIKE: Rule = Rule {
    id: "lookalike-letters-host",
    severity: Severity::High,
    points: 75,
    title: "Foreign letters drawn like Latin ones",
};
const DISGUISED: Rule = Rule {
    id: "disguised-host-letters",
    severity: Severity::High,
    points: 70,
    title: "Disguised letters in the host",
};
const INVISIBLE: Rule = Rule {
    id: "invisible-host-characters",
    severity: Severity::High,
    points: 75,
    title: "Invisible characters in the host",
};
const FALSE_DOT: Rule =
    Rule { id: "false-dot-host", severity: Severity::Medium, points: 40, title: "Unusual dots in the host" };
const PUNYCODE: Rule =
    Rule { id: "punycode-host", severity: Severity::Info, points: 5, title: "International name" };

pub(super) const RULES: &[Rule] = &[MIXED, LOOKALIKE, DISGUISED, INVISIBLE, FALSE_DOT, PUNYCODE];

const FALSE_DOTS: [char; 3] = ['\u{3002}', '\u{FF0E}', '\u{FF61}'];

pub(super) fn check(target: &Target, findings: &mut Vec<Finding>) {
    if let Some(name) = target.host.name() {
        for label in name.unicode.split('.').filter(|label| !label.is_ascii()) {
            check_label(name, label, findings);
        }
        check_punycode(name, findings);
        check_written(target, name, findings);
    }
}

fn check_label(name: &HostName, label: &str, findings: &mut Vec<Finding>) {
    let scripts = scripts_of(label);
    if !ordinary_mix(&scripts) {
        let explanation = format!(
            "`{}` mixes letters of {} alphabets, so that one can pass for another.",
            shown(label),
            scripts.len()
        );
        findings.push(MIXED.found(explanation, label));
        return;
    }
    let top_level = name.unicode.rsplit('.').next().unwrap_or_default();
    let foreign = top_level.is_ascii() && !written_at_home(&scripts, top_level);
    if foreign && label.chars().any(char::is_alphabetic) && label.chars().all(drawn_like_latin) {
        let explanation =
            format!("Every letter of `{}` is a foreign one that is drawn like a Latin letter.", shown(label));
        findings.push(LOOKALIKE.found(explanation, label));
    }
}

fn check_punycode(name: &HostName, findings: &mut Vec<Finding>) {
    if name.ascii.split('.').any(|label| label.starts_with("xn--")) {
        let explanation = format!("`{}` is the wire form of `{}`.", shown(&name.ascii), shown(&name.unicode));
        findings.push(PUNYCODE.found(explanation, &name.ascii));
    }
}

fn check_written(target: &Target, name: &HostName, findings: &mut Vec<Finding>) {
    let written = target.spelling.host.as_str();
    if written.is_ascii() {
        return;
    }
    let host = shown(&name.ascii);
    if written.chars().any(invisible) {
        let explanation = format!("`{}` holds characters nobody can see; it opens `{host}`.", shown(written));
        findings.push(INVISIBLE.found(explanation, written));
    }
    if written.contains(FALSE_DOTS) {
        let explanation = format!("`{}` uses dots of another script; it opens `{host}`.", shown(written));
        findings.push(FALSE_DOT.found(explanation, written));
    }
    if written.chars().any(|character| mapped_away(character, &name.unicode)) {
        let explanation =
            format!("`{}` is written in ornamental letters; it opens `{host}`.", shown(written));
        findings.push(DISGUISED.found(explanation, written));
    }
}

/// Whether a written character was turned into a different one by the name's mapping, beyond case and accents.
fn mapped_away(character: char, unicode: &str) -> bool {
    let accent = matches!(character, '\u{300}'..='\u{36F}' | '\u{3099}' | '\u{309A}');
    let told_elsewhere = FALSE_DOTS.contains(&character) || invisible(character);
    let kept = character.to_lowercase().all(|lower| unicode.contains(lower));
    !character.is_ascii() && !accent && !told_elsewhere && !kept
}
