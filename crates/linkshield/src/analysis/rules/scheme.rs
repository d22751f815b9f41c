//! Schemes: what a browser or the operating system does with the URL at all.

use crate::analysis::{Finding, Rule, Severity, Target};

const SCRIPT: Rule = Rule {
    id: "script-scheme",
    severity: Severity::Critical,
    points: 95,
    title: "Link runs code instead of opening a page",
};
const DATA: Rule =
    Rule { id: "data-scheme", severity: Severity::Medium, points: 45, title: "Link carries its own content" };
const LOCAL: Rule = Rule {
    id: "local-scheme",
    severity: Severity::High,
    points: 70,
    title: "Link reaches into the computer",
};
const WRAPPED: Rule =
    Rule { id: "wrapped-scheme", severity: Severity::Medium, points: 45, title: "Real address is wrapped" };
const NON_WEB: Rule = Rule {
    id: "non-web-scheme",
    severity: Severity::Low,
    points: 20,
    title: "Link does not open a web page",
};
const PLAINTEXT: Rule =
    Rule { id: "plaintext-http", severity: Severity::Info, points: 5, title: "Connection is not encrypted" };

pub(super) const RULES: &[Rule] = &[SCRIPT, DATA, LOCAL, WRAPPED, NON_WEB, PLAINTEXT];

const SCRIPT_SCHEMES: &[&str] = &["javascript", "jscript", "livescript", "vbscript"];
const LOCAL_SCHEMES: &[&str] = &[
    "file",
    "ms-excel",
    "ms-msdt",
    "ms-officecmd",
    "ms-powerpoint",
    "ms-word",
    "search",
    "search-ms",
    "shell",
    "smb",
];
/// Schemes whose URLs hold another URL.
pub(super) const WRAPPED_SCHEMES: &[&str] = &["blob", "feed", "filesystem", "intent", "jar", "view-source"];
/// Media types of `data:` that a browser would run.
const ACTIVE_TYPES: &[&str] =
    &["text/html", "image/svg+xml", "application/xhtml+xml", "text/xml", "application/xml", "javascript"];

pub(super) fn check(target: &Target, findings: &mut Vec<Finding>) {
    let scheme = target.url.scheme();
    let (rule, explanation) = match scheme {
        "https" => return,
        "http" => (PLAINTEXT, "`http://` sends and receives everything unencrypted.".to_owned()),
        "data" => data(target.url.path()),
        _ if SCRIPT_SCHEMES.contains(&scheme) => {
            (SCRIPT, format!("`{scheme}:` makes the browser run the rest of the link as code."))
        }
        _ if LOCAL_SCHEMES.contains(&scheme) => (
            LOCAL,
            format!("`{scheme}:` hands the link to a program or a file on the computer, not to a web site."),
        ),
        _ if WRAPPED_SCHEMES.contains(&scheme) => {
            (WRAPPED, format!("`{scheme}:` wraps another address, so what is shown is not what opens."))
        }
        _ => (NON_WEB, format!("`{}:` is not a web scheme.", crate::analysis::shown::shown(scheme))),
    };
    findings.push(rule.found(explanation, &format!("{scheme}:")));
}

fn data(content: &str) -> (Rule, String) {
    let media_type = content.split([',', ';']).next().unwrap_or_default().trim().to_ascii_lowercase();
    if ACTIVE_TYPES.iter().any(|active| media_type.contains(active)) {
        let explanation = format!("`data:{media_type}` carries a page with its own code inside the link.");
        (SCRIPT, explanation)
    } else {
        (DATA, "`data:` carries its content inside the link instead of naming a site.".to_owned())
    }
}
