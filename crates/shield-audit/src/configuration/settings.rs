//! Files of `key = value`: environments and the settings of package managers.

use std::ops::Range;

use super::hits::Hit;
use crate::finding::{Confidence, Cwe, Rule, Severity};

static DEBUG: Rule = Rule {
    id: "settings/debug",
    title: "debugging is on",
    cwe: Cwe(489),
    severity: Severity::Medium,
    aliases: &["B201", "S201"],
    advice: "Turn it off where anybody else can reach the service: pages of errors show code and settings.",
};

static BIND_ALL: Rule = Rule {
    id: "settings/bind-all",
    title: "the service answers on every network of its host",
    cwe: Cwe(605),
    severity: Severity::Low,
    aliases: &["B104", "S104", "G102"],
    advice: "Name the one address that is meant: `127.0.0.1` behind a proxy.",
};

static UNVERIFIED: Rule = Rule {
    id: "settings/verification-off",
    title: "certificates are not checked",
    cwe: Cwe(295),
    severity: Severity::High,
    aliases: &["AVD-DS-0027"],
    advice: "Leave it out; add the missing authority instead.",
};

/// What kind of file it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    /// `.env`.
    Environment,
    /// `.npmrc`, `.yarnrc`.
    Npm,
    /// `pip.conf`.
    Pip,
}

/// Names that turn debugging on.
const DEBUGGING: [&str; 7] =
    ["DEBUG", "FLASK_DEBUG", "DJANGO_DEBUG", "APP_DEBUG", "WERKZEUG_DEBUG", "RAILS_DEBUG", "FASTAPI_DEBUG"];

/// Names of an address to listen on.
const LISTENING: [&str; 7] =
    ["HOST", "BIND", "BIND_ADDRESS", "LISTEN", "LISTEN_ADDRESS", "APP_HOST", "SERVER_HOST"];

/// What kind of settings a file holds; none of those looked at here, if it is another one.
pub(super) fn kind(path: &str) -> Option<Kind> {
    let name = path.rsplit('/').next().unwrap_or(path);
    match name {
        ".npmrc" | ".yarnrc" => Some(Kind::Npm),
        "pip.conf" | "pip.ini" => Some(Kind::Pip),
        _ => {
            // An example, a developer's or a test's environment is made to be different.
            let rest = name.strip_prefix(".env")?;
            matches!(rest, "" | ".prod" | ".production" | ".staging" | ".docker" | ".deploy")
                .then_some(Kind::Environment)
        }
    }
}

/// The hits of a file.
pub(super) fn look(text: &str, kind: Kind) -> Vec<Hit> {
    let mut at = 0;
    let lines = text.split_inclusive('\n').map(|line| {
        let start = at;
        at += line.len();
        (line, start)
    });
    lines.filter_map(|(line, start)| setting(line, start, kind)).collect()
}

fn setting(line: &str, start: usize, kind: Kind) -> Option<Hit> {
    let trimmed = line.trim();
    let trimmed = trimmed.strip_prefix("export ").unwrap_or(trimmed);
    if trimmed.starts_with(['#', ';']) {
        return None;
    }
    // Yarn's first version has a space.
    let (name, value) = trimmed.split_once('=').or_else(|| trimmed.split_once(' '))?;
    let (name, value) = (name.trim(), value.trim().trim_matches(['"', '\'']));
    let begin = start + line.len() - line.trim_start().len();
    let range: Range<usize> = begin..start + line.trim_end().len();
    let on = matches!(value.to_ascii_lowercase().as_str(), "1" | "true" | "yes" | "on");
    match kind {
        Kind::Npm => (matches!(name, "strict-ssl" | "strictSsl") && value == "false")
            .then(|| Hit::of(&UNVERIFIED, range, name)),
        Kind::Pip => (name == "trusted-host").then(|| Hit::of(&UNVERIFIED, range, name)),
        Kind::Environment if name == "NODE_TLS_REJECT_UNAUTHORIZED" && value == "0" => {
            Some(Hit::of(&UNVERIFIED, range, name))
        }
        Kind::Environment if DEBUGGING.contains(&name) && on => {
            Some(Hit::of(&DEBUG, range, name).confidence(Confidence::Medium))
        }
        Kind::Environment if name == "FLASK_ENV" && value == "development" => {
            Some(Hit::of(&DEBUG, range, name).confidence(Confidence::Medium))
        }
        Kind::Environment if LISTENING.contains(&name) && matches!(value, "0.0.0.0" | "::") => {
            Some(Hit::of(&BIND_ALL, range, name).confidence(Confidence::Low))
        }
        Kind::Environment => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn said(path: &str, text: &str) -> Vec<String> {
        let hits = kind(path).map(|kind| look(text, kind)).unwrap_or_default();
        hits.iter().map(|hit| format!("{} {}", hit.rule.id, &text[hit.range.clone()])).collect()
    }

    #[test]
    fn settings_are_read_by_line() {
        let text = "# DEBUG=1\nA=b\n export DEBUG=\"True\" \nHOST = 0.0.0.0\nNODE_TLS_REJECT_UNAUTHORIZED=0";
        assert_eq!(
            said("a/.env", text),
            [
                "settings/debug export DEBUG=\"True\"",
                "settings/bind-all HOST = 0.0.0.0",
                "settings/verification-off NODE_TLS_REJECT_UNAUTHORIZED=0"
            ]
        );
        assert_eq!(said(".npmrc", "strict-ssl=false\n").len(), 1);
        assert_eq!(said("pip.conf", "[global]\ntrusted-host = x\n").len(), 1);
    }

    #[test]
    fn developers_and_examples_are_left_alone() {
        for path in [".env.example", ".env.local", ".env.test", "env", ".environment"] {
            assert_eq!(said(path, "DEBUG=1"), Vec::<String>::new(), "{path}");
        }
        assert_eq!(said(".env", "DEBUG=0\nHOST=127.0.0.1\nDEBUG=app:*"), Vec::<String>::new());
    }
}
