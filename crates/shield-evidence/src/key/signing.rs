//! The signing half. It leaves the process only through its owner-only file, and never through `Debug`.

use std::fmt;

use ring::{
    error::KeyRejected,
    rand::SystemRandom,
    signature::{Ed25519KeyPair, KeyPair},
};

use crate::key::PublicKey;

/// An Ed25519 key that signs statements and checkpoints.
pub struct SigningKey {
    pair: Ed25519KeyPair,
    public: PublicKey,
}

/// A new key could not be drawn.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
#[error("draw a signing key: the system's random source failed")]
pub struct GenerateKeyError;

// === impl SigningKey ===

impl SigningKey {
    /// A new key that exists in memory only.
    pub fn generate() -> Result<Self, GenerateKeyError> {
        let document = generate_pkcs8()?;
        Self::from_pkcs8(&document).map_err(|_| GenerateKeyError)
    }

    pub(super) fn from_pkcs8(document: &[u8]) -> Result<Self, KeyRejected> {
        let pair = Ed25519KeyPair::from_pkcs8(document)?;
        let bytes = pair.public_key().as_ref().try_into().expect("an Ed25519 public key has 32 bytes");
        Ok(Self { pair, public: PublicKey::from_bytes(bytes) })
    }

    /// The public half.
    pub fn public(&self) -> &PublicKey {
        &self.public
    }

    /// The signature over `message`; equal messages give equal signatures.
    pub(crate) fn sign(&self, message: &[u8]) -> Vec<u8> {
        self.pair.sign(message).as_ref().to_vec()
    }
}

impl fmt::Debug for SigningKey {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "SigningKey({})", self.public.key_id())
    }
}

#[expect(clippy::disallowed_methods, reason = "the one place that draws randomness: a new key")]
pub(super) fn generate_pkcs8() -> Result<Vec<u8>, GenerateKeyError> {
    let document = Ed25519KeyPair::generate_pkcs8(&SystemRandom::new()).map_err(|_| GenerateKeyError)?;
    Ok(document.as_ref().to_vec())
}
