//! The local threat list: exact knowledge, compiled in, a handful of entries.
//!
//! It holds reserved names and the public test pages of the anti-malware industry, so that every path of a verdict can
//! be tried without touching anything dangerous. Large lists come with their own issue and format.

use std::sync::LazyLock;

use super::encoding::percent_decoded;
use crate::analysis::{Finding, Rule, Severity, Target, shown::shown};

const LISTED: Rule =
    Rule { id: "threat-list", severity: Severity::Critical, points: 100, title: "On the local threat list" };

pub(super) const RULES: &[Rule] = &[LISTED];

static LIST: LazyLock<ThreatList> = LazyLock::new(|| ThreatList::parse(include_str!("threat_list.txt")));

struct ThreatList {
    version: &'static str,
    entries: Vec<Entry>,
}

struct Entry {
    matcher: Matcher,
    category: &'static str,
}

enum Matcher {
    /// The registrable domain and everything below it.
    Domain(&'static str),
    /// Exactly this host.
    Host(&'static str),
    /// Host and path up to here, whatever the scheme.
    Prefix(&'static str),
}

pub(super) fn check(target: &Target, findings: &mut Vec<Finding>) {
    let host = target.host.text();
    let location = format!("{host}{}", plain_path(target.url.path()));
    let owner = target.host.owner();
    for entry in &LIST.entries {
        let (hit, what) = match entry.matcher {
            Matcher::Domain(domain) => (owner == domain, domain),
            Matcher::Host(listed) => (host == listed, listed),
            Matcher::Prefix(prefix) => (location.starts_with(prefix), prefix),
        };
        if hit {
            let explanation = format!("`{}` is on the local threat list as {}.", shown(what), entry.category);
            findings.push(LISTED.found(explanation, what));
            return;
        }
    }
}

/// The path without escapes and doubled slashes, which most servers take for the same.
fn plain_path(path: &str) -> String {
    let mut plain = percent_decoded(path);
    while plain.contains("//") {
        plain = plain.replace("//", "/");
    }
    plain
}

pub(super) fn version() -> &'static str {
    LIST.version
}

// === impl ThreatList ===

impl ThreatList {
    fn parse(text: &'static str) -> Self {
        let mut version = "";
        let mut entries = Vec::new();
        for line in text.lines().map(str::trim).filter(|line| !line.is_empty() && !line.starts_with('#')) {
            let mut words = line.splitn(3, ' ');
            let (kind, value) = (words.next().unwrap_or_default(), words.next().unwrap_or_default());
            let category = words.next().unwrap_or_default();
            let matcher = match kind {
                "version" => {
                    version = value;
                    continue;
                }
                "domain" => Matcher::Domain(value),
                "host" => Matcher::Host(value),
                "prefix" => Matcher::Prefix(value),
                other => {
                    unreachable!("the compiled-in list has no entries of kind `{other}`, a test reads it")
                }
            };
            entries.push(Entry { matcher, category });
        }
        Self { version, entries }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn compiled_list_is_complete() {
        assert!(!LIST.version.is_empty());
        assert!(LIST.entries.len() >= 8);
        assert!(LIST.entries.iter().all(|entry| !entry.category.is_empty()));
    }
}
