//! Refresh tokens: how a session gets its next access token.
//!
//! A refresh token works once and gives its successor; all tokens from one log-in are a *family*, which is the
//! session. Using one that was used before means that two hold it, and ends the family (ASVS 5.0, 10.4.5). Two facts
//! decide the design:
//!
//! **Clients repeat themselves.** An answer gets lost, two tabs refresh at once. So for [`REPEAT_WINDOW`] the same
//! token gets the same successor, and for [`OUTAGE_WINDOW`] after the store was away. Only digests are stored, so the successor cannot be looked up; it is *derived*:
//! HMAC of a server secret over the family, the count of rotations, 32 fresh random bytes stored beside the family,
//! and the secret of the token presented. To compute a live token one needs all of: the server's secret, the
//! database, and the token before it, which the server does not keep.
//!
//! **Old tokens must be told from invented ones.** Otherwise whoever knows the id of a session, which is no secret,
//! ends it with a token he made up. So a token carries a MAC of the server: what it does not fit is refused without
//! asking the store, and what fits and is neither the current token nor the one before was certainly used before. A
//! family is therefore one record of fixed size, however often it rotates.
//!
//! A family ends one day after log-in, or 30 with "remember me"; nothing extends that (10.4.8).

mod decide;
mod family;
mod secrets;
mod store;
mod text;

pub use decide::{
    OUTAGE_WINDOW, REPEAT_WINDOW, RefreshAttempt, RefreshDecision, RefreshError, RefreshGrant,
    RefreshOutcome, RefreshRefusal, RefreshTokens,
};
pub use family::{RefreshFamily, RefreshLife, RefreshRotation};
pub use secrets::{RefreshSecrets, RefreshSecretsError};
pub use store::RefreshStore;
pub use text::{PresentedRefreshToken, REFRESH_TOKEN_BYTES, REFRESH_TOKEN_PREFIX, RefreshToken};
