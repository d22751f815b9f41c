//! What the original's search looked for, by the very expressions of its `scripts/compliance_checker.py`.

use std::sync::LazyLock;

use regex::Regex;
use serde::Serialize;

use crate::{finding::Rule, python::rules};

/// What a file is accused of.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Accusation {
    /// Weak cryptography: `MD5`, `SHA1`, `DES`, `RC4` in capitals or small letters, anywhere.
    WeakCryptography,
    /// Code or commands that are run: `eval(`, `exec(`, `os.system`, `subprocess.call` with `shell=True`.
    DangerousExecution,
}

/// One expression of the search.
#[derive(Debug)]
pub struct Pattern {
    /// As it is written in the original.
    pub written: &'static str,
    /// What finds the same; see [`Accusation::patterns`].
    pub(super) regex: Regex,
    /// What the subject of a finding holds, in small letters, if the finding is about what the pattern means.
    pub(super) subject: &'static str,
}

/// Ids of ruff and bandit for what the accusations mean.
const WEAK: [&str; 6] = ["S303", "S304", "S305", "S324", "S413", "S505"];
const DANGEROUS: [&str; 6] = ["S102", "S307", "S602", "S604", "S605", "S609"];

static WEAK_PATTERNS: LazyLock<[Pattern; 4]> = LazyLock::new(|| {
    [
        Pattern::of("MD5", "MD5", "md5"),
        Pattern::of("SHA1", "SHA1", "sha1"),
        Pattern::of("DES", "DES", "des"),
        Pattern::of("RC4", "RC4", "rc4"),
    ]
});
static DANGEROUS_PATTERNS: LazyLock<[Pattern; 4]> = LazyLock::new(|| {
    [
        Pattern::of(r"eval\(", r"eval\(", "builtins.eval"),
        Pattern::of(r"exec\(", r"exec\(", "builtins.exec"),
        Pattern::of(r"os\.system", r"os\.system", "os.system"),
        // Python reads a carriage return as the end of a line, so that `.` does not go past it.
        Pattern::of(
            r"subprocess\.call.*shell=True",
            r"subprocess\.call[^\r\n]*shell=True",
            "subprocess.call",
        ),
    ]
});

// === impl Accusation ===

impl Accusation {
    /// Both.
    pub const ALL: [Self; 2] = [Self::WeakCryptography, Self::DangerousExecution];

    /// Its expressions, in the order of the original. Each counts once for a file, so that a file may stand in the list four
    /// times.
    #[must_use]
    pub fn patterns(self) -> &'static [Pattern; 4] {
        match self {
            Self::WeakCryptography => &WEAK_PATTERNS,
            Self::DangerousExecution => &DANGEROUS_PATTERNS,
        }
    }

    /// What the original's report calls it.
    #[must_use]
    pub const fn rule_id(self) -> &'static str {
        match self {
            Self::WeakCryptography => "OWASP-A02-002",
            Self::DangerousExecution => "OWASP-A03-001",
        }
    }

    /// Ids of the rules of ruff that mean it.
    #[must_use]
    pub const fn rules(self) -> &'static [&'static str] {
        match self {
            Self::WeakCryptography => &WEAK,
            Self::DangerousExecution => &DANGEROUS,
        }
    }

    /// Whether a rule is about it.
    #[must_use]
    pub fn means(self, rule: &Rule) -> bool {
        rule.aliases.iter().any(|alias| self.rules().contains(alias))
    }

    /// Our rules about any accusation.
    pub(super) fn checks() -> impl Iterator<Item = &'static rules::Check> {
        rules::all().filter(|check| Self::ALL.iter().any(|accusation| accusation.means(&check.rule)))
    }
}

// === impl Pattern ===

impl Pattern {
    fn of(written: &'static str, regex: &str, subject: &'static str) -> Self {
        let regex = Regex::new(&format!("(?i){regex}")).expect("a constant that a test uses");
        Self { written, regex, subject }
    }

    /// Whether the search finds something in a text.
    #[must_use]
    pub fn matches(&self, text: &str) -> bool {
        self.regex.is_match(text)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn matching(accusation: Accusation, text: &str) -> Vec<&'static str> {
        accusation
            .patterns()
            .iter()
            .filter(|pattern| pattern.matches(text))
            .map(|pattern| pattern.written)
            .collect()
    }

    #[test]
    fn finds_what_python_finds() {
        for (text, expected) in [
            ("a description", vec!["DES"]),
            // Python folds the long s too.
            ("de\u{17f}", vec!["DES"]),
            ("MD5 and sha1, arc4", vec!["MD5", "SHA1", "RC4"]),
            ("sha-1", vec![]),
        ] {
            assert_eq!(matching(Accusation::WeakCryptography, text), expected, "{text}");
        }
        for (text, expected) in [
            ("literal_EVAL(x)", vec![r"eval\("]),
            ("cursor.exec (x)", vec![]),
            ("os.systemd", vec![r"os\.system"]),
            ("subprocess.call(x, shell=True)", vec![r"subprocess\.call.*shell=True"]),
            ("subprocess.call(x,\n shell=True)", vec![]),
            ("subprocess.call(x,\r shell=True)", vec![]),
        ] {
            assert_eq!(matching(Accusation::DangerousExecution, text), expected, "{text}");
        }
    }

    #[test]
    fn rules_are_known_for_both() {
        for accusation in Accusation::ALL {
            assert!(Accusation::checks().filter(|check| accusation.means(&check.rule)).count() >= 3);
        }
    }
}
