//! One thing that one scanner says.

use serde::Serialize;

use crate::{
    finding::{Cwe, Place, Severity},
    imports::Unread,
};

/// What a scanner says.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
pub struct Observation {
    /// Where; the file is relative to the audited directory if it lies in it.
    pub place: Place,
    /// Who says it.
    pub tool: String,
    /// What it calls that: its own id of the rule, or the advisory's.
    pub rule: String,
    /// How bad it says it is.
    pub severity: Severity,
    /// What it says it is an instance of.
    pub cwes: Vec<Cwe>,
    /// In its words, without secrets, cut at 400 characters.
    pub message: String,
    /// What it is about.
    pub about: About,
}

/// What an observation is about: that decides what it is the same as.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "kebab-case", tag = "kind")]
pub enum About {
    /// Code: the same as what has the same rule, or weakness, in the same line.
    Code,
    /// A secret: the same as any other in the same line.
    Secret,
    /// A package: the same as what has one of the names, of the same version.
    Package {
        /// Which, in small letters with hyphens.
        package: String,
        /// In which version; empty if it does not say.
        version: String,
        /// All names of what is known against it: CVE, GHSA, PYSEC, RUSTSEC, the tool's own.
        names: Vec<String>,
    },
}

/// All that one run of a scanner says.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Output {
    /// What it found.
    pub observations: Vec<Observation>,
    /// What it says it did not look at, and what of its output could not be read.
    pub unread: Vec<Unread>,
    /// How many findings comments or settings of the tool take back.
    pub taken_back: usize,
}

/// The characters of a message that are kept.
pub(super) const MESSAGE_MAX: usize = 400;

/// Weaknesses that are secrets in the source.
const SECRET_WEAKNESSES: [u16; 4] = [259, 321, 540, 798];
/// Rules about them of tools that do not say so.
const SECRET_RULES: [&str; 6] = ["B105", "B106", "B107", "S105", "S106", "S107"];
/// Tools that look for nothing else.
const SECRET_SCANNERS: [&str; 3] = ["detect-secrets", "gitleaks", "trufflehog"];

// === impl About ===

impl About {
    /// A package by the name that a tool has for it.
    pub(super) fn package(package: &str, version: &str, names: Vec<String>) -> Self {
        Self::Package { package: folded(package), version: version.trim().to_owned(), names }
    }
}

/// Names of packages as they are compared: registries differ on capitals and on `_`, `-` and `.`.
pub(super) fn folded(package: &str) -> String {
    package.trim().to_lowercase().replace(['_', '.'], "-")
}

// === impl Output ===

impl Output {
    /// Whether nothing at all is in it.
    pub(super) const fn says_nothing(&self) -> bool {
        self.observations.is_empty() && self.unread.is_empty() && self.taken_back == 0
    }
}

// === impl Observation ===

impl Observation {
    /// Makes a secret of what a rule about secrets says, takes values out of its message, and cuts that.
    pub(super) fn tidy(mut self) -> Self {
        let secret = self.cwes.iter().any(|cwe| SECRET_WEAKNESSES.contains(&cwe.0))
            || SECRET_RULES.contains(&self.rule.as_str())
            || SECRET_SCANNERS.contains(&self.tool.as_str());
        if self.about == About::Code && secret {
            self.about = About::Secret;
        }
        if self.about == About::Secret {
            self.message = without_quoted(&self.message);
        }
        let message = self.message.split_whitespace().collect::<Vec<_>>().join(" ");
        self.message = message.chars().take(MESSAGE_MAX).collect();
        self
    }
}

/// A text with `…` for what stands in quotes, to the last quote of a kind.
fn without_quoted(text: &str) -> String {
    let mut text = text.to_owned();
    for quote in ['\'', '"', '`'] {
        if let (Some(first), Some(last)) = (text.find(quote), text.rfind(quote))
            && first < last
        {
            text.replace_range(first + 1..last, "…");
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_of_secrets_are_taken_out() {
        let observation = Observation {
            place: Place { file: "a.py".to_owned(), span: None },
            tool: "bandit".to_owned(),
            rule: "B105".to_owned(),
            severity: Severity::Low,
            cwes: vec![Cwe(259)],
            message: "Possible hardcoded password: 'it's \"this\"'".to_owned(),
            about: About::Code,
        }
        .tidy();
        assert_eq!(
            (observation.message.as_str(), observation.about),
            ("Possible hardcoded password: '…'", About::Secret)
        );
    }

    #[test]
    fn packages_are_folded() {
        assert_eq!(folded(" Ruamel.Yaml_x "), "ruamel-yaml-x");
    }
}
