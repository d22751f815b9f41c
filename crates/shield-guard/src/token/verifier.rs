//! What a request with an access token meets: the cache, and behind it the verification.

use shield_types::Timestamp;

use crate::token::{KeyRing, TOKEN_BYTES_MAX, TokenPolicy, TokenRefusal, VerifiedToken, VerifiedTokenCache};

/// Reads access tokens and remembers those that are valid. The cache belongs to one policy, so that a token accepted
/// for one audience is never found by another.
pub struct TokenVerifier {
    policy: TokenPolicy,
    cache: VerifiedTokenCache,
}

// === impl TokenVerifier ===

impl TokenVerifier {
    /// A verifier that has seen nothing.
    pub fn new(policy: TokenPolicy, cache: VerifiedTokenCache) -> Self {
        Self { policy, cache }
    }

    /// What it accepts.
    pub fn policy(&self) -> &TokenPolicy {
        &self.policy
    }

    /// What `token` says, if its signature, type, issuer, audience and times are right at `now` and its key is in
    /// `ring`. Keys and times are checked on every sight; **whether the token, its session, account or key was
    /// revoked has to be asked by the caller, each time**.
    pub fn verify(
        &self,
        ring: &KeyRing,
        token: &[u8],
        now: Timestamp,
    ) -> Result<VerifiedToken, TokenRefusal> {
        if token.len() > TOKEN_BYTES_MAX {
            return Err(TokenRefusal::TooLong);
        }
        let sought = self.cache.seek(token);
        // An entry that does not count any more is verified like a new token, so that the refusal has the right name.
        let known = self
            .cache
            .get(sought)
            .filter(|known| known.check_times(now).is_ok() && ring.verifying_key(known.key_id, now).is_ok());
        if let Some(known) = known {
            return Ok(known);
        }
        let verified = self.policy.verify(ring, token, now)?;
        self.cache.insert(sought, &verified);
        Ok(verified)
    }
}
