//! What the text of a place says, in short: a later defect beside an accepted one is another, though both call the same function.

use shield_types::Sha256Digest;

use super::{Cwe, Rule};

/// Weaknesses whose text may hold a secret, of which no digest is made: whoever knows it could try passwords against it.
const SECRET: [Cwe; 3] = [Cwe(259), Cwe(321), Cwe(798)];

/// A digest of a text without its layout: the same wherever it moves, however it is broken into lines.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Wording(u32);

// === impl Wording ===

impl Wording {
    /// Of a finding that is not about a text: a package, a whole file, a secret.
    pub const NONE: Self = Self(0);

    /// Of the text at a finding's place; none where the rule is about secrets.
    #[must_use]
    pub fn of(rule: &Rule, text: &str) -> Self {
        if SECRET.contains(&rule.cwe) {
            return Self::NONE;
        }
        let bare: String = text.split_whitespace().collect();
        let [first, second, third, fourth, ..] = *Sha256Digest::of(bare.as_bytes()).as_bytes();
        Self(u32::from_be_bytes([first, second, third, fourth]))
    }

    /// As a number, to be kept.
    #[must_use]
    pub const fn to_number(self) -> u32 {
        self.0
    }

    /// What [`Self::to_number`] gave.
    #[must_use]
    pub const fn from_number(number: u32) -> Self {
        Self(number)
    }
}
