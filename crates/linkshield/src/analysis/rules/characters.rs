//! Characters that browsers drop or turn around: tabs, newlines, controls, backslashes, direction marks, odd slashes.

use super::encoding::percent_decoded;
use crate::analysis::{
    Finding, Rule, Severity, Target,
    shown::{invisible, reorders, shown},
};

const DROPPED: Rule = Rule {
    id: "dropped-whitespace",
    severity: Severity::Medium,
    points: 45,
    title: "Tab or line break inside the link",
};
const CONTROL: Rule = Rule {
    id: "control-character",
    severity: Severity::Medium,
    points: 45,
    title: "Control character inside the link",
};
const REORDERED: Rule = Rule {
    id: "text-direction-trick",
    severity: Severity::High,
    points: 75,
    title: "Text direction is turned around",
};
const UNSEEN: Rule = Rule {
    id: "invisible-character",
    severity: Severity::Low,
    points: 25,
    title: "Invisible character inside the link",
};
const BACKSLASH_AUTHORITY: Rule = Rule {
    id: "backslash-before-path",
    severity: Severity::High,
    points: 70,
    title: "Backslash hides the host",
};
const BACKSLASH_PATH: Rule =
    Rule { id: "backslash-in-path", severity: Severity::Low, points: 20, title: "Backslash in the path" };
const SLASHES: Rule =
    Rule { id: "odd-slashes", severity: Severity::Low, points: 25, title: "Wrong number of slashes" };

pub(super) const RULES: &[Rule] =
    &[DROPPED, CONTROL, REORDERED, UNSEEN, BACKSLASH_AUTHORITY, BACKSLASH_PATH, SLASHES];

pub(super) fn check(target: &Target, findings: &mut Vec<Finding>) {
    check_unseen(target, findings);
    if matches!(target.url.scheme(), "http" | "https" | "ws" | "wss" | "ftp") {
        check_slashes(target, findings);
    }
}

fn check_unseen(target: &Target, findings: &mut Vec<Finding>) {
    let inner = target.original.trim_matches(|character: char| character <= ' ');
    let whitespace = |character: char| matches!(character, '\t' | '\n' | '\r');
    if inner.contains(whitespace) {
        let explanation = format!(
            "`{}` holds a tab or line break that browsers drop, so filters and browsers disagree.",
            shown(inner)
        );
        findings.push(DROPPED.found(explanation, inner));
    }
    if inner.contains(|character: char| character.is_control() && !whitespace(character)) {
        findings.push(CONTROL.found(format!("`{}` holds a control character.", shown(inner)), inner));
    }
    let decoded = percent_decoded(inner);
    if decoded.contains(reorders) {
        let explanation =
            format!("`{}` holds a mark that makes text read in the other direction.", shown(&decoded));
        findings.push(REORDERED.found(explanation, &decoded));
    } else if hides(&target.spelling.path) {
        let explanation = format!("`{}` holds a character nobody can see.", shown(&target.spelling.path));
        findings.push(UNSEEN.found(explanation, &target.spelling.path));
    }
}

/// Joiners and emoji variation selectors have honest uses, zero-width spaces and the like have none in a path.
fn hides(text: &str) -> bool {
    let honest = |character: char| matches!(character, '\u{200C}' | '\u{200D}' | '\u{FE0E}' | '\u{FE0F}');
    text.contains(|character: char| invisible(character) && !character.is_control() && !honest(character))
}

fn check_slashes(target: &Target, findings: &mut Vec<Finding>) {
    let spelling = &target.spelling;
    let host = shown(&target.host.text());
    let cut_by_backslash = spelling.path.starts_with('\\');
    if spelling.slashes.contains('\\') || cut_by_backslash {
        let explanation =
            format!("A backslash ends the host early: browsers open `{host}`, filters may see another.");
        let evidence = format!("{}{}{}", spelling.slashes, spelling.authority(), spelling.path);
        findings.push(BACKSLASH_AUTHORITY.found(explanation, &evidence));
    } else if spelling.path.contains('\\') {
        let explanation = format!("Browsers turn the backslash in `{}` into a slash.", shown(&spelling.path));
        findings.push(BACKSLASH_PATH.found(explanation, &spelling.path));
    }
    if !spelling.scheme_assumed && spelling.slashes.len() != 2 {
        let explanation = format!(
            "`{}:{}` has {} slashes before the host; browsers repair that to two.",
            spelling.scheme,
            spelling.slashes,
            spelling.slashes.len()
        );
        findings.push(SLASHES.found(explanation, &format!("{}:{}", spelling.scheme, spelling.slashes)));
    }
}
