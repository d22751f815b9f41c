//! Reads access tokens: find the key, check the signature, only then read the claims (ASVS 5.0, 9.1.1).
//!
//! Nothing is allocated, and what the signature costs is nearly all that it costs: `ring` is asked with the slices as
//! they came.

use shield_types::Timestamp;

use crate::{
    base64url,
    token::{
        KeyRefusal, KeyRing, TOKEN_BYTES_MAX, TokenPolicy, TokenRefusal, VerifiedToken, claims,
        compact::Compact, header::Header,
    },
};

/// Bytes that the claims of the longest token have.
const CLAIMS_BYTES_MAX: usize = TOKEN_BYTES_MAX / 4 * 3;
/// Bytes of the longest signature.
const SIGNATURE_BYTES_MAX: usize = 64;

// === impl TokenPolicy ===

impl TokenPolicy {
    /// Reads the access token `token` in full. [`crate::token::TokenVerifier`] does the same and remembers it.
    pub fn verify(
        &self,
        ring: &KeyRing,
        token: &[u8],
        now: Timestamp,
    ) -> Result<VerifiedToken, TokenRefusal> {
        let parts = Compact::split(token)?;
        let key = ring.key_of_header(parts.header).ok_or_else(|| header_refusal(ring, parts.header))?;
        let id = key.record.id;
        let key = key.verifying_at(now).map_err(|refusal| match refusal {
            KeyRefusal::NotInRing => TokenRefusal::KeyNotInRing { key: id },
            KeyRefusal::Killed => TokenRefusal::KeyKilled { key: id },
            KeyRefusal::Gone => TokenRefusal::KeyGone { key: id },
        })?;
        let mut signature = [0; SIGNATURE_BYTES_MAX];
        let signature = base64url::decode(parts.signature, &mut signature).ok_or(TokenRefusal::Encoding)?;
        key.verify(parts.signed, signature).map_err(|_| TokenRefusal::Signature)?;
        let mut text = [0; CLAIMS_BYTES_MAX];
        let text = base64url::decode(parts.claims, &mut text).ok_or(TokenRefusal::Encoding)?;
        let verified = claims::read(text, self, id)?;
        verified.check_times(now)?;
        Ok(verified)
    }
}

/// What is wrong with a header that is not the one of a key.
#[cold]
fn header_refusal(ring: &KeyRing, header: &[u8]) -> TokenRefusal {
    let Header { algorithm, key } = match Header::read(header) {
        Ok(header) => header,
        Err(refusal) => return refusal,
    };
    match ring.records().find(|record| record.id == key) {
        None => TokenRefusal::KeyNotInRing { key },
        Some(record) if record.algorithm != algorithm => TokenRefusal::AlgorithmMismatch { key },
        Some(_) => TokenRefusal::HeaderForm,
    }
}
