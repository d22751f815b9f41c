//! The token, its text, and what is stored in its place.

use std::time::Duration;

use base64::{Engine, prelude::BASE64_URL_SAFE_NO_PAD};
use ring::digest::{Context, SHA256};
use serde::{Deserialize, Serialize};
use shield_types::Secret;

/// Bytes of a token: 256 bits, twice what ASVS 5.0 11.5.1 asks.
const TOKEN_BYTES: usize = 32;
/// Letters of its text.
const TEXT_LENGTH: usize = 43;
/// Keeps these digests apart from every other SHA-256 in the system.
const DOMAIN: &[u8] = b"shield one-time token 1";

/// What a token is good for. It is part of the digest: no purpose opens another's door.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Purpose {
    /// Proves that a new account's address is read by its owner.
    EmailVerification,
    /// Allows one new password.
    PasswordReset,
    /// Proves that the address an account wants to move to is read by its owner.
    EmailChange,
}

/// 32 random bytes that somebody was sent.
#[derive(Clone, Debug)]
pub struct OneTimeToken(Secret<[u8; TOKEN_BYTES]>);

/// What is stored instead of a token. Not a secret: it cannot be turned back.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct OneTimeDigest([u8; 32]);

/// Text that is not a token.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("read a one-time token: expected {TEXT_LENGTH} letters of base64url")]
pub struct ParseTokenError;

// === impl Purpose ===

impl Purpose {
    /// Its name in digests, events and tables.
    pub const fn label(self) -> &'static str {
        match self {
            Self::EmailVerification => "email-verification",
            Self::PasswordReset => "password-reset",
            Self::EmailChange => "email-change",
        }
    }

    /// How long a token lives: 24 h to verify a first address, as the original promises; 1 h where an account that is
    /// in use is at stake.
    pub const fn lifetime(self) -> Duration {
        match self {
            Self::EmailVerification => Duration::from_secs(24 * 3_600),
            Self::PasswordReset | Self::EmailChange => Duration::from_secs(3_600),
        }
    }
}

// === impl OneTimeToken ===

impl OneTimeToken {
    /// A fresh one, from a cryptographic generator (ASVS 5.0, 6.5.3).
    pub fn new(random: [u8; TOKEN_BYTES]) -> Self {
        Self(Secret::new(random))
    }

    /// Reads what came back in a request. One token has one spelling: padding, other alphabets and stray bits are
    /// refused.
    pub fn parse(text: &str) -> Result<Self, ParseTokenError> {
        if text.len() != TEXT_LENGTH {
            return Err(ParseTokenError);
        }
        let mut bytes = [0; TOKEN_BYTES];
        match BASE64_URL_SAFE_NO_PAD.decode_slice_unchecked(text, &mut bytes) {
            Ok(TOKEN_BYTES) => Ok(Self(Secret::new(bytes))),
            _ => Err(ParseTokenError),
        }
    }

    /// As a link has it: 43 letters of base64url, which need no escaping in a URL's fragment or a form field.
    pub fn text(&self) -> Secret<String> {
        Secret::new(BASE64_URL_SAFE_NO_PAD.encode(self.0.expose()))
    }

    /// What the store knows it by.
    pub fn digest(&self, purpose: Purpose) -> OneTimeDigest {
        let mut context = Context::new(&SHA256);
        for part in [DOMAIN, &[0], purpose.label().as_bytes(), &[0], self.0.expose()] {
            context.update(part);
        }
        let bytes = context.finish().as_ref().try_into().expect("SHA-256 has 32 bytes");
        OneTimeDigest(bytes)
    }
}

// === impl OneTimeDigest ===

impl OneTimeDigest {
    /// To be stored.
    pub const fn as_bytes(&self) -> &[u8; 32] {
        &self.0
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::{OneTimeToken, ParseTokenError, Purpose};

    const PURPOSES: [Purpose; 3] = [Purpose::EmailVerification, Purpose::PasswordReset, Purpose::EmailChange];

    #[test]
    fn asvs_v6_5_2_stores_a_digest_of_256_bits_of_entropy() {
        let token = OneTimeToken::new([7; 32]);
        for purpose in PURPOSES {
            assert_ne!(token.digest(purpose).as_bytes(), &[7; 32]);
        }
    }

    #[test]
    fn each_purpose_has_its_own_digest() {
        let token = OneTimeToken::new([7; 32]);
        let mut digests = PURPOSES.map(|purpose| token.digest(purpose));
        digests.sort();
        assert!(digests.windows(2).all(|pair| pair[0] != pair[1]));
    }

    #[test]
    fn asvs_v16_2_5_never_prints_the_token() {
        assert_eq!(format!("{:?}", OneTimeToken::new([7; 32])), "OneTimeToken([redacted])");
    }

    #[test]
    fn refuses_a_second_spelling() {
        let text = OneTimeToken::new([0xff; 32]).text().expose().clone();
        // The last letter carries four bits; setting one of the two spare bits would make another text of the same
        // token.
        let twin = format!("{}9", &text[..text.len() - 1]);
        let padded = format!("{text}=");
        for other in [twin.as_str(), padded.as_str(), "", &text[1..], &text.replace('_', "/")] {
            assert_eq!(OneTimeToken::parse(other).map(|_| ()), Err(ParseTokenError), "{other}");
        }
    }

    proptest! {
        #[test]
        fn reads_what_it_writes(random: [u8; 32]) {
            let token = OneTimeToken::new(random);
            let again = OneTimeToken::parse(token.text().expose()).unwrap();
            prop_assert_eq!(again.digest(Purpose::PasswordReset), token.digest(Purpose::PasswordReset));
        }

        #[test]
        fn any_text_is_read_or_refused(text in "\\PC{0,60}") {
            if let Ok(token) = OneTimeToken::parse(&text) {
                prop_assert!(token.text().expose() == &text);
            }
        }

        #[test]
        fn letters_of_the_alphabet_have_one_spelling(text in "[A-Za-z0-9_-]{43}") {
            if let Ok(token) = OneTimeToken::parse(&text) {
                prop_assert!(token.text().expose() == &text);
            }
        }
    }
}
