//! Names of findings that survive moved lines.
//!
//! A fingerprint is made of the kind of defect, the file, the enclosing name, the subject, what the place says without its layout, and
//! how many alike come before it there; never of a line. Baselines keep it, and findings of several scanners are joined by it.

use std::{collections::HashMap, fmt, str::FromStr};

use serde::{Serialize, Serializer};
use shield_types::Sha256Digest;

use super::Finding;

/// Bytes of a digest that are kept: 16^24 names are enough for every finding of a company.
const BYTES: usize = 12;

/// The name of a finding: 24 lower-case hex digits.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Fingerprint([u8; BYTES]);

/// Text that is no fingerprint.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
#[error("parse fingerprint `{text}`: expected 24 lower-case hex digits")]
pub struct ParseFingerprintError {
    /// What was given, cut at 80 characters.
    pub text: String,
}

/// Gives findings their fingerprints. They must be in the order of their places: alike ones in one context are numbered so.
pub fn number_alike(findings: &mut [Finding]) {
    let mut seen: HashMap<Fingerprint, u32> = HashMap::new();
    for finding in findings {
        let alike = Fingerprint::of(finding, 0);
        let before = seen.entry(alike).or_default();
        finding.fingerprint = Fingerprint::of(finding, *before);
        *before += 1;
    }
}

// === impl Fingerprint ===

impl Fingerprint {
    /// What a finding has before [`number_alike`].
    pub const UNSET: Self = Self([0; BYTES]);

    fn of(finding: &Finding, alike_before: u32) -> Self {
        let number = format!("{} {alike_before}", finding.wording.to_number());
        Self::of_parts([finding.rule.id, &finding.place.file, &finding.context, &finding.subject, &number])
    }

    /// From what does not change when lines move, and a number for those that are alike.
    pub(crate) fn of_parts(parts: [&str; 5]) -> Self {
        // A part cannot run into the next one: no name of a file holds a zero, and the others are taken from text without.
        let text = parts.join("\0");
        let digest = Sha256Digest::of(text.as_bytes());
        let mut bytes = [0; BYTES];
        bytes.copy_from_slice(&digest.as_bytes()[..BYTES]);
        Self(bytes)
    }
}

impl fmt::Display for Fingerprint {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|byte| write!(formatter, "{byte:02x}"))
    }
}

impl fmt::Debug for Fingerprint {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, formatter)
    }
}

impl FromStr for Fingerprint {
    type Err = ParseFingerprintError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let error = || ParseFingerprintError { text: text.chars().take(80).collect() };
        let digit = |byte: u8| match byte {
            b'0'..=b'9' => Ok(byte - b'0'),
            b'a'..=b'f' => Ok(byte - b'a' + 10),
            _ => Err(error()),
        };
        let digits: &[u8; 2 * BYTES] = text.as_bytes().try_into().map_err(|_| error())?;
        let mut bytes = [0; BYTES];
        for (byte, [high, low]) in bytes.iter_mut().zip(digits.as_chunks().0) {
            *byte = digit(*high)? << 4 | digit(*low)?;
        }
        Ok(Self(bytes))
    }
}

impl Serialize for Fingerprint {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::finding::{Confidence, Cwe, Place, Rule, Severity, Span, Wording};

    static RULE: Rule = Rule {
        id: "python/weak-hash",
        title: "weak hash",
        cwe: Cwe(328),
        severity: Severity::Medium,
        aliases: &["B324"],
        advice: "use SHA-256",
    };

    fn finding(line: u32, subject: &str) -> Finding {
        let span = Span { line, column: 1, end_line: line, end_column: 9 };
        Finding {
            rule: &RULE,
            severity: RULE.severity,
            confidence: Confidence::High,
            place: Place { file: "a.py".to_owned(), span: Some(span) },
            context: "key".to_owned(),
            subject: subject.to_owned(),
            message: String::new(),
            steps: Vec::new(),
            wording: Wording::NONE,
            fingerprint: Fingerprint::UNSET,
        }
    }

    fn names(lines: [u32; 3]) -> Vec<String> {
        let [first, second, third] = lines;
        let mut findings =
            [finding(first, "hashlib.md5"), finding(second, "hashlib.sha1"), finding(third, "hashlib.md5")];
        number_alike(&mut findings);
        findings.iter().map(|finding| finding.fingerprint.to_string()).collect()
    }

    #[test]
    fn moved_lines_keep_their_name() {
        let before = names([1, 2, 3]);
        assert_eq!(before, names([10, 25, 30]));
        assert!(before[0] != before[2] && before[0] != before[1], "{before:?}");
    }

    #[test]
    fn another_before_takes_no_name() {
        let worded =
            |line, text| Finding { wording: Wording::of(&RULE, text), ..finding(line, "hashlib.md5") };
        let mut one = [worded(1, "hashlib.md5(a)")];
        number_alike(&mut one);
        let mut two = [worded(1, "hashlib.md5(password)"), worded(2, "hashlib.md5(\n  a)")];
        number_alike(&mut two);
        assert_eq!(one[0].fingerprint, two[1].fingerprint);
        assert_ne!(one[0].fingerprint, two[0].fingerprint);
    }

    #[test]
    fn secrets_are_in_no_name() {
        let rule = Rule { cwe: Cwe(798), ..RULE };
        assert_eq!(Wording::of(&rule, "password = 'a'"), Wording::NONE);
    }

    #[test]
    fn text_form_is_exact() {
        let name = names([1, 2, 3]).remove(0);
        assert_eq!(name.parse::<Fingerprint>().unwrap().to_string(), name);
        for wrong in ["", "00", &name.to_uppercase(), &format!("{name}0"), &format!(" {}", &name[1..])] {
            assert!(wrong.parse::<Fingerprint>().is_err(), "{wrong}");
        }
    }
}
