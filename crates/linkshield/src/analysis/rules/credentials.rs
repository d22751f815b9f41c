//! Names and passwords before the host: the part of a link most people take for the site.

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

/// Whether a reader would take this for a host: a dot between letters, also when percent-encoded.
fn looks_like_site(userinfo: &str) -> bool {
    let decoded = userinfo.to_ascii_lowercase().replace("%2e", ".").replace("%2f", "/").replace("%3a", ":");
    decoded.split(['/', ':', '@', '%']).any(|part| {
        let mut labels = part.split('.');
        let first = labels.next().unwrap_or_default();
        let last = labels.next_back().unwrap_or_default();
        !first.is_empty() && last.len() >= 2 && last.bytes().all(|byte| byte.is_ascii_alphabetic())
    })
}
