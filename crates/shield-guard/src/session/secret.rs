//! The secret in the cookie and what is stored in its place.

use base64::{Engine, prelude::BASE64_URL_SAFE_NO_PAD};
use ring::digest::{SHA256, digest};
use shield_types::Secret;

use super::SoughtSession;
use crate::{base64url, table::hash_of_place};

/// Bytes of a secret: 256 bits, twice what ASVS 5.0 7.2.3 asks.
const SECRET_BYTES: usize = 32;
/// Letters of its text.
const TEXT_LENGTH: usize = 43;

/// 32 random bytes: whoever has them has the session.
#[derive(Clone, Debug)]
pub struct SessionSecret(Secret<[u8; SECRET_BYTES]>);

/// What a session is stored and found under. Not a secret: it cannot be turned back, and finding by it takes no time that
/// depends on how much of another one it resembles in any way a guesser could use.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct SessionDigest([u8; 32]);

/// Bytes that are not the text of a secret.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("read a session secret: expected {TEXT_LENGTH} letters of base64url")]
pub struct ParseSessionSecretError;

// === impl SessionSecret ===

impl SessionSecret {
    /// A fresh one, from a cryptographic generator.
    pub fn new(random: [u8; SECRET_BYTES]) -> Self {
        Self(Secret::new(random))
    }

    /// Reads the value of a cookie. A secret has one spelling: padding, other alphabets and stray bits are refused.
    pub fn parse(text: &[u8]) -> Result<Self, ParseSessionSecretError> {
        if text.len() != TEXT_LENGTH {
            return Err(ParseSessionSecretError);
        }
        let mut bytes = [0; SECRET_BYTES];
        base64url::decode(text, &mut bytes).ok_or(ParseSessionSecretError)?;
        Ok(Self(Secret::new(bytes)))
    }

    /// As the cookie has it.
    pub fn text(&self) -> Secret<String> {
        Secret::new(BASE64_URL_SAFE_NO_PAD.encode(self.0.expose()))
    }

    /// What the session is stored under.
    pub fn digest(&self) -> SessionDigest {
        let bytes = digest(&SHA256, self.0.expose());
        SessionDigest(bytes.as_ref().try_into().expect("SHA-256 has 32 bytes"))
    }

    /// What it is looked for by, here and in the store.
    pub fn sought(&self) -> SoughtSession {
        SoughtSession::new(self.place(), self.digest())
    }

    /// The hash under which the near cache keeps its session.
    pub(super) fn hash(&self) -> u64 {
        hash_of_place(self.place())
    }

    /// Where that is. Does not tell any of the bytes: half as many bits as they have.
    fn place(&self) -> u32 {
        let bytes = self.0.expose().first_chunk().expect("a secret has more than eight bytes");
        (u64::from_le_bytes(*bytes).wrapping_mul(0x9e37_79b9_7f4a_7c15) >> 32) as u32
    }
}

// === impl SessionDigest ===

impl SessionDigest {
    /// One that was stored.
    pub const fn from_bytes(bytes: [u8; 32]) -> Self {
        Self(bytes)
    }

    /// To be stored.
    pub const fn as_bytes(&self) -> &[u8; 32] {
        &self.0
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::{ParseSessionSecretError, SessionSecret};

    #[test]
    fn asvs_v7_2_3_stores_only_a_digest_of_256_random_bits() {
        let secret = SessionSecret::new([7; 32]);
        assert_ne!(secret.digest().as_bytes(), &[7; 32]);
        assert_eq!(format!("{secret:?}"), "SessionSecret([redacted])");
    }

    #[test]
    fn refuses_other_spellings() {
        let text = SessionSecret::new([0xff; 32]).text().expose().clone();
        let twin = format!("{}9", &text[..42]);
        for other in [twin.as_str(), &format!("{text}="), "", &text[1..], &text.replace('_', "/"), "garbage"]
        {
            let refused = SessionSecret::parse(other.as_bytes()).map(|_| ());
            assert_eq!(refused, Err(ParseSessionSecretError), "{other}");
        }
    }

    proptest! {
        #[test]
        fn reads_what_it_writes(random: [u8; 32]) {
            let secret = SessionSecret::new(random);
            let again = SessionSecret::parse(secret.text().expose().as_bytes()).unwrap();
            prop_assert_eq!(again.digest(), secret.digest());
        }

        #[test]
        fn any_bytes_have_one_spelling_or_none(bytes in prop::collection::vec(any::<u8>(), 0..60)) {
            if let Ok(secret) = SessionSecret::parse(&bytes) {
                prop_assert!(secret.text().expose().as_bytes() == bytes);
            }
        }

        #[test]
        fn letters_have_one_spelling_or_none(text in "[A-Za-z0-9_-]{43}") {
            if let Ok(secret) = SessionSecret::parse(text.as_bytes()) {
                prop_assert!(*secret.text().expose() == text);
            }
        }
    }
}
