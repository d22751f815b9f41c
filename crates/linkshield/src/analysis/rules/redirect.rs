//! Links that only pass on: shorteners, and URLs inside parameters.
//!
//! A carried URL is judged by the same rules, one level deep and at most four per link: a link that forwards to
//! something dangerous is as dangerous.

use super::registry::findings as direct_findings;
use crate::analysis::{Finding, Rule, Severity, Target, assess, shown::shown};

const SHORTENER: Rule =
    Rule { id: "shortener", severity: Severity::Low, points: 25, title: "Shortened link hides its target" };
const CARRIED: Rule =
    Rule { id: "carried-url", severity: Severity::Info, points: 15, title: "Link carries another address" };
const FORWARDS_HIGH: Rule = Rule {
    id: "forwards-to-suspicious",
    severity: Severity::High,
    points: 70,
    title: "Carries a suspicious address",
};
const FORWARDS_CRITICAL: Rule = Rule {
    id: "forwards-to-dangerous",
    severity: Severity::Critical,
    points: 90,
    title: "Carries a dangerous address",
};

pub(super) const RULES: &[Rule] = &[SHORTENER, CARRIED, FORWARDS_HIGH, FORWARDS_CRITICAL];

/// Carried URLs that are looked at per link.
const CARRIED_MAX: usize = 4;
const SHORTENERS: &[&str] = &[
    "adf.ly",
    "bit.do",
    "bit.ly",
    "bl.ink",
    "buff.ly",
    "cutt.ly",
    "goo.gl",
    "is.gd",
    "j.mp",
    "lnkd.in",
    "ow.ly",
    "qrco.de",
    "rb.gy",
    "rebrand.ly",
    "s.id",
    "shorturl.at",
    "shorte.st",
    "soo.gd",
    "t.co",
    "t.ly",
    "t2m.io",
    "tiny.cc",
    "tinyurl.com",
    "tr.im",
    "u.to",
    "v.gd",
    "x.gd",
];

pub(super) fn check(target: &Target, findings: &mut Vec<Finding>) {
    let owner = target.host.owner();
    if SHORTENERS.contains(&owner.as_str()) {
        let explanation = format!("`{owner}` is a link shortener: where this leads is not written in it.");
        findings.push(SHORTENER.found(explanation, &target.host.text()));
    }
    if let Some((name, carried)) = carried_targets(target).first() {
        let explanation = format!(
            "The parameter `{}` carries a link to `{}`, another site than `{}`.",
            shown(name),
            shown(&carried.host.text()),
            shown(&owner)
        );
        findings.push(CARRIED.found(explanation, &format!("{name}={}", carried.original)));
    }
}

/// Judges the URLs that `target` carries and reports the worst, if it is bad enough.
pub(in crate::analysis) fn follow_redirects(target: &Target, findings: &mut Vec<Finding>) {
    let judged = carried_targets(target).into_iter().map(|(name, carried)| {
        let inner = direct_findings(&carried);
        (assess(&inner).risk_score, name, carried, inner)
    });
    let Some((risk_score, name, carried, inner)) = judged.max_by_key(|(risk_score, ..)| *risk_score) else {
        return;
    };
    let rule = match risk_score {
        90.. => FORWARDS_CRITICAL,
        70.. => FORWARDS_HIGH,
        _ => return,
    };
    let reason = inner
        .iter()
        .max_by_key(|finding| finding.severity)
        .map_or("", |finding| finding.explanation.as_str());
    let explanation =
        format!("The parameter `{}` carries `{}`: {reason}", shown(&name), shown(&carried.original));
    findings.push(rule.found(explanation, &carried.original));
}

/// Absolute URLs in the parameters of `target` that belong to somebody else.
fn carried_targets(target: &Target) -> Vec<(String, Target)> {
    if target.url.cannot_be_a_base() {
        return Vec::new();
    }
    let owner = target.host.owner();
    let parsed = target.url.query_pairs().filter_map(|(name, value)| {
        let carried = Target::parse(absolute(&value)?).ok()?;
        (carried.host.owner() != owner).then(|| (name.into_owned(), carried))
    });
    parsed.take(CARRIED_MAX).collect()
}

/// The value when it is an absolute or scheme-relative URL, or runs code.
fn absolute(value: &str) -> Option<&str> {
    let start: String = value.trim_start().chars().take(12).collect::<String>().to_ascii_lowercase();
    let forms = ["http:", "https:", "//", "\\\\", "/\\", "javascript:", "data:text/", "vbscript:"];
    forms.iter().any(|form| start.starts_with(form)).then_some(value)
}
