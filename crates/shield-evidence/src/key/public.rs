//! The public half of a signing key: what a verifier trusts.
//!
//! Text form `shield-evidence-key-v1 KEYID BASE64`, where KEYID is the SHA-256 of the 32 key bytes in hex: a damaged
//! key file cannot be read as a different key. One key has one text.

use std::{fmt, str::FromStr};

use base64::{Engine, engine::general_purpose::STANDARD};
use ring::signature::{ED25519, UnparsedPublicKey};
use serde::{Deserialize, Deserializer, Serialize, Serializer, de};
use shield_types::Sha256Digest;

const PREFIX: &str = "shield-evidence-key-v1";

/// Name of a key: SHA-256 of its 32 public bytes, as 64 lower-case hex digits.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct KeyId(Sha256Digest);

/// Text that is not 64 lower-case hex digits.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
#[error("parse key id `{text}`: expected 64 lower-case hex digits")]
pub struct ParseKeyIdError {
    /// What was given, cut at 80 characters.
    pub text: String,
}

/// An Ed25519 public key.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct PublicKey {
    bytes: [u8; 32],
}

/// Text that is not a public key, or whose id and bytes disagree.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
#[error(
    "parse public key `{text}`: expected `{PREFIX} KEYID BASE64`, where KEYID is the SHA-256 of the 32 key bytes in hex"
)]
pub struct ParsePublicKeyError {
    /// What was given, cut at 160 characters.
    pub text: String,
}

// === impl KeyId ===

impl fmt::Display for KeyId {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&self.0.hex())
    }
}

impl fmt::Debug for KeyId {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, formatter)
    }
}

impl FromStr for KeyId {
    type Err = ParseKeyIdError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let digest = format!("sha256:{text}").parse();
        digest.map(Self).map_err(|_| ParseKeyIdError { text: text.chars().take(80).collect() })
    }
}

impl Serialize for KeyId {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for KeyId {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer)?.parse().map_err(de::Error::custom)
    }
}

// === impl PublicKey ===

impl PublicKey {
    pub(crate) fn from_bytes(bytes: [u8; 32]) -> Self {
        Self { bytes }
    }

    /// The name of the key.
    pub fn key_id(&self) -> KeyId {
        KeyId(Sha256Digest::of(&self.bytes))
    }

    /// Whether `signature` is this key's over `message`.
    pub fn verifies(&self, message: &[u8], signature: &[u8]) -> bool {
        UnparsedPublicKey::new(&ED25519, &self.bytes).verify(message, signature).is_ok()
    }

    /// The content of the public key file: the text form and a newline.
    pub fn file_content(&self) -> String {
        format!("{self}\n")
    }

    /// The inverse of [`Self::file_content`].
    pub(crate) fn from_file_content(content: &[u8]) -> Result<Self, ParsePublicKeyError> {
        let text = String::from_utf8_lossy(content);
        let key: Self = text.strip_suffix('\n').unwrap_or(&text).parse()?;
        if key.file_content().as_bytes() == content { Ok(key) } else { Err(mistake(&text)) }
    }
}

impl fmt::Display for PublicKey {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{PREFIX} {} {}", self.key_id(), STANDARD.encode(self.bytes))
    }
}

impl fmt::Debug for PublicKey {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, formatter)
    }
}

impl FromStr for PublicKey {
    type Err = ParsePublicKeyError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let parse = || {
            let encoded = text.rsplit(' ').next()?;
            let key = Self { bytes: STANDARD.decode(encoded).ok()?.try_into().ok()? };
            (key.to_string() == text).then_some(key)
        };
        parse().ok_or_else(|| mistake(text))
    }
}

fn mistake(text: &str) -> ParsePublicKeyError {
    ParsePublicKeyError { text: text.chars().take(160).collect() }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::key::SigningKey;

    #[test]
    fn key_file_round_trips() {
        let key = *SigningKey::generate().unwrap().public();
        assert_eq!(PublicKey::from_file_content(key.file_content().as_bytes()), Ok(key));
    }

    #[test]
    fn refuses_every_changed_byte() {
        let key = *SigningKey::generate().unwrap().public();
        let content = key.file_content().into_bytes();
        for position in 0..content.len() {
            for value in 0..=u8::MAX {
                let mut changed = content.clone();
                changed[position] = value;
                if changed != content {
                    assert!(PublicKey::from_file_content(&changed).is_err(), "byte {position} = {value}");
                }
            }
        }
    }

    #[test]
    fn verifies_rfc_8032_vector() {
        let key: [u8; 32] = *"d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a"
            .parse::<KeyId>()
            .unwrap()
            .0
            .as_bytes();
        let first =
            "e5564300c360ac729086e2cc806e828a84877f1eb8e5d974d873e06522490155".parse::<KeyId>().unwrap();
        let second =
            "5fb8821590a33bacc61e39701cf9b46bd25bf5f0595bbe24655141438e7a100b".parse::<KeyId>().unwrap();
        let signature = [first.0.as_bytes().as_slice(), second.0.as_bytes().as_slice()].concat();
        assert!(PublicKey::from_bytes(key).verifies(b"", &signature));
        assert!(!PublicKey::from_bytes(key).verifies(b" ", &signature));
    }
}
