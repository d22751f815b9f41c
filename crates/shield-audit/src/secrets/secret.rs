//! A secret that was found.

use std::ops::Range;

use super::redaction::{Identity, Redacted};
use crate::finding::{Confidence, Finding, Fingerprint, Place, Rule, Severity, Span, Wording};

/// A secret in a text. It does not hold the secret itself.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Secret {
    /// Of which kind.
    pub rule: &'static Rule,
    /// How bad here.
    pub severity: Severity,
    /// How sure.
    pub confidence: Confidence,
    /// Where; none of a whole file.
    pub span: Option<Span>,
    /// The name it is assigned to, or the host it opens; empty if nothing says so.
    pub name: String,
    /// What may be said of it.
    pub redacted: Redacted,
    /// Which one it is, to recognise it elsewhere in the same run.
    pub identity: Identity,
}

/// A secret before its place is known.
#[derive(Clone, Debug)]
pub(super) struct Candidate {
    pub(super) rule: &'static Rule,
    pub(super) severity: Severity,
    pub(super) confidence: Confidence,
    /// The bytes of the secret.
    pub(super) range: Range<usize>,
    pub(super) name: String,
}

// === impl Secret ===

impl Secret {
    /// What is said of it in `file`, without a fingerprint.
    pub fn finding(&self, file: &str) -> Finding {
        let place = Place { file: file.to_owned(), span: self.span };
        Finding {
            rule: self.rule,
            severity: self.severity,
            confidence: self.confidence,
            place,
            context: self.name.clone(),
            subject: format!("{} {}", self.rule.title, self.redacted),
            message: self.message(),
            steps: Vec::new(),
            wording: Wording::NONE,
            fingerprint: Fingerprint::UNSET,
        }
    }

    fn message(&self) -> String {
        let of = match self.name.as_str() {
            "" => String::new(),
            name => format!(" of `{name}`"),
        };
        format!("{}{of} in plain text: {}", capital(self.rule.title), self.redacted)
    }

    /// A file that is a secret as a whole.
    pub(super) fn whole_file(rule: &'static Rule, confidence: Confidence, bytes: &[u8]) -> Self {
        Self {
            rule,
            severity: rule.severity,
            confidence,
            span: None,
            name: String::new(),
            redacted: Redacted::whole(bytes),
            identity: Identity::of(bytes),
        }
    }
}

// === impl Candidate ===

impl Candidate {
    /// Whether it says more about its bytes than another that overlaps it.
    pub(super) fn beats(&self, other: &Self) -> bool {
        let known = |candidate: &Self| !super::rules::is_assigned(candidate.rule);
        (known(self), self.confidence, self.range.len()) > (known(other), other.confidence, other.range.len())
    }
}

fn capital(text: &str) -> String {
    let mut letters = text.chars();
    letters.next().map(|first| first.to_uppercase().chain(letters).collect()).unwrap_or_default()
}
