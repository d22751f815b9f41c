//! Names and passwords before the host: the part of a link most people take for the site.

use std::net::Ipv4Addr;

use super::encoding::percent_decoded;
use crate::analysis::{Finding, Rule, Severity, Target, shown::shown};

const DECEPTIVE: Rule = Rule {
    id: "deceptive-userinfo",
    severity: Severity::High,
    points: 80,
    title: "Looks like one site, opens another",
};
const CREDENTIALS: Rule = Rule {
    id: "embedded-credentials",
    severity: Severity::Medium,
    points: 40,
    title: "User name before the host",
};
const EMPTY: Rule =
    Rule { id: "empty-userinfo", severity: Severity::Low, points: 20, title: "Stray `@` before the host" };

pub(super) const RULES: &[Rule] = &[DECEPTIVE, CREDENTIALS, EMPTY];

pub(super) fn check(target: &Target, findings: &mut Vec<Finding>) {
    if target.host.text().is_empty() {
        return;
    }
    let Some(userinfo) = target.spelling.userinfo.as_deref() else { return };
    let host = shown(&target.host.text());
    let user = userinfo.split(':').next().unwrap_or_default();
    findings.push(if userinfo.is_empty() {
        EMPTY.found(format!("The `@` in front of `{host}` serves no purpose but to confuse."), "@")
    } else if looks_like_site(userinfo) {
        let explanation =
            format!("`{}` before the `@` is only a user name; the link opens `{host}`.", shown(userinfo));
        DECEPTIVE.found(explanation, &format!("{userinfo}@"))
    } else {
        let explanation =
            format!("The link logs in to `{host}` with the user name `{}` written in it.", shown(user));
        CREDENTIALS.found(explanation, &format!("{user}@"))
    });
}

/// Whether a reader would take a part of this for a host, also when it is percent-encoded.
fn looks_like_site(userinfo: &str) -> bool {
    let in_host =
        |character: char| character.is_alphanumeric() || matches!(character, '.' | '-' | '\u{3002}');
    let decoded = percent_decoded(userinfo).to_lowercase();
    decoded.split(|character| !in_host(character)).any(reads_as_host)
}

/// Whether this is an address, or has a top-level domain behind a dot (`paypal.com`, `paypal.com-login`).
fn reads_as_host(text: &str) -> bool {
    let mut labels = text.split(['.', '\u{3002}']);
    let named = labels.next().is_some_and(|first| !first.is_empty());
    let top_level = |label: &str| {
        let word = label.split('-').next().unwrap_or_default();
        psl::suffix(word.as_bytes()).is_some_and(|suffix| suffix.is_known())
    };
    named && labels.any(top_level) || text.parse::<Ipv4Addr>().is_ok()
}
