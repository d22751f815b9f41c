//! Tokens: signed access tokens (JWT), the keys that sign them, and refresh tokens.
//!
//! An access token (RFC 9068, without `client_id`: there is no OAuth client here) lives for minutes and is believed
//! without asking anybody; a refresh token lives for days, is looked up in a store, and works once. [`TokenVerifier`]
//! is what a request meets, [`TokenPolicy::issue`] what a log-in meets, [`RefreshTokens`] what comes between.
//!
//! **Invariants.** No claim is read before the signature holds (ASVS 5.0, 9.1.1). A key id names one key, and a key
//! one algorithm (9.1.2); nothing in a token says where to find a key (9.1.3). Whether a token was taken back is the
//! caller's question on *each* request, cached or not: the answer of [`TokenVerifier::verify`] carries what it must
//! ask for (token, session, account, key, time of issue), never the text of the token, which an attacker can change
//! without making it another token.

mod algorithm;
mod cache;
mod claims;
mod compact;
mod header;
mod issue;
mod jwks;
mod key_record;
mod key_ring;
mod key_store;
mod members;
mod policy;
mod refresh;
mod refusal;
mod rotation;
mod signing_key;
mod slot;
#[cfg(test)]
mod tests;
mod verifier;
mod verify;
mod verifying_key;

pub use algorithm::Algorithm;
pub use cache::{CacheSizeError, VerifiedTokenCache};
pub use claims::{AccessClaims, VerifiedToken};
pub use issue::{IssueError, IssuedToken};
pub use jwks::Jwks;
pub use key_record::{KeyRecord, KeyState, StoredKey, StoredRing};
pub use key_ring::{KeyRefusal, KeyRing, LoadRingError, NoSigningKeyError};
pub use key_store::{Exchange, KeyStore};
pub use policy::{
    ACCESS_TOKEN_LIFETIME_MAX, CLOCK_LEEWAY, TOKEN_BYTES_MAX, TokenPolicy, TokenPolicyError, TokenSettings,
};
pub use refresh::{
    OUTAGE_WINDOW, PresentedRefreshToken, REFRESH_TOKEN_BYTES, REFRESH_TOKEN_PREFIX, REPEAT_WINDOW,
    RefreshAttempt, RefreshDecision, RefreshError, RefreshFamily, RefreshGrant, RefreshLife, RefreshOutcome,
    RefreshRefusal, RefreshRotation, RefreshSecrets, RefreshSecretsError, RefreshStore, RefreshToken,
    RefreshTokens,
};
pub use refusal::TokenRefusal;
pub use rotation::{KEYS_MAX, KillError, RotateError, RotationSchedule};
pub use signing_key::{SigningKey, SigningKeyError};
pub use verifier::TokenVerifier;
pub use verifying_key::{SignatureRefused, VerifyingKey, VerifyingKeyError};
