//! Which key signed a token: the `kid` of its header.

use std::{fmt, str};

use base64::{Engine, prelude::BASE64_URL_SAFE_NO_PAD};
use serde::{Deserialize, Deserializer, Serialize, Serializer, de};

/// Letters of a key id.
const LENGTH: usize = 16;
/// Bytes of a thumbprint that become them.
const THUMBPRINT_BYTES: usize = 12;

/// A `kid`: sixteen letters of base64url, taken from the key's own thumbprint (RFC 7638), so that one id never names two keys
/// and no node has to be told which id another one chose.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct KeyId([u8; LENGTH]);

/// Text that is not a key id.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("read a key id: expected 16 letters of base64url, like `o5pPqBj0Zk3t-_aV`")]
pub struct ParseKeyIdError;

// === impl KeyId ===

impl KeyId {
    /// The id of the key with this SHA-256 thumbprint.
    pub fn from_thumbprint(thumbprint: [u8; 32]) -> Self {
        let mut letters = [0; LENGTH];
        let written = BASE64_URL_SAFE_NO_PAD.encode_slice(&thumbprint[..THUMBPRINT_BYTES], &mut letters);
        debug_assert_eq!(written, Ok(LENGTH), "twelve bytes are sixteen letters");
        Self(letters)
    }

    /// Reads an id as a header has it.
    pub fn parse(text: &[u8]) -> Result<Self, ParseKeyIdError> {
        let letters: [u8; LENGTH] = text.try_into().map_err(|_| ParseKeyIdError)?;
        let known = |letter: &u8| letter.is_ascii_alphanumeric() || matches!(letter, b'-' | b'_');
        if letters.iter().all(known) { Ok(Self(letters)) } else { Err(ParseKeyIdError) }
    }

    /// Its letters, to be kept in a table.
    pub(crate) const fn letters(self) -> [u8; LENGTH] {
        self.0
    }

    /// What [`Self::letters`] gave.
    pub(crate) const fn from_letters(letters: [u8; LENGTH]) -> Self {
        Self(letters)
    }

    /// As a header has it.
    pub fn as_str(&self) -> &str {
        str::from_utf8(&self.0).expect("letters of base64url are ASCII")
    }
}

impl Serialize for KeyId {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.as_str())
    }
}

impl<'de> Deserialize<'de> for KeyId {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Self::parse(String::deserialize(deserializer)?.as_bytes()).map_err(de::Error::custom)
    }
}

impl fmt::Display for KeyId {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(self.as_str())
    }
}

impl fmt::Debug for KeyId {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "KeyId({self})")
    }
}

#[cfg(test)]
mod tests {
    use super::{KeyId, ParseKeyIdError};

    #[test]
    fn reads_what_it_prints() {
        let id = KeyId::from_thumbprint([0xfb; 32]);
        assert_eq!(id.to_string(), "-_v7-_v7-_v7-_v7");
        assert_eq!(KeyId::parse(id.as_str().as_bytes()), Ok(id));
    }

    #[test]
    fn refuses_other_text() {
        for text in ["", "short", "exactly16letter!", "seventeen-letters", "../../etc/passwd"] {
            assert_eq!(KeyId::parse(text.as_bytes()), Err(ParseKeyIdError), "{text}");
        }
    }
}
