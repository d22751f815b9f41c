//! Makes access tokens.

use base64::{Engine, prelude::BASE64_URL_SAFE_NO_PAD};
use ring::rand::SecureRandom;
use shield_types::{Secret, Timestamp};

use crate::{
    KeyId,
    token::{
        AccessClaims, KeyRing, NoSigningKeyError, SigningKeyError, TokenPolicy,
        claims::{self, Claims},
        header::Header,
    },
};

/// A new access token.
#[derive(Clone, Debug)]
pub struct IssuedToken {
    /// What the client sends: `Authorization: Bearer` and this. It is a credential.
    pub text: Secret<String>,
    /// Which key signed it.
    pub key_id: KeyId,
    /// From when on it is not valid any more.
    pub expires_at: Timestamp,
}

/// Why no token was made.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum IssueError {
    /// No key signs now.
    #[error("issue a token: there is no key for it")]
    NoKey {
        /// Why.
        #[source]
        source: NoSigningKeyError,
    },
    /// The key did not sign.
    #[error("issue a token: key `{key}` does not sign")]
    Sign {
        /// Which key.
        key: KeyId,
        /// Why.
        #[source]
        source: SigningKeyError,
    },
}

// === impl TokenPolicy ===

impl TokenPolicy {
    /// A token with `claims`, signed by the key of `ring` that is active at `now`; `random` is used by ES256 only. It
    /// is valid at once and for [`Self::lifetime`], counted from the begin of the second.
    pub fn issue(
        &self,
        ring: &KeyRing,
        claims: &AccessClaims,
        now: Timestamp,
        random: &dyn SecureRandom,
    ) -> Result<IssuedToken, IssueError> {
        let key = ring.signing_key(now).map_err(|source| IssueError::NoKey { source })?;
        let issued_at = now.0 / 1_000;
        let expires_at = issued_at + self.lifetime_seconds;
        let claims = Claims { access: *claims, issued_at, not_before: issued_at, expires_at };
        let mut text = Header::of(key.verifying_key()).encoded();
        text.push('.');
        BASE64_URL_SAFE_NO_PAD.encode_string(claims::text(self, &claims), &mut text);
        let signature = key.sign(text.as_bytes(), random);
        let signature = signature.map_err(|source| IssueError::Sign { key: key.id(), source })?;
        text.push('.');
        BASE64_URL_SAFE_NO_PAD.encode_string(signature, &mut text);
        Ok(IssuedToken {
            text: Secret::new(text),
            key_id: key.id(),
            expires_at: Timestamp(expires_at * 1_000),
        })
    }
}
