//! A finding.

use serde::Serialize;

use super::{Confidence, Fingerprint, Rule, Severity, Wording};

/// Where something is: from a character to the one behind its last.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
pub struct Span {
    /// The line of the first character, from 1.
    pub line: u32,
    /// Its column in characters (Unicode scalar values), from 1.
    pub column: u32,
    /// The line of the last one.
    pub end_line: u32,
    /// The column behind it.
    pub end_column: u32,
}

/// Somewhere in the tree.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
pub struct Place {
    /// The file: relative to the audited directory, `/` between names; bytes that are no UTF-8 as U+FFFD.
    pub file: String,
    /// Where in it; none of a whole file.
    pub span: Option<Span>,
}

/// One step of the way that data takes from where a stranger sets it to where it does harm.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
pub struct Step {
    /// Where.
    pub place: Place,
    /// What happens to it there.
    pub what: String,
}

/// One defect.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Finding {
    /// Of which kind.
    pub rule: &'static Rule,
    /// How bad here.
    pub severity: Severity,
    /// How sure.
    pub confidence: Confidence,
    /// Where.
    pub place: Place,
    /// The qualified name of what it lies in (`Cache.key`); empty at the top of a file.
    pub context: String,
    /// What it is about without layout: the called name and its literal arguments, a package with its version, a kind of secret.
    /// Never the secret itself.
    pub subject: String,
    /// What is wrong here, in one sentence for people.
    pub message: String,
    /// The way to it, if data has to take one.
    pub steps: Vec<Step>,
    /// What its place says: of two that are otherwise alike, which is which.
    #[serde(skip)]
    pub wording: Wording,
    /// Which one of those that are alike: see [`super::number_alike`].
    pub fingerprint: Fingerprint,
}
