//! The half of a key that signs. Secret.
//!
//! Its memory is not wiped when it is dropped (`ring` does not wipe its copy either), so a dump of the process is as
//! secret as the key.

use std::{fmt, ops::RangeInclusive};

use ring::{
    hmac,
    rand::SecureRandom,
    signature::{ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair, Ed25519KeyPair, KeyPair, Signature},
};
use shield_types::Secret;

use crate::{
    KeyId,
    token::{Algorithm, VerifyingKey},
};

/// Bytes of an HS256 key: as many as its MAC has at least (RFC 7518, 3.2), one block of SHA-256 at most, since more
/// are hashed to less.
const HMAC_KEY_BYTES: RangeInclusive<usize> = 32..=64;

/// Signs tokens with one algorithm.
///
/// Drawing a key and signing with ES256 take a generator (`ring::rand::SystemRandom` of the caller) instead of bytes:
/// `ring` draws numbers below the order of the curve itself, and takes them from nothing else.
pub struct SigningKey {
    signer: Signer,
    verifying: VerifyingKey,
    /// What it is made from: PKCS#8 (RFC 5208), or the bytes of an HS256 key.
    material: Secret<Box<[u8]>>,
}

enum Signer {
    EdDsa(Ed25519KeyPair),
    Es256(EcdsaKeyPair),
    Hs256(hmac::Key),
}

/// Why there is no key to sign with, or no signature.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum SigningKeyError {
    /// The secret is no key of this algorithm.
    #[error("read a secret key for `{}`: expected {}", .algorithm.name(), expected(.algorithm))]
    Material {
        /// What it should be a key for.
        algorithm: Algorithm,
    },
    /// The generator of random bytes failed.
    #[error("draw random bytes for `{}`: the generator failed", .algorithm.name())]
    Random {
        /// What they were for.
        algorithm: Algorithm,
    },
}

fn expected(algorithm: &Algorithm) -> &'static str {
    match algorithm {
        Algorithm::EdDsa => "PKCS#8 with an Ed25519 key",
        Algorithm::Es256 => "PKCS#8 with a P-256 key and its public key",
        Algorithm::Hs256 => "32 to 64 random bytes",
    }
}

// === impl SigningKey ===

impl SigningKey {
    /// Draws a new key.
    pub fn generate(algorithm: Algorithm, random: &dyn SecureRandom) -> Result<Self, SigningKeyError> {
        let failed = |_| SigningKeyError::Random { algorithm };
        let material: Box<[u8]> = match algorithm {
            Algorithm::EdDsa => Ed25519KeyPair::generate_pkcs8(random).map_err(failed)?.as_ref().into(),
            Algorithm::Es256 => {
                let pkcs8 = EcdsaKeyPair::generate_pkcs8(&ECDSA_P256_SHA256_FIXED_SIGNING, random);
                pkcs8.map_err(failed)?.as_ref().into()
            }
            Algorithm::Hs256 => {
                let mut bytes = [0; 32];
                random.fill(&mut bytes).map_err(failed)?;
                bytes.into()
            }
        };
        Self::from_secret(algorithm, Secret::new(material), random)
    }

    /// The key with this secret: PKCS#8 for EdDSA and ES256, 32 to 64 random bytes for HS256. Text that a person made
    /// up is no key: whoever holds one token could try such keys until one fits.
    pub fn from_secret(
        algorithm: Algorithm,
        material: Secret<Box<[u8]>>,
        random: &dyn SecureRandom,
    ) -> Result<Self, SigningKeyError> {
        let rejected = SigningKeyError::Material { algorithm };
        let signer = match algorithm {
            Algorithm::EdDsa => {
                let pair = Ed25519KeyPair::from_pkcs8_maybe_unchecked(material.expose());
                Signer::EdDsa(pair.map_err(|_| rejected)?)
            }
            Algorithm::Es256 => {
                let pair =
                    EcdsaKeyPair::from_pkcs8(&ECDSA_P256_SHA256_FIXED_SIGNING, material.expose(), random);
                Signer::Es256(pair.map_err(|_| rejected)?)
            }
            Algorithm::Hs256 if HMAC_KEY_BYTES.contains(&material.expose().len()) => {
                Signer::Hs256(hmac::Key::new(hmac::HMAC_SHA256, material.expose()))
            }
            Algorithm::Hs256 => return Err(rejected),
        };
        let verifying = match &signer {
            Signer::EdDsa(pair) => VerifyingKey::from_public(algorithm, pair.public_key().as_ref()),
            Signer::Es256(pair) => VerifyingKey::from_public(algorithm, pair.public_key().as_ref()),
            Signer::Hs256(key) => Ok(VerifyingKey::from_hmac(key.clone())),
        };
        Ok(Self { signer, verifying: verifying.map_err(|_| rejected)?, material })
    }

    /// Its name.
    pub fn id(&self) -> KeyId {
        self.verifying.id()
    }

    /// Its algorithm.
    pub fn algorithm(&self) -> Algorithm {
        self.verifying.algorithm()
    }

    /// What checks its signatures.
    pub fn verifying_key(&self) -> &VerifyingKey {
        &self.verifying
    }

    /// What [`Self::from_secret`] reads, for the store of keys and nothing else.
    pub fn secret(&self) -> &Secret<Box<[u8]>> {
        &self.material
    }

    /// A signature over `message`, as JWS has it (RFC 7518, 3; RFC 8037, 3.1).
    pub fn sign(
        &self,
        message: &[u8],
        random: &dyn SecureRandom,
    ) -> Result<impl AsRef<[u8]> + use<>, SigningKeyError> {
        let failed = |_| SigningKeyError::Random { algorithm: Algorithm::Es256 };
        Ok(match &self.signer {
            Signer::EdDsa(pair) => SignatureBytes::Curve(pair.sign(message)),
            Signer::Es256(pair) => SignatureBytes::Curve(pair.sign(random, message).map_err(failed)?),
            Signer::Hs256(key) => SignatureBytes::Mac(hmac::sign(key, message)),
        })
    }
}

impl fmt::Debug for SigningKey {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "SigningKey({} {} [redacted])", self.algorithm().name(), self.id())
    }
}

enum SignatureBytes {
    Curve(Signature),
    Mac(hmac::Tag),
}

// === impl SignatureBytes ===

impl AsRef<[u8]> for SignatureBytes {
    fn as_ref(&self) -> &[u8] {
        match self {
            Self::Curve(signature) => signature.as_ref(),
            Self::Mac(tag) => tag.as_ref(),
        }
    }
}
