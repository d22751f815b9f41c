//! One accepted finding.

use jiff::civil::Date;

use crate::finding::{Finding, Fingerprint};

/// Longest reason and owner, in characters: an entry stays a line.
const TEXT_MAX: usize = 500;

/// On what terms a finding is accepted.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Terms {
    /// Why it may stay.
    pub reason: String,
    /// Who answers for it.
    pub owner: Option<String>,
    /// The last day on which it may stay.
    pub until: Date,
}

/// Terms on which nothing can be accepted.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum TermsError {
    /// Nothing is accepted without a reason.
    #[error("a reason is missing")]
    NoReason,
    /// It would not fit into a line.
    #[error("the reason has line breaks or other control characters, or more than {TEXT_MAX} characters")]
    Reason,
    /// An owner is one word.
    #[error("owner `{owner}`: expected one word of at most {TEXT_MAX} characters, without quotes")]
    Owner {
        /// As given, cut at 80 characters.
        owner: String,
    },
}

/// An accepted finding.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Entry {
    /// Which one.
    pub fingerprint: Fingerprint,
    /// Of which rule, by its id.
    pub rule: String,
    /// In which file; for people, since the fingerprint says it already.
    pub place: String,
    /// On what terms.
    pub terms: Terms,
}

// === impl Terms ===

impl Terms {
    /// Whether something can be accepted on them.
    ///
    /// # Errors
    /// What about them is wrong.
    pub fn check(&self) -> Result<(), TermsError> {
        if self.reason.trim().is_empty() {
            return Err(TermsError::NoReason);
        }
        if self.reason.chars().any(char::is_control) || self.reason.chars().count() > TEXT_MAX {
            return Err(TermsError::Reason);
        }
        match &self.owner {
            Some(owner) if !is_word(owner) => {
                Err(TermsError::Owner { owner: owner.chars().take(80).collect() })
            }
            _ => Ok(()),
        }
    }
}

// === impl Entry ===

impl Entry {
    /// Accepts a finding. It must have its fingerprint: see [`crate::finding::number_alike`].
    ///
    /// # Errors
    /// If the terms allow nothing.
    pub fn accept(finding: &Finding, terms: Terms) -> Result<Self, TermsError> {
        terms.check()?;
        let place = finding.place.file.clone();
        Ok(Self { fingerprint: finding.fingerprint, rule: finding.rule.id.to_owned(), place, terms })
    }
}

/// Whether a text can stand in a line without quotes.
pub(super) fn is_word(text: &str) -> bool {
    let inside = |letter: char| !letter.is_whitespace() && !letter.is_control() && letter != '"';
    !text.is_empty() && text.chars().all(inside) && text.chars().count() <= TEXT_MAX
}
