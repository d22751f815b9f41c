//! Keys, and the text in which people hand them on.

use std::{fmt, ops::RangeInclusive};

use base64::{Engine, prelude::BASE64_STANDARD};
use ring::{
    hmac::{self, HMAC_SHA256},
    signature::{Ed25519KeyPair, KeyPair},
};
use shield_types::Secret;

/// Prefix of an HMAC secret, which both sides hold.
const HMAC_PREFIX: &str = "whsec_";
/// Prefix of an Ed25519 secret key, which the sender holds.
const SECRET_PREFIX: &str = "whsk_";
/// Prefix of an Ed25519 public key, which receivers hold.
const PUBLIC_PREFIX: &str = "whpk_";
/// Bytes that an HMAC secret may have.
const HMAC_BYTES: RangeInclusive<usize> = 24..=64;
/// No key's text is longer: 64 bytes are 88 letters.
const TEXT_LENGTH_MAX: usize = 96;

/// What a sender signs with.
pub struct SigningKey(pub(super) Signer);

pub(super) enum Signer {
    Hmac(hmac::Key),
    Ed25519(Ed25519KeyPair),
}

/// What a receiver believes.
#[derive(Clone)]
pub struct VerifyingKey(pub(super) Verifier);

#[derive(Clone)]
pub(super) enum Verifier {
    Hmac(hmac::Key),
    Ed25519([u8; 32]),
}

/// Text that is not a key. It is not repeated, since it may be most of one.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ParseWebhookKeyError {
    /// No prefix that has a meaning here.
    #[error("read a webhook key: expected it to begin with {expected}")]
    Prefix {
        /// The prefixes that would be read.
        expected: &'static str,
    },
    /// Not base64.
    #[error("read a webhook key: expected base64 with padding after the prefix")]
    Encoding,
    /// Too short to be safe, or too long to be a key.
    #[error("read a webhook key: expected {expected} bytes, found {found}")]
    Length {
        /// What would be read.
        expected: &'static str,
        /// What was there.
        found: usize,
    },
    /// The two halves of an Ed25519 key do not belong together.
    #[error("read a webhook key: its public half is not that of its secret half")]
    Halves,
}

/// The text of a fresh HMAC secret, from a cryptographic generator: to be shown once to the receiver, stored
/// encrypted, and read by both sides.
pub fn new_hmac_secret(random: &[u8; 32]) -> Secret<String> {
    Secret::new(format!("{HMAC_PREFIX}{}", BASE64_STANDARD.encode(random)))
}

// === impl SigningKey ===

impl SigningKey {
    /// A fresh Ed25519 key from 32 bytes of a cryptographic generator, which are also what is stored, encrypted.
    pub fn from_ed25519_seed(seed: &[u8; 32]) -> Self {
        let pair = Ed25519KeyPair::from_seed_unchecked(seed).expect("any 32 bytes are a seed");
        Self(Signer::Ed25519(pair))
    }

    /// Reads `whsec_…` (24 to 64 bytes) or `whsk_…` (a seed of 32 bytes, or seed and public key, 64 bytes).
    pub fn parse(text: &Secret<String>) -> Result<Self, ParseWebhookKeyError> {
        let text = text.expose();
        if let Some(encoded) = text.strip_prefix(HMAC_PREFIX) {
            return hmac_key(encoded).map(|key| Self(Signer::Hmac(key)));
        }
        let expected = "`whsec_` or `whsk_`";
        let encoded = text.strip_prefix(SECRET_PREFIX).ok_or(ParseWebhookKeyError::Prefix { expected })?;
        let bytes = decode(encoded)?;
        let pair = match bytes.len() {
            32 => Ed25519KeyPair::from_seed_unchecked(&bytes),
            64 => Ed25519KeyPair::from_seed_and_public_key(&bytes[..32], &bytes[32..]),
            found => return Err(ParseWebhookKeyError::Length { expected: "32 or 64", found }),
        };
        pair.map(|pair| Self(Signer::Ed25519(pair))).map_err(|_| ParseWebhookKeyError::Halves)
    }

    /// What receivers of its messages should be given: `whpk_…`. Nothing for an HMAC secret, which has no public half.
    pub fn public_text(&self) -> Option<String> {
        match &self.0 {
            Signer::Hmac(_) => None,
            Signer::Ed25519(pair) => {
                Some(format!("{PUBLIC_PREFIX}{}", BASE64_STANDARD.encode(pair.public_key())))
            }
        }
    }
}

impl fmt::Debug for SigningKey {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("SigningKey([redacted])")
    }
}

// === impl VerifyingKey ===

impl VerifyingKey {
    /// Reads `whsec_…` (24 to 64 bytes) or `whpk_…` (32 bytes).
    pub fn parse(text: &Secret<String>) -> Result<Self, ParseWebhookKeyError> {
        let text = text.expose();
        if let Some(encoded) = text.strip_prefix(HMAC_PREFIX) {
            return hmac_key(encoded).map(|key| Self(Verifier::Hmac(key)));
        }
        let expected = "`whsec_` or `whpk_`";
        let encoded = text.strip_prefix(PUBLIC_PREFIX).ok_or(ParseWebhookKeyError::Prefix { expected })?;
        let bytes = decode(encoded)?;
        let found = bytes.len();
        let key = bytes.try_into().map_err(|_| ParseWebhookKeyError::Length { expected: "32", found })?;
        Ok(Self(Verifier::Ed25519(key)))
    }
}

impl fmt::Debug for VerifyingKey {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("VerifyingKey([redacted])")
    }
}

fn hmac_key(encoded: &str) -> Result<hmac::Key, ParseWebhookKeyError> {
    let bytes = decode(encoded)?;
    if !HMAC_BYTES.contains(&bytes.len()) {
        return Err(ParseWebhookKeyError::Length { expected: "24 to 64", found: bytes.len() });
    }
    Ok(hmac::Key::new(HMAC_SHA256, &bytes))
}

fn decode(encoded: &str) -> Result<Vec<u8>, ParseWebhookKeyError> {
    if encoded.len() > TEXT_LENGTH_MAX {
        return Err(ParseWebhookKeyError::Encoding);
    }
    BASE64_STANDARD.decode(encoded).map_err(|_| ParseWebhookKeyError::Encoding)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn secret(text: impl Into<String>) -> Secret<String> {
        Secret::new(text.into())
    }

    fn encoded(prefix: &str, bytes: &[u8]) -> Secret<String> {
        secret(format!("{prefix}{}", BASE64_STANDARD.encode(bytes)))
    }

    #[test]
    fn asvs_v11_2_3_refuses_short_secrets() {
        for (length, good) in [(0, false), (16, false), (23, false), (24, true), (64, true), (65, false)] {
            let text = encoded(HMAC_PREFIX, &vec![1; length]);
            assert_eq!(SigningKey::parse(&text).is_ok(), good, "{length}");
            assert_eq!(VerifyingKey::parse(&text).is_ok(), good, "{length}");
        }
    }

    #[test]
    fn reads_both_forms_of_an_ed25519_key() {
        let seed = [9; 32];
        let key = SigningKey::from_ed25519_seed(&seed);
        let public = key.public_text().unwrap();
        assert!(VerifyingKey::parse(&secret(&public)).is_ok());
        let short = SigningKey::parse(&encoded(SECRET_PREFIX, &seed)).unwrap();
        assert_eq!(short.public_text().as_ref(), Some(&public));
        let half = BASE64_STANDARD.decode(public.strip_prefix(PUBLIC_PREFIX).unwrap()).unwrap();
        let long = SigningKey::parse(&encoded(SECRET_PREFIX, &[&seed[..], &half].concat())).unwrap();
        assert_eq!(long.public_text(), Some(public));
        let mixed = SigningKey::parse(&encoded(SECRET_PREFIX, &[9; 64]));
        assert_eq!(mixed.map(|_| ()).unwrap_err(), ParseWebhookKeyError::Halves);
    }

    #[test]
    fn secret_and_public_halves_are_not_mixed_up() {
        let public = SigningKey::from_ed25519_seed(&[9; 32]).public_text().unwrap();
        assert!(matches!(SigningKey::parse(&secret(public)), Err(ParseWebhookKeyError::Prefix { .. })));
        let private = encoded(SECRET_PREFIX, &[9; 32]);
        assert!(matches!(VerifyingKey::parse(&private), Err(ParseWebhookKeyError::Prefix { .. })));
    }

    #[test]
    fn asvs_v16_2_5_never_prints_a_key() {
        let text = new_hmac_secret(&[1; 32]);
        let (signing, verifying) = (SigningKey::parse(&text).unwrap(), VerifyingKey::parse(&text).unwrap());
        let printed = format!("{text:?} {signing:?} {verifying:?}");
        assert_eq!(printed, "[redacted] SigningKey([redacted]) VerifyingKey([redacted])");
    }

    proptest! {
        #[test]
        fn any_text_is_read_or_refused(prefix in "(whsec_|whsk_|whpk_|)", rest in "([A-Za-z0-9+/=]|\\PC){0,120}") {
            let text = secret(format!("{prefix}{rest}"));
            let _ = (SigningKey::parse(&text), VerifyingKey::parse(&text));
        }
    }
}
