//! Links that only pass on: shorteners, and URLs inside parameters or behind a wrapping scheme.
//!
//! A carried URL is judged by the same rules, one level deep: a link that forwards to something dangerous is as
//! dangerous. Many of them are judged, or the bad one would come fifth; what repeats itself is judged once.

use std::collections::BTreeSet;

use super::{encoding::percent_decoded, registry::findings as direct_findings, scheme::WRAPPED_SCHEMES};
use crate::analysis::{Finding, Rule, Severity, Target, assess, shown::shown};

const SHORTENER: Rule =
    Rule { id: "shortener", severity: Severity::Low, points: 25, title: "Shortened link hides its target" };
const CARRIED: Rule =
    Rule { id: "carried-url", severity: Severity::Info, points: 10, title: "Link carries another address" };
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

/// How many times a carried URL may be encoded beyond what its place needs.
const EXTRA_ENCODINGS_MAX: usize = 2;
const SHORTENERS: &[&str] = &[
    "adf.ly",
    "amzn.to",
    "bit.do",
    "bit.ly",
    "bitly.com",
    "bl.ink",
    "buff.ly",
    "clck.ru",
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

/// Carried URLs that are judged.
const JUDGED_MAX: usize = 64;

/// A URL inside another one.
struct Carried {
    /// Where it was found, as the start of a sentence.
    place: String,
    target: Target,
}

pub(super) fn check(target: &Target, findings: &mut Vec<Finding>) {
    let owner = target.host.owner();
    if SHORTENERS.contains(&owner.as_str()) {
        let explanation = format!("`{owner}` is a link shortener: where this leads is not written in it.");
        findings.push(SHORTENER.found(explanation, &target.host.text()));
    }
    if let Some(Carried { place, target: carried }) = carried_targets(target).first() {
        let explanation = match owner.as_str() {
            "" => format!("{place} carries a link to `{}`.", shown(&carried.host.text())),
            owner => format!(
                "{place} carries a link to `{}`, another site than `{}`.",
                shown(&carried.host.text()),
                shown(owner)
            ),
        };
        findings.push(CARRIED.found(explanation, &carried.original));
    }
}

/// Judges the URLs that `target` carries and reports the worst, if it is bad enough.
pub(in crate::analysis) fn follow_redirects(target: &Target, findings: &mut Vec<Finding>) {
    let mut carried = carried_targets(target);
    // What repeats itself only costs time.
    let mut seen = BTreeSet::new();
    carried.retain(|carried| seen.insert(carried.target.original.clone()));
    let judged = carried.into_iter().take(JUDGED_MAX).map(|carried| {
        let inner = direct_findings(&carried.target);
        (assess(&inner).risk_score, carried, inner)
    });
    let Some((risk_score, Carried { place, target: carried }, inner)) =
        judged.max_by_key(|(risk_score, ..)| *risk_score)
    else {
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
    let explanation = format!("{place} carries `{}`: {reason}", shown(&carried.original));
    findings.push(rule.found(explanation, &carried.original));
}

/// Absolute URLs in the parameters of `target`, or behind its wrapping scheme, that belong to somebody else.
fn carried_targets(target: &Target) -> Vec<Carried> {
    if target.url.cannot_be_a_base() {
        return wrapped_target(target).into_iter().collect();
    }
    let owner = target.host.owner();
    let parsed = target.url.query_pairs().filter_map(|(name, value)| {
        let carried = Target::parse(&absolute(&value)?).ok()?;
        let place = format!("The parameter `{}`", shown(&name));
        (carried.host.owner() != owner).then_some(Carried { place, target: carried })
    });
    parsed.collect()
}

/// The URL behind a scheme such as `view-source:`.
fn wrapped_target(target: &Target) -> Option<Carried> {
    let scheme = target.url.scheme();
    let wrapped = WRAPPED_SCHEMES.contains(&scheme).then(|| absolute(&target.spelling.path))??;
    let place = format!("The wrapper `{scheme}:`");
    Target::parse(&wrapped).ok().map(|target| Carried { place, target })
}

/// The value when it is an absolute or scheme-relative URL, or runs code, perhaps encoded once too often.
fn absolute(value: &str) -> Option<String> {
    let forms = ["http:", "https:", "//", "\\\\", "/\\", "javascript:", "data:text/", "vbscript:"];
    let mut value = value.to_owned();
    for _ in 0..=EXTRA_ENCODINGS_MAX {
        let start: String = value.trim_start().chars().take(12).collect::<String>().to_ascii_lowercase();
        if forms.iter().any(|form| start.starts_with(form)) {
            return Some(value);
        }
        value = percent_decoded(&value);
    }
    None
}
