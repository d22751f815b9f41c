//! The half of a key that checks signatures, and its name.

use std::fmt;

use base64::{Engine, prelude::BASE64_URL_SAFE_NO_PAD};
use ring::{
    hmac,
    signature::{ECDSA_P256_SHA256_FIXED, ED25519, UnparsedPublicKey},
};
use shield_types::Sha256Digest;

use crate::{KeyId, token::Algorithm};

/// Bytes of a P-256 point with both coordinates, uncompressed.
const POINT_BYTES: usize = 65;
/// How such a point begins.
const UNCOMPRESSED: u8 = 4;
/// What the name of an HS256 key is a MAC of. It has no point in it, so it is never what a token signs.
const HMAC_NAME: &[u8] = b"shield-guard: the kid of this HS256 key";

/// Checks signatures of one algorithm with one key. For HS256 it is as secret as the signing key.
#[derive(Clone)]
pub struct VerifyingKey {
    id: KeyId,
    material: Material,
}

#[derive(Clone)]
enum Material {
    EdDsa([u8; 32]),
    Es256([u8; POINT_BYTES]),
    Hs256(hmac::Key),
}

/// The signature is not one of this key over this message.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("verify a signature: it does not hold")]
pub struct SignatureRefused;

/// Bytes that are not a public key.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum VerifyingKeyError {
    /// Wrong length or form.
    #[error(
        "read a public key for `{}`: expected 32 bytes for EdDSA, or 65 bytes of an uncompressed point for ES256",
        .algorithm.name()
    )]
    Form {
        /// What it should be a key for.
        algorithm: Algorithm,
    },
    /// HS256 has no public key.
    #[error("read a public key for `HS256`: its key is secret, there is no public one")]
    Symmetric,
}

// === impl VerifyingKey ===

impl VerifyingKey {
    /// The key with these public bytes: 32 for EdDSA (RFC 8032), 65 of an uncompressed point for ES256 (SEC 1,
    /// 2.3.3). Whether the point is on the curve shows at the first signature, which then does not hold.
    pub fn from_public(algorithm: Algorithm, public: &[u8]) -> Result<Self, VerifyingKeyError> {
        let form = VerifyingKeyError::Form { algorithm };
        let material = match algorithm {
            Algorithm::EdDsa => Material::EdDsa(public.try_into().map_err(|_| form)?),
            Algorithm::Es256 if public.first() == Some(&UNCOMPRESSED) => {
                Material::Es256(public.try_into().map_err(|_| form)?)
            }
            Algorithm::Es256 => return Err(form),
            Algorithm::Hs256 => return Err(VerifyingKeyError::Symmetric),
        };
        Ok(Self::of(material))
    }

    /// The key that checks what `key` signs.
    pub(super) fn from_hmac(key: hmac::Key) -> Self {
        Self::of(Material::Hs256(key))
    }

    /// Its name, the same on every node: from the RFC 7638 thumbprint, or for HS256 from a MAC of a fixed text.
    pub fn id(&self) -> KeyId {
        self.id
    }

    /// The one algorithm that it checks.
    pub fn algorithm(&self) -> Algorithm {
        match self.material {
            Material::EdDsa(_) => Algorithm::EdDsa,
            Material::Es256(_) => Algorithm::Es256,
            Material::Hs256(_) => Algorithm::Hs256,
        }
    }

    /// The public bytes; `None` for HS256, which has none.
    pub fn public(&self) -> Option<&[u8]> {
        match &self.material {
            Material::EdDsa(public) => Some(public),
            Material::Es256(point) => Some(point),
            Material::Hs256(_) => None,
        }
    }

    /// Checks `signature` over `signed`. For ES256 a signature has a second form that holds as well (ECDSA), so a
    /// token must not be known by its bytes when it is revoked.
    pub fn verify(&self, signed: &[u8], signature: &[u8]) -> Result<(), SignatureRefused> {
        match &self.material {
            Material::EdDsa(public) => UnparsedPublicKey::new(&ED25519, public).verify(signed, signature),
            Material::Es256(point) => {
                UnparsedPublicKey::new(&ECDSA_P256_SHA256_FIXED, point).verify(signed, signature)
            }
            Material::Hs256(key) => hmac::verify(key, signed, signature),
        }
        .map_err(|_| SignatureRefused)
    }

    /// The members of its JSON Web Key that make it up, as RFC 7638 orders and writes them, without the braces;
    /// `None` for HS256.
    pub(super) fn required_members(&self) -> Option<String> {
        match &self.material {
            Material::EdDsa(public) => Some(okp(public)),
            Material::Es256(point) => Some(ec(point)),
            Material::Hs256(_) => None,
        }
    }

    fn of(material: Material) -> Self {
        Self { id: KeyId::from_thumbprint(material.thumbprint()), material }
    }
}

impl fmt::Debug for VerifyingKey {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "VerifyingKey({} {})", self.algorithm().name(), self.id)
    }
}

// === impl Material ===

impl Material {
    fn thumbprint(&self) -> [u8; 32] {
        match self {
            Self::EdDsa(public) => *Sha256Digest::of(format!("{{{}}}", okp(public)).as_bytes()).as_bytes(),
            Self::Es256(point) => *Sha256Digest::of(format!("{{{}}}", ec(point)).as_bytes()).as_bytes(),
            Self::Hs256(key) => {
                hmac::sign(key, HMAC_NAME).as_ref().try_into().expect("HMAC-SHA256 has 32 bytes")
            }
        }
    }
}

fn okp(public: &[u8; 32]) -> String {
    format!(r#""crv":"Ed25519","kty":"OKP","x":"{}""#, BASE64_URL_SAFE_NO_PAD.encode(public))
}

fn ec(point: &[u8; POINT_BYTES]) -> String {
    let [x, y] = [&point[1..33], &point[33..]].map(|coordinate| BASE64_URL_SAFE_NO_PAD.encode(coordinate));
    format!(r#""crv":"P-256","kty":"EC","x":"{x}","y":"{y}""#)
}
