//! The algorithms that sign tokens here, and no others.
//!
//! `none` and RSA are not values of [`Algorithm`], so that no setting and no header can choose them: an unsigned
//! token is no token, and RSA keys of 2048 bits miss the 128 bits of security that ASVS 5.0 11.2.3 asks for.

use serde::{Deserialize, Serialize};

use crate::token::TokenRefusal;

/// How a key signs. A key has one algorithm for life (ASVS 5.0, 9.1.2).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum Algorithm {
    /// Ed25519 (RFC 8037): short keys, no random bytes when signing. The default.
    #[default]
    #[serde(rename = "EdDSA")]
    EdDsa,
    /// ECDSA on P-256 with SHA-256 (RFC 7518, 3.4), where readers of the key set know no EdDSA.
    #[serde(rename = "ES256")]
    Es256,
    /// HMAC with SHA-256 (RFC 7518, 3.2): who verifies can also sign, so only where issuer and reader are one program.
    #[serde(rename = "HS256")]
    Hs256,
}

// === impl Algorithm ===

impl Algorithm {
    /// The `alg` of headers and key sets.
    pub const fn name(self) -> &'static str {
        match self {
            Self::EdDsa => "EdDSA",
            Self::Es256 => "ES256",
            Self::Hs256 => "HS256",
        }
    }

    /// Reads the `alg` of a header, exactly: `none` and the names of RSA get a refusal of their own, because they are
    /// attempts.
    pub(super) fn of_header(name: &[u8]) -> Result<Self, TokenRefusal> {
        match name {
            b"EdDSA" => Ok(Self::EdDsa),
            b"ES256" => Ok(Self::Es256),
            b"HS256" => Ok(Self::Hs256),
            b"RS256" | b"RS384" | b"RS512" | b"PS256" | b"PS384" | b"PS512" => {
                Err(TokenRefusal::AlgorithmRsa)
            }
            name if name.eq_ignore_ascii_case(b"none") => Err(TokenRefusal::AlgorithmNone),
            _ => Err(TokenRefusal::AlgorithmOther),
        }
    }
}
