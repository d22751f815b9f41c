//! What may be said of a secret.
//!
//! Reports and baselines are kept, sent and committed: they never hold a secret. What is shown are its first letters (at most
//! four, and at most a quarter of it), its length, and 16 bits of its SHA-256: enough to see that two places hold the same one,
//! too little to tell a guessed password from 65,535 others. The fingerprint of a finding is made of this form, not of the secret.

use std::fmt;

use shield_types::Sha256Digest;

/// Letters that are shown at most.
const SHOWN_MAX: usize = 4;
/// A secret has at least so many letters for each that is shown.
const LETTERS_PER_SHOWN: usize = 4;

/// A secret that is not said: `ghp_… (40 characters, #5e1f)`.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Redacted {
    shown: String,
    characters: usize,
    tag: u16,
}

/// Which secret it is, within one run: never written anywhere.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct Identity(Sha256Digest);

// === impl Redacted ===

impl Redacted {
    /// The form of a secret that may be said.
    pub fn of(secret: &[u8]) -> Self {
        let text = String::from_utf8_lossy(secret);
        let characters = text.chars().count();
        let shown = text.chars().take(SHOWN_MAX.min(characters / LETTERS_PER_SHOWN));
        Self::showing(shown.take_while(|letter| letter.is_ascii_graphic()).collect(), characters, secret)
    }

    /// The form of a file that is a secret as a whole: without its first letters, which say nothing.
    pub(super) fn whole(file: &[u8]) -> Self {
        Self::showing(String::new(), file.len(), file)
    }

    fn showing(shown: String, characters: usize, secret: &[u8]) -> Self {
        let digest = Sha256Digest::of(secret);
        let [first, second, ..] = digest.as_bytes();
        Self { shown, characters, tag: u16::from_be_bytes([*first, *second]) }
    }
}

impl fmt::Display for Redacted {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{}… ({} characters, #{:04x})", self.shown, self.characters, self.tag)
    }
}

impl fmt::Debug for Redacted {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, formatter)
    }
}

// === impl Identity ===

impl Identity {
    /// Which one `secret` is.
    pub fn of(secret: &[u8]) -> Self {
        Self(Sha256Digest::of(secret))
    }
}

impl fmt::Debug for Identity {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("Identity(…)")
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn short_secrets_show_nothing() {
        assert!(Redacted::of(b"abc").to_string().starts_with("… (3 characters, #"));
        assert!(Redacted::of(b"hunter2").to_string().starts_with("h… (7"));
    }

    proptest! {
        #[test]
        fn no_more_is_said(secret in prop::collection::vec(any::<u8>(), 0..80)) {
            let said = Redacted::of(&secret).to_string();
            let (shown, rest) = said.split_once('…').unwrap();
            prop_assert!(shown.len() <= 4 && shown.len() * 4 <= secret.len());
            prop_assert!(secret.starts_with(shown.as_bytes()));
            let characters = String::from_utf8_lossy(&secret).chars().count();
            let tag = &Sha256Digest::of(&secret).hex()[..4];
            prop_assert_eq!(rest, format!(" ({characters} characters, #{tag})"));
            let debugged = format!("{:?}", Identity::of(&secret));
            prop_assert_eq!(debugged, "Identity(…)");
        }

        #[test]
        fn same_secret_same_form(secret in prop::collection::vec(any::<u8>(), 0..80)) {
            prop_assert_eq!(Redacted::of(&secret), Redacted::of(&secret));
            prop_assert_eq!(Identity::of(&secret), Identity::of(&secret));
        }
    }
}
